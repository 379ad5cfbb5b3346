// An HTTP answer that stays open as a stream of server-sent events. HTML §9.2.
import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import type { EventReader } from "./stream-readers.ts";

/** From here on the connection is the stream's. */
export function beginStream(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
  });
  reply.raw.flushHeaders();
}

export function readerOf(raw: ServerResponse): EventReader {
  return {
    write: (text) => raw.write(text),
    get buffered() {
      return raw.writableLength;
    },
    end: () => raw.end(),
    drop: () => raw.destroy(),
  };
}
