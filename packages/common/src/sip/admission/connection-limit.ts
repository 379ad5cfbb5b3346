// Connections that a node has open files for: one that cannot be accepted would be refused in silence.
import type { Logger } from "../../platform/logger.ts";
import type { SideSettings } from "../transport/listeners.ts";
import type { SipLimits } from "./limits.ts";

/** Logs, traces, UDP sockets, name look-ups and Node's own. */
const OTHER_FILES = 100;

export interface OpenFiles {
  /** Of this process; undefined: not known, or none. */
  readonly limit: number | undefined;
  /** `http.maxConnections`. */
  readonly http: number;
  readonly sides: readonly SideSettings[];
  readonly log: Logger;
}

/** `limits` with a `maxConnections` that all transports together can have; said when it is another. */
export function withinOpenFiles(limits: SipLimits, files: OpenFiles): SipLimits {
  const { limit, http, sides, log } = files;
  if (limit === undefined) return limits;
  const transports = sides.reduce((count, side) => count + streamsOf(side), 0);
  const each = Math.max(1, Math.floor((limit - http - OTHER_FILES) / transports));
  if (limits.maxConnections <= each) return limits;
  const needed = limits.maxConnections * transports + http + OTHER_FILES;
  const said = {
    setting: "limits.maxConnections",
    wanted: limits.maxConnections,
    used: each,
    openFiles: limit,
    next: `allow ${needed} open files (ulimit -n, LimitNOFILE=) or lower limits.maxConnections`,
  };
  if (each < limits.maxConnections / 2) log.warn("limits.open-files", said);
  else log.info("limits.open-files", said);
  return { ...limits, maxConnections: each };
}

function streamsOf({ tls, ws }: SideSettings): number {
  return 1 + [tls?.port, ws?.port, ws?.securePort].filter((port) => port !== undefined).length;
}
