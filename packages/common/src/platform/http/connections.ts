// The bound on connections to the admin interface, so that SIP keeps its own.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics.ts";

type Socket = IncomingMessage["socket"];

interface Observers {
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * One above `most` takes the place of the one that has waited longest without a whole request, so that
 * silent connections keep no probe out; where all are at work it is closed at once.
 */
export function limitConnections(server: Server, most: number, { log, metrics }: Observers): void {
  const dropped = metrics.counter("http_connections_dropped_total", "Above http.maxConnections.");
  let isSaid = false;
  let open = 0;
  /** Those without a request in work; a Set keeps them in the order in which they came to rest. */
  const waiting = new Set<Socket>();
  const drop = (socket: Socket): void => {
    dropped.inc();
    if (!isSaid) {
      isSaid = true;
      const peer = socket.remoteAddress;
      log.warn("http.connections-limited", { peer, setting: "http.maxConnections" });
    }
    waiting.delete(socket);
    socket.destroy();
  };
  server.on("connection", (socket) => {
    open += 1;
    socket.once("close", () => {
      open -= 1;
      waiting.delete(socket);
    });
    if (open > most) {
      const [longest = socket] = waiting;
      drop(longest);
    }
    if (!socket.destroyed) waiting.add(socket);
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    waiting.delete(socket);
    response.once("close", () => {
      if (!socket.destroyed) waiting.add(socket);
    });
  });
}
