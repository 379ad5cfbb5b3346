// The moment at which registrations and subscriptions are renewed. TS 24.229 §5.1.1.4, §5.1.1.3.

/** So long before the end; at half time of what lasts no longer than twice this. */
const AHEAD_SECONDS = 600;

/** Seconds after which to renew what was granted for `grantedSeconds`. */
export function renewalDelaySeconds(grantedSeconds: number): number {
  return grantedSeconds > 2 * AHEAD_SECONDS ? grantedSeconds - AHEAD_SECONDS : grantedSeconds / 2;
}
