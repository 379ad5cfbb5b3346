// The de-registration of everybody over HTTP, `POST /deregistrations` of the S-CSCF: a stream of its progress.
import { deregistrationCauses } from "./views.ts";

/** Data of the events `progress` and, at last, `end`. */
export interface DeregistrationProgress {
  /** Devices that were registered when it began. */
  readonly total: number;
  /** Those of them that are registered no more because of it. */
  readonly deregistered: number;
  /** Of these, those that a NOTIFY tells; nobody has subscribed for the others. */
  readonly told: number;
  /** Those that had gone before it was their turn. */
  readonly gone: number;
  readonly isOver: boolean;
}

const count = { type: "integer", minimum: 0 } as const;

/** The data of both events. */
export const deregistrationProgressSchema: Readonly<Record<string, unknown>> = {
  type: "object",
  properties: {
    total: count,
    deregistered: count,
    told: count,
    gone: count,
    isOver: { type: "boolean" },
  },
  required: ["total", "deregistered", "told", "gone", "isOver"],
  additionalProperties: false,
};

export const deregistrationOrderSchema: Readonly<Record<string, unknown>> = {
  type: "object",
  properties: {
    cause: { type: "string", enum: deregistrationCauses },
    perSecond: {
      type: "number",
      exclusiveMinimum: 0,
      maximum: 10_000,
      description: "Devices a second, at most.",
    },
    retryAfterSeconds: {
      type: "integer",
      minimum: 0,
      description: "With cause probation; 60 where it is not given.",
    },
  },
  required: ["cause", "perSecond"],
  additionalProperties: false,
};
