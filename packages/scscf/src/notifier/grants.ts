// The granted life of a subscription here: `subscription.expires`. RFC 6665 §4.2.1.1; S3z010092 §4.
import {
  DEFAULT_EXPIRES,
  OWN_PACKAGE,
  type RegistrationPackage,
  UNLIMITED_EXPIRES,
} from "@ims-lab/common/ims/events";

export interface GrantPolicy {
  /** `registration`: as long as the binding, renewed with it. `unlimited`: until it goes. */
  readonly life: "registration" | "unlimited";
  /** The own package may be given more than was asked for (profile `seed`). */
  readonly raiseOwn: boolean;
}

/**
 * Seconds for a device's own subscription; `remaining` is its binding's life. 0 is never raised:
 * unsubscribing and fetching work.
 */
export function grantToDevice(
  policy: GrantPolicy,
  eventPackage: RegistrationPackage,
  asked: number | undefined,
  remaining: number,
): number {
  const wanted = asked ?? DEFAULT_EXPIRES[eventPackage];
  if (wanted === 0) return 0;
  const ideal = policy.life === "unlimited" ? UNLIMITED_EXPIRES : remaining;
  const mayRaise = policy.raiseOwn && eventPackage === OWN_PACKAGE;
  return mayRaise ? ideal : Math.min(wanted, ideal);
}

/** Seconds for a P-CSCF or an application server: as asked, it ends with the registration anyway. */
export function grantToWatcher(
  eventPackage: RegistrationPackage,
  asked: number | undefined,
): number {
  return asked ?? DEFAULT_EXPIRES[eventPackage];
}
