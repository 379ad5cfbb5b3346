// The granted life of a binding. RFC 3261 §10.3 step 7; `registration.*`, `subscription.*`.
import type { Refusal } from "../outcomes.ts";

/** All in seconds. */
export interface ExpiresRules {
  readonly minExpires: number;
  readonly defaultExpires: number;
  readonly maxExpires: number;
  /** Caps an `optional` binding without subscription, so that it comes back soon by itself. */
  readonly optionalMaxExpires: number;
}

/** RFC 3261 §10.3 step 7: a registrar may find less than an hour too brief, never an hour or more. */
const NEVER_TOO_BRIEF = 3600;

/** Seconds granted. `short` is an `optional` binding that has no subscription. */
export function grantExpires(
  rules: ExpiresRules,
  asked: number | undefined,
  short: boolean,
): number | Refusal {
  const requested = asked ?? rules.defaultExpires;
  if (requested < rules.minExpires && requested < NEVER_TOO_BRIEF) {
    const { minExpires } = rules;
    return { refused: "interval-too-brief", detail: `asked for ${requested} s`, minExpires };
  }
  const granted = Math.min(requested, rules.maxExpires);
  return short ? Math.min(granted, rules.optionalMaxExpires) : granted;
}
