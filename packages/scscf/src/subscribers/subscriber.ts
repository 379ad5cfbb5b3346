// A subscriber: the lab's HSS record of one private identity. TS 23.003 §13, TS 23.228 §4.3.3.

import type { RuleDocument } from "@ims-lab/common/ims/policy-document";
import type { Secret } from "@ims-lab/common/platform/secret";
import type { AkaAlgorithm } from "@ims-lab/common/sip/auth/aka";
import type { DigestAlgorithm } from "@ims-lab/common/sip/auth/digest";

/** A public identity. */
export interface Impu {
  /** As the file writes it. */
  readonly uri: string;
  /** As `aorOf` files it. */
  readonly aor: string;
  /** May register, but neither call nor be called (TS 23.228 §4.3.3.2). */
  readonly barred: boolean;
}

export interface AkaCredentials {
  readonly scheme: "aka";
  readonly algorithm: AkaAlgorithm;
  readonly k: Secret<Buffer>;
  readonly opc: Secret<Buffer>;
  /** There when the file gave OP; only diagnosis uses it. */
  readonly op?: Secret<Buffer>;
  /** Two octets. */
  readonly amf: Buffer;
}

export interface PasswordCredentials {
  readonly scheme: "digest";
  /** In the order of the challenges (RFC 8760 §2.3). */
  readonly algorithms: readonly DigestAlgorithm[];
  /** UTF-8. */
  readonly password: Secret<Buffer>;
}

export type SubscriberCredentials = AkaCredentials | PasswordCredentials;

export interface Subscriber {
  readonly impi: string;
  /** The implicit registration set, the default identity first. */
  readonly impus: readonly Impu[];
  readonly auth: SubscriberCredentials;
  /** Its duty to subscribe; undefined leaves that to the profile. */
  readonly subscription?: "enforce" | "warn" | "optional";
  /** Rules of the authentication policy that come before the node's. */
  readonly policy?: readonly RuleDocument[];
}
