// Policy documents read strictly: all of one is taken, or nothing, and each problem names its place.
import type { AuthenticationRule } from "./authentication-policy.ts";
import { conflictsOf } from "./policy-conflicts.ts";
import {
  type AuthenticationPolicy,
  CONDITIONS,
  CONDITIONS_OF,
  type ConditionWord,
  type PolicyNode,
  RULE_KEYS,
  type RuleDocument,
  SAMPLING,
} from "./policy-document.ts";
import { WrittenValue } from "./written-value.ts";

export interface RuleContext {
  readonly node: PolicyNode;
  /** For `outcome: reject`: who has authenticated again in this time is let through. */
  readonly freshMs: number;
}

export interface ReadingContext extends RuleContext {
  /** Where the document says nothing. */
  readonly pacePerSecond: number;
}

const HIGHEST_PACE = 10_000;
/** A policy is looked through at each occasion. */
export const MOST_RULES = 32;
const MOST_METHODS = 16;
const MOST_SECONDS = 2 ** 32 - 1;
/** Problems that are told; more of them help nobody. */
const MOST_PROBLEMS = 10;

/** Sent within a dialog alone (RFC 3261 §12.2, RFC 3262), or of no transaction of its own. */
const NEVER_INITIAL: ReadonlySet<string> = new Set(["REGISTER", "ACK", "BYE", "CANCEL", "PRACK"]);

export type PolicyReading =
  | { readonly kind: "read"; readonly policy: AuthenticationPolicy }
  /** One line each: the place, what stands there, what was expected. */
  | { readonly kind: "refused"; readonly problems: readonly string[] };

/** @param written whatever came as JSON or YAML; all of it is taken, or nothing */
export function readPolicy(written: unknown, context: ReadingContext): PolicyReading {
  const problems: string[] = [];
  const root = new WrittenValue("", written, problems);
  const members = root.members(["pacePerSecond", "rules"]);
  if (members === undefined) return { kind: "refused", problems };
  const pacePerSecond =
    members.pacePerSecond.value === undefined
      ? context.pacePerSecond
      : members.pacePerSecond.number(`more than 0, at most ${HIGHEST_PACE}`, isPace);
  const rules = rulesIn(members.rules, context);
  if (problems.length === 0) problems.push(...conflictsOf(rules));
  if (problems.length > 0 || pacePerSecond === undefined) return refused(problems);
  return { kind: "read", policy: { pacePerSecond, rules } };
}

/** A list of rules alone, such as a subscriber's own. */
export function readRules(
  written: unknown,
  place: string,
  context: RuleContext,
): { readonly rules: readonly AuthenticationRule[]; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const rules = rulesIn(new WrittenValue(place, written, problems), context);
  if (problems.length === 0)
    problems.push(...conflictsOf(rules).map((problem) => `${place}: ${problem}`));
  return { rules, problems };
}

function refused(problems: readonly string[]): PolicyReading {
  const more = problems.length - MOST_PROBLEMS;
  const told = problems.slice(0, MOST_PROBLEMS);
  return { kind: "refused", problems: more > 0 ? [...told, `and ${more} more`] : told };
}

function rulesIn(place: WrittenValue, context: RuleContext): readonly AuthenticationRule[] {
  const items = place.items(`a list of at most ${MOST_RULES} rules`, MOST_RULES);
  const rules: AuthenticationRule[] = [];
  for (const item of items ?? []) {
    const rule = ruleIn(item, context);
    if (rule === undefined) continue;
    if (rules.some(({ name }) => name === rule.name))
      item.refuseAs(`another rule is called ${rule.name}`, "a name of its own (name)");
    rules.push(rule);
  }
  return rules;
}

function ruleIn(place: WrittenValue, context: RuleContext): AuthenticationRule | undefined {
  const conditions = CONDITIONS_OF[context.node];
  const members = place.members(
    [...conditions, "name", "users", ...SAMPLING, "outcome"],
    RULE_KEYS,
  );
  if (members === undefined) return undefined;
  const given = conditions.filter((word) => members[word].value !== undefined);
  const [word] = given;
  if (word === undefined || given.length > 1) {
    const shown = given.length === 0 ? "no condition" : given.join(" and ");
    return place.refuseAs(shown, `exactly one of ${conditions.join(", ")}`);
  }
  const narrowing: readonly string[] = CONDITIONS[word];
  for (const key of [...SAMPLING, "outcome"] as const)
    if (members[key].value !== undefined && !narrowing.includes(key))
      return members[key].refuseAs("given", `no such key beside ${word}`);
  const condition = conditionIn(word, members, context);
  const name = members.name.text(word, "letters, digits, - and _, 40 at most", (text) =>
    /^[\w-]{1,40}$/.test(text),
  );
  if (condition === undefined || name === undefined) return undefined;
  return narrowed({ ...condition, name }, members);
}

