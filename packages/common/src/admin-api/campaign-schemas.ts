// JSON Schemas of campaigns: those of campaigns.ts, and of what may be ordered.
import { LONGEST_PATTERN } from "../platform/glob.ts";
import { campaignStatuses } from "./campaigns.ts";
import {
  count,
  list,
  maybe,
  maybeText,
  maybeTime,
  object,
  type Schema,
  textSchema,
  textsSchema,
  time,
  wordSchema,
} from "./schema-parts.ts";
import { reauthenticationEnds } from "./schemas.ts";

const number: Schema = { type: "number", minimum: 0 };
const maybeNumber: Schema = { type: ["number", "null"], minimum: 0 };
/** Longer patterns match no name. */
const pattern: Schema = { type: "string", maxLength: LONGEST_PATTERN };

export const campaignRequestSchema: Schema = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 100 },
    filter: {
      type: "object",
      description: "Devices that meet all of it; * is any text, ? any character.",
      properties: {
        impu: { ...pattern, minLength: 1 },
        impi: { ...pattern, minLength: 1 },
        pcscf: { ...pattern, minLength: 1, description: "HOST or HOST:PORT." },
        minAuthenticationAgeSeconds: { ...number, maximum: 2 ** 32 },
        userAgent: pattern,
      },
      additionalProperties: false,
      default: {},
    },
    percent: { type: "number", exclusiveMinimum: 0, maximum: 100, default: 100 },
    pacePerSecond: { type: "number", minimum: 0.001, maximum: 10_000, default: 10 },
    jitter: { type: "number", minimum: 0, maximum: 1, default: 0 },
    seed: { type: "string", minLength: 1, maxLength: 100 },
    dryRun: { type: "boolean", default: false, description: "Only says who would be asked." },
    confirm: {
      type: "boolean",
      default: false,
      description: "For everybody, or faster than campaigns.maxPacePerSecond.",
    },
  },
  additionalProperties: false,
};

const counts = Object.fromEntries(reauthenticationEnds.map((end) => [end, count]));

export const campaignSchema: Schema = object({
  id: textSchema,
  name: maybeText,
  status: wordSchema(...campaignStatuses),
  filter: object({
    impu: maybeText,
    impi: maybeText,
    pcscf: maybeText,
    minAuthenticationAgeSeconds: maybeNumber,
    userAgent: maybeText,
  }),
  percent: number,
  pacePerSecond: number,
  jitter: number,
  seed: textSchema,
  startedAt: time,
  endedAt: maybeTime,
  matched: count,
  total: count,
  asked: count,
  joined: count,
  skipped: count,
  left: count,
  open: count,
  ends: object(counts),
  latencySeconds: maybe(object({ p50: number, p90: number, p99: number, max: number })),
});

export const campaignPlanSchema: Schema = object({
  items: list(
    object({
      impi: textSchema,
      impu: textSchema,
      contact: textSchema,
      pcscf: maybeText,
      userAgent: maybeText,
      authenticatedAt: time,
    }),
  ),
  total: count,
  registered: count,
  matched: count,
  seed: textSchema,
  durationSeconds: number,
  concerns: textsSchema,
});
