// When to register again: TS 24.229 §5.1.1.4 after a success, RFC 5626 §4.5 after a failure.
import type { Random } from "@ims-lab/common/platform/random";

/** Below twice this lifetime, half of it is the moment (TS 24.229 §5.1.1.4). */
const AHEAD_SECONDS = 600;

/** Seconds after which to renew what was granted for `expiresSeconds`; the same for subscriptions. */
export function renewalDelaySeconds(expiresSeconds: number): number {
  return expiresSeconds > 2 * AHEAD_SECONDS ? expiresSeconds - AHEAD_SECONDS : expiresSeconds / 2;
}

/** RFC 5626 §4.5: max-time, and base-time when every flow failed (the UE has one). */
const MAX_SECONDS = 1800;
const BASE_SECONDS = 30;

/** Seconds to wait after `failures` failed attempts in a row (1 or more). */
export function backOffSeconds(failures: number, random: Random): number {
  const most = Math.min(MAX_SECONDS, BASE_SECONDS * 2 ** failures);
  return most * (0.5 + random.fraction() / 2);
}
