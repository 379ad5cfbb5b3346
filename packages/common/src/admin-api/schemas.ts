// JSON Schemas of what admin interfaces answer: those of views.ts, for the OpenAPI documents.
import {
  count,
  flagSchema,
  integerOrText,
  list,
  maybe,
  maybeCount,
  maybeText,
  maybeTime,
  object,
  pageOf,
  type Schema,
  textSchema,
  textsSchema,
  time,
  wordSchema,
} from "./schema-parts.ts";
import { deregistrationCauses } from "./views.ts";

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
  impus: list(object({ uri: textSchema, barred: flagSchema })),
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
  registered: flagSchema,
  lastFailure: maybe(object({ why: textSchema, at: time })),
});

export const subscriberRemovedSchema: Schema = object({ impi: textSchema, contacts: textsSchema });

export const importAnswerSchema: Schema = object({
  format: wordSchema("yaml", "sipp", "table"),
  created: count,
  replaced: count,
  unchanged: count,
  unusedColumns: textsSchema,
  dryRun: flagSchema,
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
  isDeed: flagSchema,
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
