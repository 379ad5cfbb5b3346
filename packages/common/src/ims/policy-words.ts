// Policies in words: what a rule does, and in what one policy differs from another.
import type { AuthenticationRule } from "./authentication-policy.ts";
import type { AuthenticationPolicy } from "./policy-document.ts";

/** One line, such as "asks sip:vip*: on INVITE, each 10th time; the request is held". */
export function ruleWords(rule: AuthenticationRule): string {
  const { users, isExemption, minAgeMs, everyNth, sampleRatio } = rule;
  const whom = users === undefined ? "everybody" : users.text;
  const verb = isExemption === true ? "spares" : "asks";
  const when = [conditionWords(rule)];
  if (minAgeMs !== undefined) when.push(`not within ${minAgeMs / 1000} s of an authentication`);
  if (everyNth !== undefined) when.push(`each ${ordinal(everyNth)} time of a device`);
  if (sampleRatio !== undefined) when.push(`${sampleRatio * 100} % of the times`);
  return `${verb} ${whom} ${when.join(", ")}`;
}

function conditionWords(rule: AuthenticationRule): string {
  const isExemption = rule.isExemption === true;
  switch (rule.kind) {
    case "max-age":
      return isExemption
        ? "however long ago the authentication was"
        : `${rule.ageMs / 1000} s after the last authentication`;
    case "flow-lost":
      return isExemption
        ? "whose connection is lost"
        : `whose connection is lost for ${rule.afterMs / 1000} s`;
    case "methods": {
      const become = { proceed: "", hold: ", an INVITE waits", reject: ", the request is refused" };
      return `on ${rule.methods.join(", ")}${isExemption ? "" : become[rule.outcome]}`;
    }
    case "refresh":
      return "at a refresh over a protected association";
    case "contact-change":
      return "who comes with a new Contact or Path";
    case "pcscf-request":
      return "when the P-CSCF asks";
    case "flow-replaced":
      return "whose address changed without a challenge";
  }
}

function ordinal(n: number): string {
  const teens = n % 100 >= 11 && n % 100 <= 13;
  const ends = ["th", "st", "nd", "rd"];
  return `${n}${teens ? "th" : (ends[n % 10] ?? "th")}`;
}

/** One line for each difference; none when they are the same. */
export function policyChanges(
  before: AuthenticationPolicy,
  after: AuthenticationPolicy,
): readonly string[] {
  const old = new Map(before.rules.map((rule) => [rule.name, ruleWords(rule)]));
  const names = new Set(after.rules.map(({ name }) => name));
  const gone = before.rules
    .filter(({ name }) => !names.has(name))
    .map((rule) => `removed ${rule.name}: ${ruleWords(rule)}`);
  const changed = after.rules.flatMap((rule) => {
    const [was, is] = [old.get(rule.name), ruleWords(rule)];
    if (was === is) return [];
    return [
      was === undefined
        ? `new ${rule.name}: ${is}`
        : `changed ${rule.name}: ${is} (before: ${was})`,
    ];
  });
  const lines = [...gone, ...changed];
  if (orderOf(before, names) !== orderOf(after, new Set(old.keys())))
    lines.push(`order: ${after.rules.map(({ name }) => name).join(", ")}`);
  if (before.pacePerSecond !== after.pacePerSecond)
    lines.push(`pacePerSecond: ${after.pacePerSecond} (before: ${before.pacePerSecond})`);
  return lines;
}

/** Of the rules that both have. */
function orderOf({ rules }: AuthenticationPolicy, both: ReadonlySet<string>): string {
  const common = rules.filter(({ name }) => both.has(name));
  return common.map(({ name }) => name).join(" ");
}