type Members = Readonly<Record<keyof RuleDocument, WrittenValue>>;
type Conditioned = DistributiveOmit<AuthenticationRule, "name">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function conditionIn(
  word: ConditionWord,
  members: Members,
  { freshMs }: RuleContext,
): Conditioned | undefined {
  const place = members[word];
  switch (word) {
    case "maxAgeSeconds": {
      const ageMs = millisecondsOrNever(place);
      return ageMs && { kind: "max-age", ageMs: ageMs.value, isExemption: ageMs.isNever };
    }
    case "flowLostSeconds": {
      const afterMs = millisecondsOrNever(place);
      return afterMs && { kind: "flow-lost", afterMs: afterMs.value, isExemption: afterMs.isNever };
    }
    case "onMethods":
      return methodsIn(place, members.outcome, freshMs);
    case "onRefresh":
    case "onContactChange":
    case "onPcscfRequest":
    case "onFlowReplaced": {
      const demand = place.oneOf(["always", "never"]);
      return demand && { kind: KINDS[word], isExemption: demand === "never" };
    }
  }
}

const KINDS = {
  onRefresh: "refresh",
  onContactChange: "contact-change",
  onPcscfRequest: "pcscf-request",
  onFlowReplaced: "flow-replaced",
} as const;

function millisecondsOrNever(
  place: WrittenValue,
): { readonly value: number; readonly isNever: boolean } | undefined {
  if (place.value === "never") return { value: 0, isNever: true };
  const seconds = place.number(`seconds, 1 to ${MOST_SECONDS}, or never`, isSeconds);
  return seconds === undefined ? undefined : { value: seconds * 1000, isNever: false };
}

function methodsIn(
  place: WrittenValue,
  outcomePlace: WrittenValue,
  freshMs: number,
): Conditioned | undefined {
  const allowed = `methods such as INVITE, 1 to ${MOST_METHODS}, each once`;
  const items = place.items(`a list of ${allowed}`, MOST_METHODS);
  const methods = (items ?? []).flatMap((item) => item.text("", METHOD, isInitialMethod) ?? []);
  const outcome = outcomePlace.oneOf(["proceed", "hold", "reject", "exempt"], "proceed");
  if (items === undefined || outcome === undefined || methods.length < items.length)
    return undefined;
  if (methods.length === 0 || new Set(methods).size < methods.length)
    return place.refuseAs(methods.join(", ") || "none", allowed);
  if (outcome === "hold" && !methods.includes("INVITE"))
    return outcomePlace.refuse(`proceed, reject or exempt: only an INVITE can be held`);
  const isExemption = outcome === "exempt";
  return {
    kind: "methods",
    methods,
    outcome: outcome === "exempt" ? "proceed" : outcome,
    freshMs,
    isExemption,
  };
}

const METHOD = "a method in capitals that can come out of a dialog, not REGISTER";

function isInitialMethod(text: string): boolean {
  return /^[A-Z]{1,20}$/.test(text) && !NEVER_INITIAL.has(text);
}

function narrowed(rule: AuthenticationRule, members: Members): AuthenticationRule | undefined {
  const { users: usersPlace, minAgeSeconds, everyNth: nthPlace, sampleRatio: ratioPlace } = members;
  const users = usersPlace.pattern();
  const minAge = minAgeSeconds.optionalNumber(`seconds, 1 to ${MOST_SECONDS}`, isSeconds);
  const nth = nthPlace.optionalNumber("a whole number, 2 to 1000000", isNth);
  const ratio = ratioPlace.optionalNumber("a number above 0 and below 1", isRatio);
  if (users === "refused" || minAge === "refused" || nth === "refused" || ratio === "refused")
    return undefined;
  if (rule.isExemption === true && (minAge ?? nth ?? ratio) !== undefined)
    return usersPlace.above.refuseAs(
      "an exemption with minAgeSeconds, everyNth or sampleRatio",
      "one for all times",
    );
  if (nth !== undefined && ratio !== undefined)
    return usersPlace.above.refuseAs("everyNth and sampleRatio", "one of the two");
  const { isExemption, ...kept } = rule;
  return {
    ...kept,
    ...(users !== undefined && { users }),
    ...(minAge !== undefined && { minAgeMs: minAge * 1000 }),
    ...(nth !== undefined && { everyNth: nth }),
    ...(ratio !== undefined && { sampleRatio: ratio }),
    ...(isExemption === true && { isExemption }),
  };
}

function isPace(value: number): boolean {
  return value > 0 && value <= HIGHEST_PACE;
}

function isSeconds(value: number): boolean {
  return value >= 1 && value <= MOST_SECONDS;
}

function isNth(value: number): boolean {
  return Number.isInteger(value) && value >= 2 && value <= 1_000_000;
}

function isRatio(value: number): boolean {
  return value > 0 && value < 1;
}
