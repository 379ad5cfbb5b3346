// The duty to subscribe of a device: its subscriber's, else by the pattern of its User-Agent, else the node's. TS 24.229 §5.1.1.3.
import { parseStarPattern, StarPattern } from "@ims-lab/common/platform/star-pattern";
import type { SubscriptionDuty } from "../registration/binding.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";

/** Devices whose User-Agent is like the pattern. */
export interface UserAgentDuty {
  /** As it was written. */
  readonly text: string;
  /** Capital and small letters are the same: it is in small ones. */
  readonly pattern: StarPattern;
  readonly duty: SubscriptionDuty;
}

export interface ChosenDuty {
  readonly duty: SubscriptionDuty;
  /** What chose it, for a person. */
  readonly by: string;
}

const DUTIES: readonly SubscriptionDuty[] = ["enforce", "warn", "optional"];

/** `PATTERN=DUTY`, as `subscription.dutyByUserAgent` has it; undefined for what is none. */
export function parseUserAgentDuty(written: string): UserAgentDuty | undefined {
  const at = written.lastIndexOf("=");
  const text = written.slice(0, Math.max(0, at)).trim();
  const duty = DUTIES.find((word) => word === written.slice(at + 1).trim());
  const pattern = parseStarPattern(text);
  if (duty === undefined || pattern === undefined) return undefined;
  return { text, pattern: new StarPattern(text.toLowerCase()), duty };
}

/** The first of these that no device comes to, since an earlier one matches all of its. */
export function shadowedDuty(
  rules: readonly UserAgentDuty[],
): { readonly rule: UserAgentDuty; readonly by: UserAgentDuty } | undefined {
  for (const [at, rule] of rules.entries()) {
    const by = rules.slice(0, at).find(({ pattern }) => pattern.covers(rule.pattern));
    if (by !== undefined) return { rule, by };
  }
  return undefined;
}

export class SubscriptionDuties {
  readonly #default: SubscriptionDuty;
  readonly #rules: readonly UserAgentDuty[];

  constructor(settings: {
    readonly duty: SubscriptionDuty;
    readonly dutyByUserAgent: readonly string[];
  }) {
    this.#default = settings.duty;
    this.#rules = settings.dutyByUserAgent.flatMap((written) => parseUserAgentDuty(written) ?? []);
  }

  /** @param userAgent undefined: the device does not say */
  of(
    { subscription }: Pick<Subscriber, "subscription">,
    userAgent: string | undefined,
  ): ChosenDuty {
    if (subscription !== undefined) return { duty: subscription, by: "its subscriber" };
    const rule = this.#ruleOf(userAgent);
    return rule === undefined
      ? { duty: this.#default, by: "subscription.duty" }
      : { duty: rule.duty, by: `User-Agent ${rule.text}` };
  }

  #ruleOf(userAgent: string | undefined): UserAgentDuty | undefined {
    if (this.#rules.length === 0 || userAgent === undefined) return undefined;
    const name = userAgent.toLowerCase();
    return this.#rules.find(({ pattern }) => pattern.matches(name));
  }
}
