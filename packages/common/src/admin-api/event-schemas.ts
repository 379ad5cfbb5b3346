// JSON Schemas of what the S-CSCF streams: events, and messages of a user.
import { credentialKinds } from "./observed-messages.ts";
import {
  count,
  flagSchema,
  list,
  maybeCount,
  maybeText,
  object,
  type Schema,
  textSchema,
  time,
  wordSchema,
} from "./schema-parts.ts";
import { reauthenticationEnds, reauthenticationProgresses } from "./schemas.ts";

const happened = {
  id: count,
  at: time,
  impi: maybeText,
  impu: maybeText,
  callId: maybeText,
  text: textSchema,
};

function news(type: string, words: readonly string[], more: Record<string, Schema>): Schema {
  return object({ ...happened, type: { const: type }, event: wordSchema(...words), ...more });
}

/** The data of each event of `GET /events`, but for `gap`. */
export const eventSchema: Schema = {
  oneOf: [
    news("registration", ["registered", "refreshed", "removed"], {
      bindingId: textSchema,
      contact: textSchema,
      expiresAt: time,
      cause: maybeText,
    }),
    news(
      "subscription",
      ["begun", "refreshed", "ended", "overdue", "notify-answered", "notify-failed"],
      { package: maybeText, bindingId: maybeText },
    ),
    news("reauthentication", ["asked", "triggered", "progressed", "ended"], {
      reauthenticationId: maybeText,
      bindingId: textSchema,
      contact: textSchema,
      cause: maybeText,
      progress: { type: ["string", "null"], enum: [...reauthenticationProgresses, null] },
      end: { type: ["string", "null"], enum: [...reauthenticationEnds, null] },
    }),
    news("authentication", ["challenged", "succeeded", "failed", "unanswered"], {
      source: maybeText,
      why: maybeText,
    }),
    news("subscriber", ["added", "replaced", "removed"], {
      aspects: list(wordSchema("identities", "credentials", "duty", "policy")),
    }),
    news("campaign", ["started", "paused", "resumed", "stopped", "finished"], {
      campaignId: textSchema,
      total: count,
      asked: count,
      ended: count,
      reauthenticated: count,
    }),
  ],
};

export const observedMessageSchema: Schema = object({
  at: time,
  direction: wordSchema("from-device", "to-device"),
  isRepeated: flagSchema,
  method: textSchema,
  status: maybeCount,
  callId: textSchema,
  cseq: count,
  contact: maybeText,
  expires: maybeCount,
  minExpires: maybeCount,
  retryAfter: maybeCount,
  event: maybeText,
  subscriptionState: maybeText,
  reason: maybeText,
  contacts: list(
    object({ uri: textSchema, state: textSchema, event: textSchema, expires: maybeCount }),
  ),
  credentials: { type: ["string", "null"], enum: [...credentialKinds, null] },
  nonce: maybeText,
  userAgent: maybeText,
});
