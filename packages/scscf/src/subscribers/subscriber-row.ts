// A subscriber as a durable row: what the store keeps of one that was changed at run time.
import type { RuleDocument } from "@ims-lab/common/ims/policy-document";
import { Secret } from "@ims-lab/common/platform/secret";
import { akaAlgorithm } from "@ims-lab/common/sip/auth/aka";
import { digestAlgorithm } from "@ims-lab/common/sip/auth/digest";
import type { Impu, Subscriber, SubscriberCredentials } from "./subscriber.ts";

/** Plain data, with its secrets: what is stored must survive a trip through JSON. Octets are hexadecimal. */
export type SubscriberRow =
  | { readonly removed: true }
  | {
      readonly removed?: never;
      readonly impus: readonly Impu[];
      readonly auth: StoredAka | StoredPassword;
      readonly subscription?: "enforce" | "warn" | "optional";
      readonly policy?: readonly RuleDocument[];
    };

interface StoredAka {
  readonly scheme: "aka";
  readonly algorithm: string;
  readonly k: string;
  readonly opc: string;
  readonly op?: string;
  readonly amf: string;
}

interface StoredPassword {
  readonly scheme: "digest";
  readonly algorithms: readonly string[];
  readonly password: string;
}

export const REMOVED: SubscriberRow = { removed: true };

export function rowOfSubscriber(subscriber: Subscriber): SubscriberRow {
  const { impus, auth, subscription, policy } = subscriber;
  return { impus, auth: storedOf(auth), ...chosen({ subscription, policy }) };
}

function storedOf(auth: SubscriberCredentials): StoredAka | StoredPassword {
  const hex = (secret: Secret<Buffer>): string => secret.reveal().toString("hex");
  switch (auth.scheme) {
    case "aka": {
      const { scheme, algorithm, k, opc, op, amf } = auth;
      const keys = { k: hex(k), opc: hex(opc), ...(op && { op: hex(op) }) };
      return { scheme, algorithm, ...keys, amf: amf.toString("hex") };
    }
    case "digest": {
      const { scheme, algorithms, password } = auth;
      return { scheme, algorithms, password: password.reveal().toString("utf8") };
    }
  }
}

/** Undefined: removed. Throws for a row that this version did not write. */
export function subscriberOfRow(impi: string, row: SubscriberRow): Subscriber | undefined {
  if (row.removed === true) return undefined;
  const { impus, auth, subscription, policy } = row;
  return { impi, impus, auth: credentialsOf(impi, auth), ...chosen({ subscription, policy }) };
}

type Chosen = Pick<Subscriber, "subscription" | "policy">;

function chosen({ subscription, policy }: { [K in keyof Chosen]?: Chosen[K] | undefined }): Chosen {
  return { ...(subscription && { subscription }), ...(policy && { policy }) };
}

function credentialsOf(impi: string, auth: StoredAka | StoredPassword): SubscriberCredentials {
  const octets = (hex: string): Secret<Buffer> => new Secret(Buffer.from(hex, "hex"));
  if (auth.scheme === "digest") {
    const algorithms = auth.algorithms.map((token) => digestAlgorithm(token));
    if (!algorithms.every((one) => one !== undefined)) throw unreadable(impi);
    const { scheme, password } = auth;
    return { scheme, algorithms, password: new Secret(Buffer.from(password, "utf8")) };
  }
  const algorithm = akaAlgorithm(auth.algorithm);
  if (algorithm === undefined) throw unreadable(impi);
  const { scheme, k, opc, op, amf } = auth;
  const keys = { k: octets(k), opc: octets(opc), ...(op !== undefined && { op: octets(op) }) };
  return { scheme, algorithm, ...keys, amf: Buffer.from(amf, "hex") };
}

function unreadable(impi: string): Error {
  return new Error(`the store's record of subscriber ${impi} is of no known form`);
}

/** Whether two records authenticate by the same secret, in the same way. */
export function isSameAuth(one: Subscriber, other: Subscriber): boolean {
  if (one.auth === other.auth) return true;
  return JSON.stringify(storedOf(one.auth)) === JSON.stringify(storedOf(other.auth));
}
