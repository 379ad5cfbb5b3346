// Digest with AKA: nonce, password and AUTS as they travel in SIP. RFC 3310, RFC 4169.
import { createHmac } from "node:crypto";
import type { DigestAlgorithm } from "./digest.ts";

export type AkaAlgorithm = "AKAv1-MD5" | "AKAv2-MD5" | "AKAv2-SHA-256";

/** What both sides get from the shared K and one RAND. */
export interface AkaKeys {
  /** 4 to 16 octets; Milenage makes 8. */
  readonly res: Buffer;
  readonly ik: Buffer;
  readonly ck: Buffer;
}

export interface AkaNonce {
  readonly rand: Buffer;
  readonly autn: Buffer;
  readonly serverData: Buffer;
}

const ALGORITHMS: ReadonlyMap<string, AkaAlgorithm> = new Map(
  (["AKAv1-MD5", "AKAv2-MD5", "AKAv2-SHA-256"] as const).map((name) => [name.toLowerCase(), name]),
);

export function akaAlgorithm(token: string): AkaAlgorithm | undefined {
  return ALGORITHMS.get(token.toLowerCase());
}

/** The digest that the derived password goes into. */
export function akaDigest(algorithm: AkaAlgorithm): DigestAlgorithm {
  return algorithm === "AKAv2-SHA-256" ? "SHA-256" : "MD5";
}

/** RFC 3310 §3.3: RES as it is; RFC 4169 §3: base64 of a PRF over RES||IK||CK. */
export function akaPassword(algorithm: AkaAlgorithm, keys: AkaKeys): Buffer {
  if (algorithm === "AKAv1-MD5") return keys.res;
  return Buffer.from(prf(algorithm, keys, "http-digest-akav2-password").toString("base64"));
}

/** The keys for whatever follows the authentication. RFC 4169 §3: AKAv2 never hands out the real ones. */
export function akaSessionKeys(
  algorithm: AkaAlgorithm,
  keys: AkaKeys,
): { readonly ik: Buffer; readonly ck: Buffer } {
  if (algorithm === "AKAv1-MD5") return { ik: keys.ik, ck: keys.ck };
  return {
    ik: hmac(algorithm, keys.ik, "http-digest-akav2-integritykey"),
    ck: hmac(algorithm, keys.ck, "http-digest-akav2-cipherkey"),
  };
}

function prf(algorithm: AkaAlgorithm, keys: AkaKeys, label: string): Buffer {
  return hmac(algorithm, Buffer.concat([keys.res, keys.ik, keys.ck]), label);
}

function hmac(algorithm: AkaAlgorithm, key: Buffer, label: string): Buffer {
  const engine = akaDigest(algorithm) === "MD5" ? "md5" : "sha256";
  return createHmac(engine, key).update(label).digest();
}

/** base64(RAND || AUTN || server data), padding kept. RFC 3310 §3.2. */
export function packNonce(rand: Buffer, autn: Buffer, serverData?: Buffer): string {
  const parts = serverData === undefined ? [rand, autn] : [rand, autn, serverData];
  return Buffer.concat(parts).toString("base64");
}

/** Undefined unless at least the 32 octets of RAND and AUTN are there. */
export function unpackNonce(nonce: string): AkaNonce | undefined {
  const octets = fromBase64(nonce);
  if (octets === undefined || octets.length < 32) return undefined;
  return {
    rand: octets.subarray(0, 16),
    autn: octets.subarray(16, 32),
    serverData: octets.subarray(32),
  };
}

/** The `auts` parameter's 14 octets; undefined when it is anything else. RFC 3310 §3.4. */
export function parseAuts(text: string): Buffer | undefined {
  const octets = fromBase64(text);
  return octets?.length === 14 ? octets : undefined;
}

/** Buffer.from ignores what is not base64; a peer's nonce must not get away with that. */
function fromBase64(text: string): Buffer | undefined {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : undefined;
}
