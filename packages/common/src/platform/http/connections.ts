// How many may be connected to the admin interface: what it takes away, SIP's connections lack. Design section 11.
import type { Server } from "node:http";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics.ts";

interface Observers {
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** One more is closed at once, counted, and said when it is the first. */
export function limitConnections(server: Server, most: number, { log, metrics }: Observers): void {
  const dropped = metrics.counter("http_connections_dropped_total", "Above http.maxConnections.");
  let isSaid = false;
  server.maxConnections = most;
  server.on("drop", (peer) => {
    dropped.inc();
    if (isSaid) return;
    isSaid = true;
    log.warn("http.connections-limited", {
      peer: peer?.remoteAddress,
      setting: "http.maxConnections",
    });
  });
}
