// JSON Schemas of what the UE's control interface answers: its state, calls and messages.
import {
  count,
  flagSchema,
  list,
  maybe,
  maybeCount,
  maybeText,
  maybeTime,
  object,
  type Schema,
  textSchema,
  textsSchema,
  time,
  wordSchema,
} from "./schema-parts.ts";

export const callSchema: Schema = object({
  callId: textSchema,
  direction: wordSchema("outgoing", "incoming"),
  peer: textSchema,
  state: wordSchema("inviting", "ringing", "answered", "up", "ending", "over"),
  why: maybeText,
  heldHere: flagSchema,
  heldThere: flagSchema,
  startedAt: time,
  upAt: maybeTime,
  overAt: maybeTime,
  packets: count,
});

export const messageSchema: Schema = object({
  at: time,
  direction: wordSchema("sent", "received"),
  peer: textSchema,
  text: textSchema,
  status: maybeCount,
  why: maybeText,
});

export const ueSchema: Schema = object({
  impi: textSchema,
  impu: textSchema,
  contact: textSchema,
  registration: object({
    state: textSchema,
    why: maybeText,
    expiresAt: maybeTime,
    nextAt: maybeTime,
    callId: maybeText,
    cseq: maybeCount,
    serviceRoute: textsSchema,
    associatedUris: textsSchema,
    lastFailure: maybeText,
    lastCheck: maybe(object({ at: time, status: maybeCount, why: maybeText })),
  }),
  subscription: maybe(
    object({
      event: textSchema,
      state: textSchema,
      callId: maybeText,
      expiresAt: maybeTime,
      lastNotify: maybe(
        object({ at: time, subscriptionState: textSchema, version: maybeCount, said: maybeText }),
      ),
    }),
  ),
  calls: list(callSchema),
  messages: list(messageSchema),
});
