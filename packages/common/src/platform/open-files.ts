// The limit of open files of this process, which sockets count against. getrlimit(2), RLIMIT_NOFILE.
import { readFileSync } from "node:fs";

/** Node raises the soft limit to the hard one when it starts. Undefined: the system does not say, or sets none. */
export function openFilesLimit(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined; // no Linux
  }
}
