// Authentication policy of both CSCFs: rules by which a registered user is to authenticate now. TS 24.229 §5.4.1.6.
import type { StarPattern } from "../platform/star-pattern.ts";

/** A condition, by which the user is to authenticate. All times in milliseconds. */
type Condition =
  /** The last authentication is that long ago. */
  | { readonly kind: "max-age"; readonly ageMs: number }
  /** The user refreshes a binding over a protected association, which would pass unchallenged. */
  | { readonly kind: "refresh" }
  /** A device comes with another Contact or Path, or with a new one, and would pass without a fresh challenge. */
  | { readonly kind: "contact-change" }
  /** The P-CSCF asks for the device (Figure 5). */
  | { readonly kind: "pcscf-request" }
  /** The user sends such a request out of a dialog: a chargeable event. */
  | {
      readonly kind: "methods";
      readonly methods: readonly string[];
      readonly outcome: RequestOutcome;
      /** Rejected is nobody who has authenticated again no longer ago than this: he could never call. */
      readonly freshMs: number;
    }
  /** The device was accepted over another flow without a challenge. */
  | { readonly kind: "flow-replaced" }
  /** The connection to the device is gone, and not replaced for so long. */
  | { readonly kind: "flow-lost"; readonly afterMs: number };

export type RuleKind = Condition["kind"];

/** What becomes of the request that made a rule fire. */
export type RequestOutcome = "proceed" | "hold" | "reject";

/** A rule as data. */
export type AuthenticationRule = Condition & {
  /** Stands in logs, and in the cause `policy:<name>` of a re-authentication. */
  readonly name: string;
  /** Users whom it concerns, by private or public identity; absent: everybody. */
  readonly users?: StarPattern | undefined;
  /** Only where the last authentication is at least that long ago. */
  readonly minAgeMs?: number | undefined;
  /** Only each N-th time of a binding. */
  readonly everyNth?: number | undefined;
  /** Only this share of the times, by chance. */
  readonly sampleRatio?: number | undefined;
  /** Leaves alone whom it matches: later rules are not looked at. */
  readonly isExemption?: boolean | undefined;
};

/** Something that a rule may be about. */
export type Occasion =
  | { readonly kind: "refresh" }
  | { readonly kind: "contact-change" }
  | { readonly kind: "pcscf-request" }
  | { readonly kind: "request"; readonly method: string }
  | { readonly kind: "flow-replaced" }
  | { readonly kind: "flow-lost"; readonly forMs: number }
  /** Time has passed. */
  | { readonly kind: "tick" };

/** All that a rule may look at, of the device's binding. Times in milliseconds since the epoch. */
export interface AuthenticationFacts {
  readonly now: number;
  readonly registeredAt: number;
  /** Undefined: this node has seen no authentication. */
  readonly authenticatedAt: number | undefined;
  /** It has been asked to authenticate, and has not yet. */
  readonly isDue: boolean;
}

/** Which of the occasions that a rule matches it takes. */
export interface Sampling {
  /** Counts one more time of this rule; the first is 1. */
  count(rule: AuthenticationRule): number;
  /** From 0 up to, not including, 1. */
  chance(): number;
}

export interface FiredRule {
  /** The rule's name. */
  readonly authenticate: string;
  readonly request: RequestOutcome;
}

const EACH_TIME: Sampling = { count: () => 0, chance: () => 0 };

/** Those that concern a user, in their order. @param identities private and public ones */
export function rulesFor(
  rules: readonly AuthenticationRule[],
  identities: readonly string[],
): readonly AuthenticationRule[] {
  if (rules.every(({ users }) => users === undefined)) return rules;
  return rules.filter(
    ({ users }) => users === undefined || identities.some((identity) => users.matches(identity)),
  );
}

/** The first rule that applies, be it an exemption. @param rules those that concern the user */
export function matchingRule(
  rules: readonly AuthenticationRule[],
  occasion: Occasion,
  facts: AuthenticationFacts,
  sampling: Sampling = EACH_TIME,
): AuthenticationRule | undefined {
  return rules.find((rule) => applies(rule, occasion, facts) && isTaken(rule, sampling));
}

