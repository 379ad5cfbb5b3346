// Authentication policy of both CSCFs: rules by which a registered user is to authenticate now. TS 24.229 §5.4.1.6.

/** A condition, by which the user is to authenticate. All times in milliseconds. */
type Condition =
  /** The last authentication is that long ago. */
  | { readonly kind: "max-age"; readonly ageMs: number }
  /** The user refreshes a binding over a protected association, which would pass unchallenged. */
  | { readonly kind: "refresh" }
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

/** What becomes of the request that made a rule fire. */
export type RequestOutcome = "proceed" | "hold" | "reject";

/** A rule as data. Its name stands in logs, and in the cause `policy:<name>` of a re-authentication. */
export type AuthenticationRule = Condition & { readonly name: string };

/** Something that a rule may be about. */
export type Occasion =
  | { readonly kind: "refresh" }
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

export interface FiredRule {
  /** The rule's name. */
  readonly authenticate: string;
  readonly request: RequestOutcome;
}

/** The first rule that applies: the user is to authenticate. Undefined: none does. */
export function evaluate(
  rules: readonly AuthenticationRule[],
  occasion: Occasion,
  facts: AuthenticationFacts,
): FiredRule | undefined {
  for (const rule of rules)
    if (applies(rule, occasion, facts))
      return { authenticate: rule.name, request: outcomeOf(rule, occasion) };
  return undefined;
}

/** When `max-age` is to be looked at next, for a timer: a `tick` before then fires nothing. Undefined: never. */
export function nextTick(
  rules: readonly AuthenticationRule[],
  facts: AuthenticationFacts,
): number | undefined {
  let ageMs = Infinity;
  for (const rule of rules) if (rule.kind === "max-age") ageMs = Math.min(ageMs, rule.ageMs);
  return ageMs === Infinity ? undefined : Math.max(facts.now, authenticatedAt(facts) + ageMs);
}

/** Milliseconds from the loss of a connection until `flow-lost` fires, for a timer. Undefined: never. */
export function flowLostMs(rules: readonly AuthenticationRule[]): number | undefined {
  let waitMs = Infinity;
  for (const rule of rules) if (rule.kind === "flow-lost") waitMs = Math.min(waitMs, rule.afterMs);
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
  switch (rule.kind) {
    case "max-age":
      return occasion.kind === "tick" && facts.now - authenticatedAt(facts) >= rule.ageMs;
    case "refresh":
    case "flow-replaced":
      return occasion.kind === rule.kind;
    case "methods":
      if (occasion.kind !== "request" || !rule.methods.includes(occasion.method)) return false;
      return rule.outcome !== "reject" || !isFresh(facts, rule.freshMs);
    case "flow-lost":
      return occasion.kind === "flow-lost" && occasion.forMs >= rule.afterMs;
  }
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
