// Waiting times before the UE registers again after a failure. RFC 5626 §4.5.
import type { Random } from "@ims-lab/common/platform/random";

/** RFC 5626 §4.5: max-time, and base-time when every flow failed (the UE has one). */
const MAX_SECONDS = 1800;
const BASE_SECONDS = 30;

/**
 * §4.5 lets a device configure its base-time. Who was connected a moment ago was not turned away: half a
 * minute would be longer than many a re-authentication's deadline.
 */
const RECONNECT_SECONDS = 1;

/** Nobody has to wait longer than this for a network that was away for a while. */
const MAX_RECONNECT_SECONDS = 30;

/** Seconds to wait after the `failures`th REGISTER in a row that failed, when its connection ended under it. */
export function reconnectSeconds(failures: number, random: Random): number {
  return jittered(grown(RECONNECT_SECONDS, failures, MAX_RECONNECT_SECONDS), random);
}

/** Seconds to wait after `failures` failed attempts in a row (1 or more). */
export function backOffSeconds(failures: number, random: Random): number {
  return jittered(grown(BASE_SECONDS, failures + 1, MAX_SECONDS), random);
}

const RECOVERY_SECONDS = 5;
/** So often a lost registration is asked for at that pace; then as any other. */
const RECOVERIES = 20;

/** Seconds to wait after `failures` failed attempts in a row to get back a registration that the network has lost. */
export function recoverySeconds(failures: number, random: Random): number {
  return failures > RECOVERIES
    ? backOffSeconds(failures - RECOVERIES, random)
    : jittered(grown(RECOVERY_SECONDS, failures, MAX_RECONNECT_SECONDS), random);
}

/**
 * Seconds to wait after a Retry-After: no less, but a bounded time, and never so short that a network which
 * says 0 each time is stormed by everybody at once (RFC 3261 §20.33 leaves both open).
 */
export function obeyedSeconds(retryAfter: number, failures: number, random: Random): number {
  const least = grown(RECOVERY_SECONDS, failures, MAX_RECONNECT_SECONDS);
  const seconds = Math.min(MAX_SECONDS, Math.max(retryAfter, least));
  return seconds + random.fraction() * Math.min(seconds / 4, SPREAD_SECONDS);
}

/** Over which those come back who were all told the same. */
const SPREAD_SECONDS = 5;

const LOSS_SECONDS = 60;

/** Seconds before a registration that was got back may count as lost once more. */
export function lossSeconds(losses: number, random: Random): number {
  return jittered(grown(LOSS_SECONDS, losses, MAX_SECONDS), random);
}

/** Twice as long with each time, `times` is 1 or more. */
function grown(seconds: number, times: number, most: number): number {
  return Math.min(most, seconds * 2 ** (times - 1));
}

function jittered(seconds: number, random: Random): number {
  return seconds * (0.5 + random.fraction() / 2);
}
