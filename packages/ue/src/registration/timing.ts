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

/**
 * §4.5 lets a device configure its base-time. Who was connected a moment ago was not turned away: half a
 * minute would be longer than many a re-authentication's deadline.
 */
const RECONNECT_SECONDS = 1;

/** Seconds to wait after the `failures`th REGISTER in a row that failed, when its connection ended under it. */
export function reconnectSeconds(failures: number, random: Random): number {
  return jittered(RECONNECT_SECONDS * 2 ** (failures - 1), random);
}

/** Seconds to wait after `failures` failed attempts in a row (1 or more). */
export function backOffSeconds(failures: number, random: Random): number {
  return jittered(BASE_SECONDS * 2 ** failures, random);
}

function jittered(seconds: number, random: Random): number {
  return Math.min(MAX_SECONDS, seconds) * (0.5 + random.fraction() / 2);
}
