// JSON Schemas of what the admin interfaces answer: those of views.ts, for the OpenAPI documents.
import { credentialKinds } from "./observed-messages.ts";
import { deregistrationCauses } from "./views.ts";

export type Schema = Readonly<Record<string, unknown>>;

/** All of them are always there, and no others. */
export function object(properties: Readonly<Record<string, Schema>>): Schema {
  const required = Object.keys(properties);
  return { type: "object", properties, required, additionalProperties: false };
}

export const text: Schema = { type: "string" };
export const maybeText: Schema = { type: ["string", "null"] };
export const texts: Schema = { type: "array", items: text };
const flag: Schema = { type: "boolean" };
export const count: Schema = { type: "integer", minimum: 0 };
const maybeCount: Schema = { type: ["integer", "null"], minimum: 0 };
/** Milliseconds since the epoch. */
export const time: Schema = { type: "integer" };
export const maybeTime: Schema = { type: ["integer", "null"] };

export function oneOf(...words: readonly string[]): Schema {
  return { type: "string", enum: words };
}

export function maybe(schema: Schema): Schema {
  return { anyOf: [schema, { type: "null" }] };
}

export function list(items: Schema): Schema {
  return { type: "array", items };
}

export function pageOf(items: Schema): Schema {
  return object({ items: list(items), total: count });
}

export const reauthenticationProgresses = [
  "requested",
  "notified",
  "acknowledged",
  "challenged",
] as const;
const progress = oneOf(...reauthenticationProgresses);
export const reauthenticationEnds = [
  "reauthenticated",
  "refused",
  "unanswered",
  "ignored",
  "unreachable",
  "unsubscribed",
  "withdrawn",
] as const;

export const transactionSchema: Schema = object({
  side: text,
  kind: oneOf("client", "server"),
  method: text,
  state: text,
  ageMs: count,
  endsInMs: maybeCount,
  peer: maybeText,
  branch: text,
  callId: text,
});

export const reauthenticationSchema: Schema = object({
  id: text,
  impi: text,
  impu: text,
  bindingId: text,
  contact: text,
  cause: text,
  askers: texts,
  progress,
  end: { type: ["string", "null"], enum: [...reauthenticationEnds, null] },
  requestedAt: time,
  notifiedAt: maybeTime,
  acknowledgedAt: maybeTime,
  challengedAt: maybeTime,
  endedAt: maybeTime,
  deadlineAt: maybeTime,
  deregisteredAt: maybeTime,
  reason: maybeText,
});

export const reauthenticateAnswerSchema: Schema = object({ items: list(reauthenticationSchema) });

const bindingSchema = object({
  id: text,
  contact: text,
  callId: text,
  cseq: count,
  path: texts,
  userAgent: maybeText,
  duty: oneOf("enforce", "warn", "optional"),
  dutyBy: text,
  expiresAt: time,
  registeredAt: time,
  authenticatedAt: maybeTime,
  subscription: maybe(object({ package: text, callId: text, expiresAt: time, version: count })),
  subscriptionDeadlineAt: maybeTime,
  reauthentication: maybe(reauthenticationSchema),
});

export const registrationSchema: Schema = object({
  impu: text,
  impi: text,
  implicitSet: texts,
  state: oneOf("registered", "not-registered"),
  bindings: list(bindingSchema),
});

export const historySchema: Schema = pageOf(
  object({ at: time, event: text, text, source: maybeText, times: count }),
);

export const deregisterAnswerSchema: Schema = object({
  impu: text,
  cause: oneOf(...deregistrationCauses),
  contacts: texts,
});

/** Secrets are said to be there, no more. */
const set: Schema = { const: "set" };

export const subscriberSchema: Schema = object({
  impi: text,
  impus: list(object({ uri: text, barred: flag })),
  scheme: oneOf("aka", "digest"),
  algorithms: texts,
  auth: {
    oneOf: [
      object({ scheme: { const: "digest" }, algorithms: texts, password: set }),
      object({
        ...{ scheme: { const: "aka" }, algorithm: text, k: set, opc: set, amf: text },
      }),
    ],
  },
  subscription: maybeText,
  policy: maybe(list({ type: "object" })),
  source: oneOf("file", "changed", "added"),
  registered: flag,
  lastFailure: maybe(object({ why: text, at: time })),
});

export const subscriberRemovedSchema: Schema = object({ impi: text, contacts: texts });

export const importAnswerSchema: Schema = object({
  format: oneOf("yaml", "sipp", "table"),
  created: count,
  replaced: count,
  unchanged: count,
  unusedColumns: texts,
  dryRun: flag,
});

