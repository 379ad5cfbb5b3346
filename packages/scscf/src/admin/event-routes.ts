// `GET /events`: what happens at the S-CSCF, as server-sent events over a connection that stays open.
import { eventSchema } from "@ims-lab/common/admin-api/event-schemas";
import { problem } from "@ims-lab/common/platform/http/problem";
import type { FastifyInstance } from "fastify";
import type { EventStream } from "./event-stream.ts";
import { beginStream, readerOf } from "./sse-answer.ts";

export interface EventRouteParts {
  readonly stream: EventStream;
  /** All identities of a user; throws the problem of an unknown one. */
  namesOf(impu: string): ReadonlySet<string>;
}

interface EventQuery {
  readonly impu?: string;
  readonly follow: boolean;
}

export function addEvents(app: FastifyInstance, { stream, namesOf }: EventRouteParts): void {
  const schema = {
    summary:
      "What happens, as server-sent events of type registration, subscription, reauthentication, authentication, campaign, subscriber.",
    description:
      "`Last-Event-ID` brings what has happened since; an event of type gap says from which id, where that is not remembered any more. A comment comes every 15 s. Who does not read is dropped.",
    querystring: {
      type: "object",
      properties: {
        impu: { type: "string", description: "Only events of this user, by IMPU or IMPI." },
        follow: {
          type: "boolean",
          default: true,
          description: "false: what is remembered since Last-Event-ID, then the end.",
        },
      },
      additionalProperties: false,
    },
    headers: {
      type: "object",
      properties: { "last-event-id": { type: "integer", minimum: 0 } },
    },
    response: {
      200: {
        description: "A stream; the data of each event is as the schema says.",
        content: { "text/event-stream": { schema: eventSchema } },
      },
    },
  } as const;
  app.get<{ Querystring: EventQuery; Headers: { "last-event-id"?: number } }>(
    "/events",
    { schema },
    (request, reply) => {
      const { impu, follow } = request.query;
      const names = impu === undefined ? undefined : namesOf(impu);
      const lastId = request.headers["last-event-id"];
      const reader = readerOf(reply.raw);
      if (!follow) {
        beginStream(reply);
        stream.replay(reader, { lastId: lastId ?? stream.oldest - 1, names });
        reader.end();
        return;
      }
      if (!stream.mayOpen)
        throw problem(503, "Too many readers", "As many as may read the events at once do so.");
      beginStream(reply);
      reply.raw.on("close", () => stream.left(reader));
      stream.open(reader, { lastId, names });
    },
  );
  // Before the server waits for its connections.
  app.addHook("preClose", (done) => {
    stream.close();
    done();
  });
}
