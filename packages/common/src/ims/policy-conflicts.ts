// Rules of an authentication policy that can never fire because of others: the first match wins.
import type { AuthenticationRule } from "./authentication-policy.ts";

/** One line for each rule that never fires, with the one that keeps it from it. */
export function conflictsOf(rules: readonly AuthenticationRule[]): readonly string[] {
  return rules.flatMap((rule, at) => {
    const name = `rules[${at}] (${rule.name}) never fires`;
    const earlier = rules.slice(0, at);
    if (isShadowed(rule, earlier)) {
      const by = earlier.find((other) => coversUsers(other, rule) && other.kind === rule.kind);
      const first = by === undefined ? "earlier rules match" : `${by.name} comes first and matches`;
      return [`${name}: ${first} whatever it would`];
    }
    const sooner = rules.find((other, place) => place !== at && asksSooner(other, rule, rules));
    return sooner === undefined ? [] : [`${name}: ${sooner.name} asks all its users sooner`];
  });
}

/** Whether earlier rules take every occasion of this one; of several methods each by a rule of its own. */
function isShadowed(rule: AuthenticationRule, earlier: readonly AuthenticationRule[]): boolean {
  if (rule.kind !== "methods") return earlier.some((other) => covers(other, rule));
  return rule.methods.every((method) =>
    earlier.some((other) => covers(other, { ...rule, methods: [method] })),
  );
}

/** Whether `first` matches whenever `later` would. */
function covers(first: AuthenticationRule, later: AuthenticationRule): boolean {
  const isEachTime = first.everyNth === undefined && first.sampleRatio === undefined;
  const isAsOld = (first.minAgeMs ?? 0) <= (later.minAgeMs ?? 0);
  return isEachTime && isAsOld && coversUsers(first, later) && coversCondition(first, later);
}

function coversCondition(first: AuthenticationRule, later: AuthenticationRule): boolean {
  switch (first.kind) {
    case "max-age":
      return later.kind === "max-age" && comesFirst(first, later, first.ageMs <= later.ageMs);
    case "flow-lost":
      return later.kind === "flow-lost" && comesFirst(first, later, first.afterMs <= later.afterMs);
    case "methods":
      if (later.kind !== "methods") return false;
      // Who is not rejected, because he has just authenticated, is left to the next rule.
      if (first.outcome === "reject" && (later.outcome !== "reject" || later.isExemption === true))
        return false;
      return later.methods.every((method) => first.methods.includes(method));
    case "refresh":
    case "contact-change":
    case "pcscf-request":
    case "flow-replaced":
      return first.kind === later.kind;
  }
}

/** Of two that wait for a time: an exemption does not. */
function comesFirst(
  first: AuthenticationRule,
  later: AuthenticationRule,
  isNoLater: boolean,
): boolean {
  return first.isExemption === true || (later.isExemption !== true && isNoLater);
}

/** Whether all users of a rule that waits for something are asked by another one before it comes, wherever that stands. */
function asksSooner(
  other: AuthenticationRule,
  rule: AuthenticationRule,
  rules: readonly AuthenticationRule[],
): boolean {
  if (other.isExemption === true || rule.isExemption === true || !coversUsers(other, rule))
    return false;
  // Somebody whom an earlier exemption may spare is not asked.
  const spared = rules.slice(0, rules.indexOf(other)).some((one) => one.isExemption === true);
  if (spared) return false;
  if (other.kind === "max-age")
    return rule.kind === "max-age"
      ? other.ageMs < rule.ageMs
      : rule.minAgeMs !== undefined && other.ageMs <= rule.minAgeMs;
  const isOther = other.kind === "flow-lost" && rule.kind === "flow-lost";
  return isOther && other.minAgeMs === undefined && other.afterMs < rule.afterMs;
}

function coversUsers(first: AuthenticationRule, later: AuthenticationRule): boolean {
  if (first.users === undefined) return true;
  return later.users !== undefined && first.users.covers(later.users);
}
