#!/usr/bin/env node
// `imslab`, as a shell starts it.
import { systemClock } from "@ims-lab/common/platform/clock";
import { imslab } from "./imslab.ts";

const { argv, env, stdout, stderr } = process;
// `imslab list | head`: a reader that ends early is no failure.
for (const output of [stdout, stderr])
  output.on("error", (problem: NodeJS.ErrnoException) => {
    if (problem.code !== "EPIPE") throw problem;
  });
process.exitCode = await imslab(argv.slice(2), {
  env,
  stdout,
  stderr,
  fetch,
  clock: systemClock(),
  interruption,
});

/** A second one ends the process, as ever. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => interrupted.abort());
  return interrupted.signal;
}
