// JSON Schemas of what the admin interfaces answer: those of views.ts, for the OpenAPI documents.
import { credentialKinds } from "./observed-messages.ts";
import { deregistrationCauses } from "./views.ts";

export type Schema = Readonly<Record<string, unknown>>;

/** All of them are always there, and no others. */
export function object(properties: Readonly<Record<string, Schema>>): Schema {
  const required = Object.keys(properties);
  return { type: "object", properties, required, additionalProperties: false };
}

export const textSchema: Schema = { type: "string" };
/** AJV, in strict mode, has no type that is two. */
const integerOrText: Schema = { anyOf: [{ type: "integer" }, textSchema] };
export const maybeText: Schema = { type: ["string", "null"] };
export const textsSchema: Schema = { type: "array", items: textSchema };
const flag: Schema = { type: "boolean" };
export const count: Schema = { type: "integer", minimum: 0 };
const maybeCount: Schema = { type: ["integer", "null"], minimum: 0 };
/** Milliseconds since the epoch. */
export const time: Schema = { type: "integer" };
export const maybeTime: Schema = { type: ["integer", "null"] };

export function wordSchema(...words: readonly string[]): Schema {
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
const progress = wordSchema(...reauthenticationProgresses);
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
  side: textSchema,
  kind: wordSchema("client", "server"),
  method: textSchema,
  state: textSchema,
  ageMs: count,
  endsInMs: maybeCount,
  peer: maybeText,
  branch: textSchema,
  callId: textSchema,
});

export const reauthenticationSchema: Schema = object({
  id: textSchema,
  impi: textSchema,
  impu: textSchema,
  bindingId: textSchema,
  contact: textSchema,
  cause: textSchema,
  askers: textsSchema,
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
  id: textSchema,
  contact: textSchema,
  callId: textSchema,
  cseq: count,
  path: textsSchema,
  userAgent: maybeText,
  duty: wordSchema("enforce", "warn", "optional"),
  dutyBy: textSchema,
  expiresAt: time,
  registeredAt: time,
  authenticatedAt: maybeTime,
  subscription: maybe(
    object({ package: textSchema, callId: textSchema, expiresAt: time, version: count }),
  ),
  subscriptionDeadlineAt: maybeTime,
  reauthentication: maybe(reauthenticationSchema),
});

export const registrationSchema: Schema = object({
  impu: textSchema,
  impi: textSchema,
  implicitSet: textsSchema,
  state: wordSchema("registered", "not-registered"),
  bindings: list(bindingSchema),
});

export const historySchema: Schema = pageOf(
  object({ at: time, event: textSchema, text: textSchema, source: maybeText, times: count }),
);

export const deregisterAnswerSchema: Schema = object({
  impu: textSchema,
  cause: wordSchema(...deregistrationCauses),
  contacts: textsSchema,
});

/** Secrets are said to be there, no more. */
const set: Schema = { const: "set" };

export const subscriberSchema: Schema = object({
  impi: textSchema,
  impus: list(object({ uri: textSchema, barred: flag })),
  scheme: wordSchema("aka", "digest"),
  algorithms: textsSchema,
  auth: {
    oneOf: [
      object({ scheme: { const: "digest" }, algorithms: textsSchema, password: set }),
      object({
        ...{ scheme: { const: "aka" }, algorithm: textSchema, k: set, opc: set, amf: textSchema },
      }),
    ],
  },
  subscription: maybeText,
  policy: maybe(list({ type: "object" })),
  source: wordSchema("file", "changed", "added"),
  registered: flag,
  lastFailure: maybe(object({ why: textSchema, at: time })),
});

export const subscriberRemovedSchema: Schema = object({ impi: textSchema, contacts: textsSchema });

export const importAnswerSchema: Schema = object({
  format: wordSchema("yaml", "sipp", "table"),
  created: count,
  replaced: count,
  unchanged: count,
  unusedColumns: textsSchema,
  dryRun: flag,
});

export const accessBindingSchema: Schema = object({
  impu: textSchema,
  impi: textSchema,
  implicitSet: textsSchema,
  contact: textSchema,
  flow: textSchema,
  serviceRoute: textsSchema,
  expiresAt: time,
  authenticatedAt: maybeTime,
  subscriptionExpiresAt: maybeTime,
});

export const askAnswerSchema: Schema = object({ impu: textSchema, contacts: textsSchema });

const values: Schema = {
  type: "object",
  additionalProperties: integerOrText,
};
const parameter: Schema = {
  type: "object",
  properties: {
    name: textSchema,
    doc: textSchema,
    kind: wordSchema("integer", "word"),
    min: count,
    max: count,
    words: textsSchema,
    default: integerOrText,
  },
  required: ["name", "doc", "kind", "default"],
  additionalProperties: false,
};

/** A fault or a preset, and for whom it is on. */
export const faultSchema: Schema = object({
  name: textSchema,
  doc: textSchema,
  isDeed: flag,
  combines: textsSchema,
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

const direction = (...words: readonly string[]): Schema => wordSchema(...words);

export const callSchema: Schema = object({
  callId: textSchema,
  direction: direction("outgoing", "incoming"),
  peer: textSchema,
  state: wordSchema("inviting", "ringing", "answered", "up", "ending", "over"),
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
  isRepeated: flag,
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
