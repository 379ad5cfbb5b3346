// JSON Schemas of the authentication policy over HTTP: those of policy-views.ts, for the OpenAPI documents.
import { MOST_RULES } from "../ims/policy-reading.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

const text: JsonSchema = { type: "string" };
const count: JsonSchema = { type: "integer", minimum: 0 };
const demand: JsonSchema = { type: "string", enum: ["always", "never"] };
const secondsOrNever: JsonSchema = {
  anyOf: [{ type: "number", minimum: 1 }, { const: "never" }],
};

const ruleSchema: JsonSchema = {
  type: "object",
  description: "Exactly one condition, and what narrows it; the first rule that matches decides.",
  properties: {
    name: { ...text, description: "Of the cause policy:<name>; the condition's word without it." },
    users: { ...text, description: "IMPI or IMPU, * for any characters." },
    maxAgeSeconds: secondsOrNever,
    onMethods: { type: "array", items: text },
    onRefresh: demand,
    onContactChange: demand,
    onPcscfRequest: demand,
    onFlowReplaced: demand,
    flowLostSeconds: secondsOrNever,
    minAgeSeconds: { type: "number", minimum: 1 },
    everyNth: { type: "integer", minimum: 2 },
    sampleRatio: { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
    outcome: { type: "string", enum: ["proceed", "hold", "reject", "exempt"] },
  },
  additionalProperties: false,
};

export const policySchema: JsonSchema = {
  type: "object",
  properties: {
    pacePerSecond: { type: "number", exclusiveMinimum: 0 },
    rules: { type: "array", items: ruleSchema, maxItems: MOST_RULES },
  },
  required: ["rules"],
  additionalProperties: false,
};

const view: Readonly<Record<string, JsonSchema>> = {
  policy: policySchema,
  source: { type: "string", enum: ["settings", "operator"] },
  changedAt: { type: ["integer", "null"] },
  registered: count,
  rules: {
    type: "array",
    items: {
      type: "object",
      properties: { name: text, text, registered: count },
      required: ["name", "text", "registered"],
      additionalProperties: false,
    },
  },
  waiting: count,
};
const answer: Readonly<Record<string, JsonSchema>> = {
  ...view,
  inForce: { type: "boolean" },
  changes: { type: "array", items: text },
  dueAtOnce: count,
  needsConfirmation: { type: ["string", "null"] },
};

export const policyViewSchema: JsonSchema = whole(view);
export const policyAnswerSchema: JsonSchema = whole(answer);

function whole(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}
