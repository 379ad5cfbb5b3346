#!/bin/sh
# The Node that runs the TypeScript sources: the one that npm ci has brought, else the machine's if it can (24 or later).
# npm 10 and older do not put the first one on a script's path.
# What it compiles it keeps beside the packages, whose owner alone writes there: a start takes half the time.
[ -d node_modules ] && export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE-$PWD/node_modules/.cache/compiled}"
for brought in node_modules/node-linux-*/bin/node; do
  [ -x "$brought" ] && "$brought" -v >/dev/null 2>&1 && exec "$brought" "$@"
done
version=$(node -p process.versions.node 2>/dev/null)
[ "${version%%.*}" -ge 24 ] 2>/dev/null && exec node "$@"
echo "ims-lab runs on Node 24 or later; here is ${version:-none}. On Linux (x64, arm64; glibc) \"npm ci\" brings one along, unless optional packages are omitted." >&2
exit 2
