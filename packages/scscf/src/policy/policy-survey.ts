// A survey of an authentication policy: subscribers it concerns by pattern, registered devices by rule and age.
import type { PolicySurvey } from "@ims-lab/common/admin-api/policy-routes";
import { type AuthenticationRule, maxAgeMs } from "@ims-lab/common/ims/authentication-policy";
import type { AuthenticationPolicy } from "@ims-lab/common/ims/policy-document";
import type { Clock } from "@ims-lab/common/platform/clock";
import { inSlices } from "@ims-lab/common/platform/in-slices";
import type { StarPattern } from "@ims-lab/common/platform/star-pattern";
import type { Bindings } from "../registration/bindings.ts";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";
import type { PolicyInForce } from "./policy-in-force.ts";

export interface SurveyParts {
  readonly clock: Clock;
  readonly bindings: Bindings;
  readonly directory: SubscriberDirectory;
  readonly inForce: PolicyInForce;
}

/** Looks at each registered device where it must, in slices. */
export async function surveyOf(
  parts: SurveyParts,
  policy: AuthenticationPolicy,
): Promise<PolicySurvey> {
  const { clock, bindings } = parts;
  const counts = new Map<AuthenticationRule, number>(policy.rules.map((rule) => [rule, 0]));
  let [registered, dueAtOnce, askedPerSecond] = [0, 0, 0];
  const now = clock.now();
  await inSlices(clock, bindings.all(), (binding) => {
    registered += 1;
    const rules = parts.inForce.rulesOf(binding.impi, undefined, policy);
    for (const rule of rules) {
      const count = counts.get(rule);
      if (count !== undefined) counts.set(rule, count + 1); // not a subscriber's own
    }
    const ageMs = maxAgeMs(rules);
    if (ageMs === undefined) return true;
    askedPerSecond += 1000 / ageMs;
    const isDue = binding.reauthentication === undefined && now - binding.authenticatedAt >= ageMs;
    dueAtOnce += Number(isDue);
    return true;
  });
  return { registered, byRule: [...counts.values()], dueAtOnce, askedPerSecond };
}

/** Rules whose pattern is no subscriber's: one line each. */
export async function patternsOfNobody(
  { clock, directory }: Pick<SurveyParts, "clock" | "directory">,
  { rules }: AuthenticationPolicy,
): Promise<readonly string[]> {
  const open = new Map<number, StarPattern>();
  for (const [at, { users }] of rules.entries())
    if (users !== undefined && !isKnown(directory, users)) open.set(at, users);
  if (open.size > 0)
    await inSlices(clock, subscribersOf(directory), (subscriber) => {
      for (const [at, users] of open) if (isOf(users, subscriber)) open.delete(at);
      return open.size > 0;
    });
  return [...open].map(
    ([at, { text }]) =>
      `rules[${at}].users: ${JSON.stringify(text)} is no subscriber's, expected an IMPI or IMPU, or * for any characters`,
  );
}

/** Without a star there is nothing to look for. */
function isKnown(directory: SubscriberDirectory, { text, isLiteral }: StarPattern): boolean {
  return isLiteral && (directory.byImpi(text) ?? directory.ownersOf(text)[0]) !== undefined;
}

function isOf(users: StarPattern, { impi, impus }: Subscriber): boolean {
  return users.matches(impi) || impus.some(({ aor }) => users.matches(aor));
}

const PAGE = 500;

function* subscribersOf(directory: SubscriberDirectory): Generator<Subscriber> {
  for (let at = 0; at < directory.size; at += PAGE) yield* directory.list(at, PAGE);
}