export const accessBindingSchema: Schema = object({
  impu: text,
  impi: text,
  implicitSet: texts,
  contact: text,
  flow: text,
  serviceRoute: texts,
  expiresAt: time,
  authenticatedAt: maybeTime,
  subscriptionExpiresAt: maybeTime,
});

export const askAnswerSchema: Schema = object({ impu: text, contacts: texts });

const values: Schema = {
  type: "object",
  additionalProperties: { type: ["integer", "string"] },
};
const parameter: Schema = {
  type: "object",
  properties: {
    name: text,
    doc: text,
    kind: oneOf("integer", "word"),
    min: count,
    max: count,
    words: texts,
    default: { type: ["integer", "string"] },
  },
  required: ["name", "doc", "kind", "default"],
  additionalProperties: false,
};

/** A fault or a preset, and for whom it is on. */
export const faultSchema: Schema = object({
  name: text,
  doc: text,
  isDeed: flag,
  combines: texts,
  parameters: list(parameter),
  active: list(
    object({
      impu: maybeText,
      remaining: maybeCount,
      acted: count,
      since: time,
      parameters: values,
    }),
  ),
});

const direction = (...words: readonly string[]): Schema => oneOf(...words);

export const callSchema: Schema = object({
  callId: text,
  direction: direction("outgoing", "incoming"),
  peer: text,
  state: oneOf("inviting", "ringing", "answered", "up", "ending", "over"),
  why: maybeText,
  heldHere: flag,
  heldThere: flag,
  startedAt: time,
  upAt: maybeTime,
  overAt: maybeTime,
  packets: count,
});

export const messageSchema: Schema = object({
  at: time,
  direction: direction("sent", "received"),
  peer: text,
  text,
  status: maybeCount,
  why: maybeText,
});

export const ueSchema: Schema = object({
  impi: text,
  impu: text,
  contact: text,
  registration: object({
    state: text,
    why: maybeText,
    expiresAt: maybeTime,
    nextAt: maybeTime,
    callId: maybeText,
    cseq: maybeCount,
    serviceRoute: texts,
    associatedUris: texts,
    lastFailure: maybeText,
    lastCheck: maybe(object({ at: time, status: maybeCount, why: maybeText })),
  }),
  subscription: maybe(
    object({
      event: text,
      state: text,
      callId: maybeText,
      expiresAt: maybeTime,
      lastNotify: maybe(
        object({ at: time, subscriptionState: text, version: maybeCount, said: maybeText }),
      ),
    }),
  ),
  calls: list(callSchema),
  messages: list(messageSchema),
});

const happened = {
  id: count,
  at: time,
  impi: maybeText,
  impu: maybeText,
  callId: maybeText,
  text,
};

function news(type: string, words: readonly string[], more: Record<string, Schema>): Schema {
  return object({ ...happened, type: { const: type }, event: oneOf(...words), ...more });
}

/** The data of each event of `GET /events`, but for `gap`. */
export const eventSchema: Schema = {
  oneOf: [
    news("registration", ["registered", "refreshed", "removed"], {
      bindingId: text,
      contact: text,
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
      bindingId: text,
      contact: text,
      cause: maybeText,
      progress: { type: ["string", "null"], enum: [...reauthenticationProgresses, null] },
      end: { type: ["string", "null"], enum: [...reauthenticationEnds, null] },
    }),
    news("authentication", ["challenged", "succeeded", "failed", "unanswered"], {
      source: maybeText,
      why: maybeText,
    }),
    news("subscriber", ["added", "replaced", "removed"], {
      aspects: list(oneOf("identities", "credentials", "duty", "policy")),
    }),
    news("campaign", ["started", "paused", "resumed", "stopped", "finished"], {
      campaignId: text,
      total: count,
      asked: count,
      ended: count,
      reauthenticated: count,
    }),
  ],
};

export const observedMessageSchema: Schema = object({
  at: time,
  direction: oneOf("from-device", "to-device"),
  isRepeated: flag,
  method: text,
  status: maybeCount,
  callId: text,
  cseq: count,
  contact: maybeText,
  expires: maybeCount,
  minExpires: maybeCount,
  retryAfter: maybeCount,
  event: maybeText,
  subscriptionState: maybeText,
  reason: maybeText,
  contacts: list(object({ uri: text, state: text, event: text, expires: maybeCount })),
  credentials: { type: ["string", "null"], enum: [...credentialKinds, null] },
  nonce: maybeText,
  userAgent: maybeText,
});