/** The first rule that applies, where it is no exemption: the user is to authenticate. Undefined: he is left alone. */
export function evaluate(
  rules: readonly AuthenticationRule[],
  occasion: Occasion,
  facts: AuthenticationFacts,
  sampling?: Sampling,
): FiredRule | undefined {
  const rule = matchingRule(rules, occasion, facts, sampling);
  if (rule === undefined || rule.isExemption === true) return undefined;
  return { authenticate: rule.name, request: outcomeOf(rule, occasion) };
}

/** When `max-age` is to be looked at next, for a timer: a `tick` before then fires nothing. Undefined: never. */
export function nextTick(
  rules: readonly AuthenticationRule[],
  facts: AuthenticationFacts,
): number | undefined {
  const ageMs = maxAgeMs(rules);
  return ageMs === undefined ? undefined : Math.max(facts.now, authenticatedAt(facts) + ageMs);
}

/** The age at which an authentication is too old, milliseconds. Undefined: none is. */
export function maxAgeMs(rules: readonly AuthenticationRule[]): number | undefined {
  let ageMs = Infinity;
  for (const rule of rules) {
    if (rule.kind !== "max-age") continue;
    if (rule.isExemption === true) break;
    ageMs = Math.min(ageMs, rule.ageMs);
  }
  return ageMs === Infinity ? undefined : ageMs;
}

/** Milliseconds from the loss of a connection until `flow-lost` fires, for a timer. Undefined: never. */
export function flowLostMs(rules: readonly AuthenticationRule[]): number | undefined {
  let waitMs = Infinity;
  for (const rule of rules) {
    if (rule.kind !== "flow-lost") continue;
    if (rule.isExemption === true) break;
    waitMs = Math.min(waitMs, rule.afterMs);
  }
  return waitMs === Infinity ? undefined : waitMs;
}

/** Whether any rule may fire on a request. @param method undefined: any method's */
export function concernsRequests(rules: readonly AuthenticationRule[], method?: string): boolean {
  return rules.some(
    (rule) =>
      rule.kind === "methods" &&
      (method === undefined ? rule.methods.length > 0 : rule.methods.includes(method)),
  );
}

function applies(
  rule: AuthenticationRule,
  occasion: Occasion,
  facts: AuthenticationFacts,
): boolean {
  if (rule.minAgeMs !== undefined && facts.now - authenticatedAt(facts) < rule.minAgeMs)
    return false;
  switch (rule.kind) {
    case "max-age":
      if (occasion.kind !== "tick" || facts.isDue) return false;
      return rule.isExemption === true || facts.now - authenticatedAt(facts) >= rule.ageMs;
    case "refresh":
    case "contact-change":
    case "pcscf-request":
    case "flow-replaced":
      return occasion.kind === rule.kind;
    case "methods":
      if (occasion.kind !== "request" || !rule.methods.includes(occasion.method)) return false;
      return rule.outcome !== "reject" || !isFresh(facts, rule.freshMs);
    case "flow-lost":
      if (occasion.kind !== "flow-lost") return false;
      return rule.isExemption === true || occasion.forMs >= rule.afterMs;
  }
}

/** Looked at last: a time that the rule would not have matched anyway is not counted. */
function isTaken(rule: AuthenticationRule, sampling: Sampling): boolean {
  const { everyNth, sampleRatio } = rule;
  if (everyNth !== undefined && sampling.count(rule) % everyNth !== 0) return false;
  return sampleRatio === undefined || sampling.chance() < sampleRatio;
}

/** Only an INVITE can wait: its caller expects to (RFC 3261 §13.2.1), others repeat themselves. */
function outcomeOf(rule: AuthenticationRule, occasion: Occasion): RequestOutcome {
  if (rule.kind !== "methods" || occasion.kind !== "request") return "proceed";
  return rule.outcome === "hold" && occasion.method !== "INVITE" ? "proceed" : rule.outcome;
}

/** Authenticated again, by whatever asking; the first time does not count. */
function isFresh(facts: AuthenticationFacts, freshMs: number): boolean {
  const { now, registeredAt, authenticatedAt: at, isDue } = facts;
  return !isDue && at !== undefined && at > registeredAt && now - at <= freshMs;
}

function authenticatedAt({ authenticatedAt: at, registeredAt }: AuthenticationFacts): number {
  return at ?? registeredAt;
}
