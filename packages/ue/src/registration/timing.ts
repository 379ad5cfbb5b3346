// Delays before the next REGISTER: TS 24.229 §5.1.1.4 after a success, RFC 5626 §4.5 after a failure.
import type { Random } from "@ims-lab/common/platform/random";
import { renewalDelaySeconds } from "@ims-lab/common/sip/event/renewal";

/** Expiry and renewal, milliseconds since the epoch, of what was granted for `seconds` at `now`. */
export function lifetime(now: number, seconds: number): { expiresAt: number; renewAt: number } {
  return {
    expiresAt: now + seconds * 1000,
    renewAt: now + renewalDelaySeconds(seconds) * 1000,
  };
}

/** RFC 5626 §4.5: max-time, and base-time when every flow failed (the UE has one). */
const MAX_SECONDS = 1800;
const BASE_SECONDS = 30;

/**
 * §4.5 lets a device configure its base-time. After a lost connection half a minute would be longer than many a
 * re-authentication's deadline.
 */
const RECONNECT_SECONDS = 1;

/** The longest wait for a network that was away for a while. */
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
 * Seconds to wait after a Retry-After: no less, but bounded, and never so short that all UEs of a network that answers
 * 0 each time come back at once (RFC 3261 §20.33 leaves both open).
 */
export function obeyedSeconds(retryAfter: number, failures: number, random: Random): number {
  const least = grown(RECOVERY_SECONDS, failures, MAX_RECONNECT_SECONDS);
  const seconds = Math.min(MAX_SECONDS, Math.max(retryAfter, least));
  return seconds + random.fraction() * Math.min(seconds / 4, SPREAD_SECONDS);
}

/** Seconds over which UEs with the same Retry-After come back. */
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
