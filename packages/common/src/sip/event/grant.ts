// The granted life of a subscription. RFC 6665 §3.1.1, §4.2.1.1; raising is this lab's `seed` profile.

/** All in seconds. */
export interface GrantRule {
  /** Taken when the SUBSCRIBE names no Expires. */
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** Lower values are raised to this; absent: never raised, as the RFC wants it. */
  readonly raiseTo?: number;
}

export type Grant =
  | { readonly kind: "granted"; readonly expires: number }
  /** 423 with this Min-Expires. */
  | { readonly kind: "too-brief"; readonly minExpires: number };

/** §4.2.1.1: below an hour only may be called too brief. */
const NEVER_TOO_BRIEF = 3600;

/** 0 stays 0: unsubscribe and fetch always work. */
export function grantExpires(asked: number | undefined, rule: GrantRule): Grant {
  const wanted = asked ?? rule.default;
  if (wanted === 0) return { kind: "granted", expires: 0 };
  const { raiseTo } = rule;
  if (raiseTo !== undefined && wanted <= raiseTo) return { kind: "granted", expires: raiseTo };
  if (wanted < rule.min && wanted < NEVER_TOO_BRIEF)
    return { kind: "too-brief", minExpires: rule.min };
  return { kind: "granted", expires: Math.min(wanted, Math.max(rule.max, raiseTo ?? 0)) };
}
