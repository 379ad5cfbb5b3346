// Observed messages of one user, S-CSCF `GET /registrations/{impu}/messages`: what a verdict on a device is made of, without secrets.

/** A contact in the body of a NOTIFY (RFC 3680 §5.1). */
export interface ObservedContact {
  readonly uri: string;
  readonly state: string;
  /** `shortened`, `deactivated` … */
  readonly event: string;
  /** Seconds. */
  readonly expires: number | null;
}

/** What an Authorization says, without saying it. */
export const credentialKinds = [
  /** No Authorization. */
  "none",
  /** It names the user and answers nothing (TS 24.229 §5.1.1.2). */
  "unanswered",
  "answer",
  /** Numbers out of step (RFC 3310 §3.4). */
  "auts",
  /** A nonce, an empty response and no `auts`: the device takes the challenge for forged. */
  "rejection",
  "malformed",
] as const;
export type CredentialKind = (typeof credentialKinds)[number];

/** One message between the S-CSCF and the user's device. What does not apply is null. */
export interface ObservedMessage {
  /** Milliseconds since the epoch: when it came or left. */
  readonly at: number;
  readonly direction: "from-device" | "to-device";
  /** The same message once more. */
  readonly isRepeated: boolean;
  /** Of a response, that of its request. */
  readonly method: string;
  /** Null: a request. */
  readonly status: number | null;
  readonly callId: string;
  readonly cseq: number;
  /** Of a REGISTER, the first Contact's URI. */
  readonly contact: string | null;
  /** Seconds asked for; in a 200 to a REGISTER those granted to the Contact that it named. */
  readonly expires: number | null;
  readonly minExpires: number | null;
  readonly retryAfter: number | null;
  /** Event package. */
  readonly event: string | null;
  /** `active`, `terminated`, and its reason. */
  readonly subscriptionState: string | null;
  readonly reason: string | null;
  /** Of a NOTIFY about registrations. */
  readonly contacts: readonly ObservedContact[];
  /** Of a REGISTER. */
  readonly credentials: CredentialKind | null;
  /** Stands for the nonce of a challenge, or of the credentials that answer it: equal for equal ones. */
  readonly nonce: string | null;
  readonly userAgent: string | null;
}
