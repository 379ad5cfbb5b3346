// `GET /registrations/{impu}/messages`: what passes between the S-CSCF and one user's devices, as server-sent events.

import { observedMessageSchema } from "@ims-lab/common/admin-api/event-schemas";
import type { ObservedMessage } from "@ims-lab/common/admin-api/observed-messages";
import { impuParams } from "@ims-lab/common/admin-api/path-parameters";
import type { Clock } from "@ims-lab/common/platform/clock";
import { problem } from "@ims-lab/common/platform/http/problem";
import type { FastifyInstance } from "fastify";
import type { MessageWatches } from "../observation/message-watch.ts";
import { beginStream, readerOf } from "./sse-answer.ts";
import { type EventReader, StreamReaders } from "./stream-readers.ts";

/** Each costs every message of the node a reading. */
export const MOST_OBSERVERS = 4;

interface Observing {
  readonly reader: EventReader;
  stop(): void;
}

export interface MessageRouteParts {
  readonly clock: Clock;
  readonly watches: MessageWatches;
  /** All identities of a user; throws the problem of an unknown one. */
  namesOf(impu: string): ReadonlySet<string>;
}

export function addMessages(app: FastifyInstance, parts: MessageRouteParts): void {
  const { clock, watches, namesOf } = parts;
  const observers = new StreamReaders<Observing>(clock, MOST_OBSERVERS, ({ stop }) => stop());
  const schema = {
    summary: "A user's SIP messages from now on, as server-sent events of type message.",
    description:
      "What is told of each is in the schema: no credentials and no bodies. A comment comes at once, and every 15 s. Who does not read is dropped.",
    params: impuParams,
    response: {
      200: {
        description: "A stream; the data of each event is as the schema says.",
        content: { "text/event-stream": { schema: observedMessageSchema } },
      },
    },
  } as const;
  app.get<{ Params: { impu: string } }>(
    "/registrations/:impu/messages",
    { schema },
    ({ params: { impu } }, reply) => {
      const names = namesOf(impu);
      if (!observers.mayOpen)
        throw problem(503, "Too many observers", "As many as may observe at once do so.");
      beginStream(reply);
      const reader = readerOf(reply.raw);
      const observing: Observing = {
        reader,
        stop: watches.begin({
          names,
          saw: (message) => observers.tell(observing, textOf(message)),
        }),
      };
      reply.raw.on("close", () => observers.left(reader));
      observers.open(observing);
      reader.write(": messages from now on\n\n");
    },
  );
  // Before the server waits for its connections.
  app.addHook("preClose", (done) => {
    observers.close();
    done();
  });
}

function textOf(message: ObservedMessage): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}
