// The two event packages and what each cause makes of a contact. docs/events.md, RFC 3680, TS 24.229 §5.4.1.5.
import type { ContactEvent } from "./reginfo-document.ts";

/** The package of S3z010092: network-initiated re-registration (docs/events.md). */
export const OWN_PACKAGE = "network-initiated-reregistration";
/** RFC 3680 §4.1. */
export const REG_PACKAGE = "reg";

export type RegistrationPackage = typeof OWN_PACKAGE | typeof REG_PACKAGE;

/** RFC 3680 §7.1; both packages carry it. */
export const REGINFO_TYPE = "application/reginfo+xml";

/** Seconds, when a SUBSCRIBE names no Expires: docs/events.md; RFC 3680 §4.4. */
export const DEFAULT_EXPIRES: Readonly<Record<RegistrationPackage, number>> = {
  [OWN_PACKAGE]: 3600,
  [REG_PACKAGE]: 3761,
};

/** Both packages with their body type: what a notifier of registrations serves. */
export const REGISTRATION_PACKAGES: ReadonlyMap<string, string> = new Map([
  [OWN_PACKAGE, REGINFO_TYPE],
  [REG_PACKAGE, REGINFO_TYPE],
]);

export function isRegistrationPackage(name: string): name is RegistrationPackage {
  return name === OWN_PACKAGE || name === REG_PACKAGE;
}

/** The largest Expires (RFC 3261 §20.19), seconds: "until the user is de-registered". */
export const UNLIMITED_EXPIRES: number = 2 ** 32 - 1;

/** Why a binding ends. */
export type DeregistrationCause =
  | "deadline" // no re-authentication in time
  | "not-subscribed" // no SUBSCRIBE in time
  | "displaced" // a newer device needed the room
  | "expired" // nobody refreshed it
  | "deactivated" // operator: come back
  | "rejected" // operator: stay away; fraud; barred
  | "probation" // maintenance: come back later
  | "unregistered"; // the UE's own Expires 0

export interface Deregistration {
  readonly contactEvent: ContactEvent;
  /** Reason of `Subscription-State: terminated`, when the subscription ends with it. */
  readonly reason: "noresource" | "deactivated" | "rejected" | "probation";
  /** Contact attribute and Subscription-State parameter `retry-after` must be given. */
  readonly retryAfter: boolean;
}

export const DEREGISTRATIONS: Readonly<Record<DeregistrationCause, Deregistration>> = {
  deadline: { contactEvent: "expired", reason: "noresource", retryAfter: false },
  "not-subscribed": { contactEvent: "expired", reason: "noresource", retryAfter: false },
  displaced: { contactEvent: "deactivated", reason: "deactivated", retryAfter: false },
  expired: { contactEvent: "expired", reason: "noresource", retryAfter: false },
  deactivated: { contactEvent: "deactivated", reason: "deactivated", retryAfter: false },
  rejected: { contactEvent: "rejected", reason: "rejected", retryAfter: false },
  probation: { contactEvent: "probation", reason: "probation", retryAfter: true },
  unregistered: { contactEvent: "unregistered", reason: "noresource", retryAfter: false },
};
