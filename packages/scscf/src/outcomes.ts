// Outcomes of REGISTER and the SIP status of each: the one place where they meet.
import type { HeaderValues } from "@ims-lab/common/sip/message/message";

export type RefusalKind = keyof typeof STATUS;

/** `detail` goes to the log, never to the peer. */
export interface Refusal {
  readonly refused: RefusalKind;
  readonly detail: string;
  /** Seconds, for `interval-too-brief`. */
  readonly minExpires?: number;
  /** Option tags, for `bad-extension`. */
  readonly unsupported?: readonly string[];
}

const STATUS = {
  "untrusted-peer": 403, // TS 24.229 §4.4: outside the trust domain; `allowDirect` is off
  "past-pcscf": 403, // the same, from a device that has a P-CSCF
  "not-our-domain": 403, // RFC 3261 §10.3 step 1
  "unknown-user": 403, // TS 24.229 §5.4.1.2.1; 404 would tell strangers who exists
  "ambiguous-user": 403, // no Authorization and the IMPU belongs to several subscribers
  "foreign-impu": 403, // RFC 3261 §10.3 step 4: not this subscriber's
  "authentication-failed": 403, // TS 24.229 §5.4.1.2.3
  "too-many-challenges": 403, // bounded: at most 4 outstanding per IMPI
  "bad-authorization": 400, // RFC 7616 §3.4: parameters missing or malformed, several values for one realm
  "path-of-another": 403, // RFC 3327 §5.1: what goes back to that Path would reach somebody else
  "bad-contact": 400, // RFC 3261 §10.3 step 6
  "too-many-contacts": 403, // bounded: contacts.maxPerImpi, whose Warning says so
  "bad-path": 400, // RFC 3327 §4: SIP URIs in angle brackets; requests could not go there
  emergency: 403, // decision 0021: nobody here takes emergency calls
  "insecure-hop": 400, // RFC 5630 §5.2: a sips: Contact, and something on the way is not
  "bad-extension": 420, // RFC 3261 §10.3 step 2
  "interval-too-brief": 423, // RFC 3261 §10.3 step 7
  "out-of-order": 500, // RFC 3261 §10.3 step 7: same Call-ID, CSeq not higher
  "store-failed": 500, // what cannot be made durable is not announced
  "not-registered-subscribe": 480, // TS 24.229 §5.4.2.1.1
  "not-allowed-to-subscribe": 403, // TS 24.229 §5.4.2.1.1
  "no-subscription": 481, // RFC 6665 §4.1.3: NOTIFY outside our own subscriptions
  "too-many-subscriptions": 403, // bounded: limits.maxSubscriptionsPerUser
  "no-such-user": 404, // RFC 3261 §21.4.5
  "not-registered": 403, // TS 24.229 §5.4.3.2: the served user is not registered
  "method-not-served": 501, // RFC 3261 §21.5.2
  "method-not-allowed": 405, // RFC 3261 §21.4.6
} as const;

export function refusal(refused: RefusalKind, detail: string): Refusal {
  return { refused, detail };
}

export function isRefusal(value: object): value is Refusal {
  return "refused" in value;
}

export function statusOf(refused: Refusal): number {
  return STATUS[refused.refused];
}

export function headersOf(refused: Refusal): HeaderValues {
  const headers: [string, string][] = [];
  if (refused.minExpires !== undefined) {
    headers.push(["Min-Expires", String(refused.minExpires)]);
  }
  if (refused.unsupported !== undefined) {
    headers.push(["Unsupported", refused.unsupported.join(", ")]);
  }
  if (refused.refused === "emergency") {
    headers.push(["Warning", '399 ims-lab "no emergency registration here"']);
  }
  if (refused.refused === "too-many-contacts") {
    headers.push(["Warning", '399 ims-lab "too many Contacts"']);
  }
  return headers;
}
