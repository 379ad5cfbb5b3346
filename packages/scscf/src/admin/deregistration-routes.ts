// `POST /deregistrations`: everybody is de-registered at a pace, as a stream of the progress; who goes away ends it.
import {
  type DeregistrationProgress,
  deregistrationOrderSchema,
  deregistrationProgressSchema,
} from "@ims-lab/common/admin-api/deregistration-views";
import type { OperatorCause } from "@ims-lab/common/admin-api/views";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { problem } from "@ims-lab/common/platform/http/problem";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { FastifyInstance } from "fastify";
import type { RemovalCause } from "../registration/binding.ts";
import type { Bindings } from "../registration/bindings.ts";
import { DeregisterAll } from "../registration/deregister-all.ts";
import type { Registrations } from "../registration/registrations.ts";
import { beginStream, readerOf } from "./sse-answer.ts";
import type { EventReader } from "./stream-readers.ts";

export interface DeregistrationRouteParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly bindings: Bindings;
  readonly registrations: Registrations;
}

interface Order {
  readonly cause: OperatorCause;
  readonly perSecond: number;
  readonly retryAfterSeconds?: number;
}

/** Seconds until a device on probation may come back, when the operator does not say. */
const PROBATION_SECONDS = 60;

/** @param cause with `retryAfterSeconds` `probation` alone */
export function removalOf(cause: OperatorCause, retryAfterSeconds?: number): RemovalCause {
  if (cause === "probation")
    return { kind: cause, retryAfterSeconds: retryAfterSeconds ?? PROBATION_SECONDS };
  if (retryAfterSeconds !== undefined)
    throw problem(400, "Bad request", "retryAfterSeconds goes with cause=probation.");
  return { kind: cause };
}

export function addDeregistrations(app: FastifyInstance, parts: DeregistrationRouteParts): void {
  let running: RunningDeregistration | undefined;
  const schema = {
    summary: "De-register everybody, at a pace.",
    description:
      "Server-sent events of type progress once a second, and end at last. When the connection ends, nobody further is de-registered.",
    body: deregistrationOrderSchema,
    response: {
      200: {
        description: "A stream; the data of each event is as the schema says.",
        content: { "text/event-stream": { schema: deregistrationProgressSchema } },
      },
    },
  } as const;
  app.post<{ Body: Order }>("/deregistrations", { schema }, ({ body }, reply) => {
    const cause = removalOf(body.cause, body.retryAfterSeconds);
    if (running !== undefined)
      throw problem(409, "Already under way", "Somebody de-registers everybody at this moment.");
    beginStream(reply);
    const begun = new RunningDeregistration(parts, readerOf(reply.raw), {
      cause,
      perSecond: body.perSecond,
      onOver: () => {
        running = undefined;
      },
    });
    running = begun;
    reply.raw.on("close", () => begun.end("the connection has ended"));
  });
  app.addHook("preClose", (done) => {
    running?.end("the node stops");
    done();
  });
}

const TELL_MS = 1_000;

class RunningDeregistration {
  readonly #parts: DeregistrationRouteParts;
  readonly #reader: EventReader;
  readonly #all: DeregisterAll;
  readonly #onOver: () => void;
  readonly #cause: RemovalCause;
  #timer: Timer | undefined;
  #isEnded = false;

  constructor(
    parts: DeregistrationRouteParts,
    reader: EventReader,
    order: { readonly cause: RemovalCause; readonly perSecond: number; onOver(): void },
  ) {
    this.#parts = parts;
    this.#reader = reader;
    this.#onOver = order.onOver;
    this.#cause = order.cause;
    this.#all = new DeregisterAll({ ...parts, ...order, onOver: () => this.end("done") });
    const { total } = this.#all;
    parts.log.warn("deregistration.begun", {
      cause: order.cause.kind,
      perSecond: order.perSecond,
      total,
    });
    this.#tell();
  }

  end(why: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#all.stop();
    this.#timer?.cancel();
    this.#write("end");
    this.#reader.end();
    const { total, deregistered, told, gone } = this.#all;
    const fields = { cause: this.#cause.kind, total, deregistered, told, gone, why };
    this.#parts.log.warn("deregistration.ended", fields);
    this.#onOver();
  }

  #tell(): void {
    this.#write("progress");
    this.#timer = this.#parts.clock.after(TELL_MS, () => this.#tell());
  }

  #write(type: "progress" | "end"): void {
    const { total, deregistered, told, gone, isOver } = this.#all;
    const progress: DeregistrationProgress = { total, deregistered, told, gone, isOver };
    this.#reader.write(`event: ${type}\ndata: ${JSON.stringify(progress)}\n\n`);
  }
}
