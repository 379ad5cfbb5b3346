// `GET /policy` and `PUT /policy` of both CSCFs: the authentication policy in force, and another one in its place.

import type { FastifyInstance } from "fastify";
import { type AuthenticationPolicy, policyDocument } from "../ims/policy-document.ts";
import { type ReadingContext, readPolicy } from "../ims/policy-reading.ts";
import { policyChanges, ruleWords } from "../ims/policy-words.ts";
import { problem } from "../platform/http/problem.ts";
import { reasonOf } from "../platform/thrown.ts";
import { policyAnswerSchema, policySchema, policyViewSchema } from "./policy-schemas.ts";
import type { PolicyAnswer, PolicyView } from "./policy-views.ts";

/** Whom a policy concerns, of those who are registered. */
export interface PolicySurvey {
  /** Registered devices. */
  readonly registered: number;
  /** Those that each rule concerns, in the order of the rules. */
  readonly byRule: readonly number[];
  /** Those whose authentication would be too old at once. */
  readonly dueAtOnce: number;
  /** Askings a second that `maxAgeSeconds` comes to in the long run. */
  readonly askedPerSecond: number;
}

/** A CSCF's policy. */
export interface PolicyService {
  readonly reading: ReadingContext;
  readonly current: AuthenticationPolicy;
  /** When an operator put it, milliseconds since the epoch; undefined: it is that of the settings. */
  readonly changedAt: number | undefined;
  readonly waiting: number;
  survey(policy: AuthenticationPolicy): Promise<PolicySurvey>;
  /** What this node finds wrong with rules that can be read: one line each. */
  misfits(policy: AuthenticationPolicy): Promise<readonly string[]>;
  /** In force when it resolves, and kept where the node keeps anything; rejected: nothing has happened. */
  put(policy: AuthenticationPolicy): Promise<void>;
}

interface PutQuery {
  readonly check: boolean;
  readonly confirm: boolean;
}

const flag = { type: "boolean", default: false } as const;

export function addPolicyRoutes(app: FastifyInstance, service: PolicyService): void {
  let isChanging = false;
  const schema = { summary: "The authentication policy.", response: { 200: policyViewSchema } };
  app.get("/policy", { schema }, () => viewOf(service, service.current));
  app.put<{ Querystring: PutQuery }>(
    "/policy",
    {
      schema: {
        summary:
          "Another authentication policy, whole; it counts for those who are registered, too.",
        description:
          "409 where it would have more devices authenticate at once than pacePerSecond; with confirm they do, at that pace.",
        querystring: {
          type: "object",
          properties: {
            check: { ...flag, description: "Only says what would change." },
            confirm: { ...flag, description: "Also where many must authenticate at once." },
          },
          additionalProperties: false,
        },
        body: policySchema,
        response: { 200: policyAnswerSchema },
      },
      // The reader of policies names every mistake, in words.
      validatorCompiler: ({ httpPart }) => (httpPart === "body" ? () => true : putQuery),
    },
    async ({ body, query }) => {
      if (isChanging)
        throw problem(409, "Policy is changing", "Another change is under way: try again.");
      isChanging = true;
      try {
        return await put(service, body, query);
      } finally {
        isChanging = false;
      }
    },
  );
}

function putQuery(
  written: Readonly<Record<string, unknown>>,
): { value: PutQuery } | { error: Error } {
  for (const [name, value] of Object.entries(written))
    if ((name !== "check" && name !== "confirm") || (value !== "true" && value !== "false"))
      return { error: new Error("querystring takes check and confirm, each true or false") };
  return { value: { check: written["check"] === "true", confirm: written["confirm"] === "true" } };
}

async function put(
  service: PolicyService,
  body: unknown,
  { check, confirm }: PutQuery,
): Promise<PolicyAnswer> {
  const read = readPolicy(body, service.reading);
  if (read.kind === "refused") throw badPolicy(read.problems);
  const { policy } = read;
  const misfits = await service.misfits(policy);
  if (misfits.length > 0) throw badPolicy(misfits);
  const survey = await service.survey(policy);
  const needsConfirmation = reasonToConfirm(policy, survey);
  const changes = policyChanges(service.current, policy);
  if (!check) {
    if (needsConfirmation !== undefined && !confirm)
      throw problem(409, "Confirm this policy", `${needsConfirmation}: repeat with confirm=true.`);
    await kept(service, policy);
  }
  return {
    ...(await viewOf(service, policy, survey)),
    inForce: !check,
    changes,
    dueAtOnce: survey.dueAtOnce,
    needsConfirmation: needsConfirmation ?? null,
  };
}

async function kept(service: PolicyService, policy: AuthenticationPolicy): Promise<void> {
  try {
    await service.put(policy);
  } catch (why) {
    const said = reasonOf(why);
    throw problem(503, "Not stored", `The policy in force stays, as the store fails: ${said}.`);
  }
}

function badPolicy(problems: readonly string[]): Error {
  return problem(400, "Bad policy", problems.join("; "));
}

function reasonToConfirm(
  { pacePerSecond }: AuthenticationPolicy,
  { dueAtOnce, askedPerSecond, registered }: PolicySurvey,
): string | undefined {
  if (dueAtOnce > pacePerSecond) {
    const seconds = Math.ceil(dueAtOnce / pacePerSecond);
    return `${dueAtOnce} of ${registered} registered devices would have to authenticate at once, which takes ${seconds} s at ${pacePerSecond} a second (pacePerSecond)`;
  }
  if (askedPerSecond <= pacePerSecond) return undefined;
  return `maxAgeSeconds would ask for ${Number(askedPerSecond.toPrecision(2))} a second of ${registered} registered devices, above ${pacePerSecond} a second (pacePerSecond): they wait longer than it says`;
}

async function viewOf(
  service: PolicyService,
  policy: AuthenticationPolicy,
  known?: PolicySurvey,
): Promise<PolicyView> {
  const { registered, byRule } = known ?? (await service.survey(policy));
  const { changedAt, waiting } = service;
  return {
    policy: policyDocument(policy),
    source: changedAt === undefined ? "settings" : "operator",
    changedAt: changedAt === undefined ? null : Math.round(changedAt),
    registered,
    rules: policy.rules.map((rule, at) => ({
      name: rule.name,
      text: ruleWords(rule),
      registered: byRule[at] ?? 0,
    })),
    waiting,
  };
}
