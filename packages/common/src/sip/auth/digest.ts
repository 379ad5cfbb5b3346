// Digest: what both sides compute from a secret and a challenge. RFC 7616 §3.4, RFC 8760, RFC 2617.
import { hash } from "node:crypto";

export type HashName = "MD5" | "SHA-256" | "SHA-512-256";
export type DigestAlgorithm = HashName | `${HashName}-sess`;
export type Qop = "auth" | "auth-int";

/** Header text is latin1 throughout (one character, one octet), so that unknown octets survive. */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly username: string;
  readonly realm: string;
  /** Octets: text as UTF-8 for a person's password, raw RES for AKAv1 (RFC 3310 §3.3). */
  readonly password: Buffer;
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  /** Without it: RFC 2617 §3.2.2.1's older formula. */
  readonly qop?: Qop | undefined;
  /** As it stands in the header: eight hexadecimal digits. */
  readonly nc?: string | undefined;
  readonly cnonce?: string | undefined;
  /** Counts for auth-int alone; nothing and an empty body are the same (RFC 8760 §2.6). */
  readonly body?: Buffer | undefined;
}

const ENGINE: Record<HashName, string> = {
  MD5: "md5",
  "SHA-256": "sha256",
  "SHA-512-256": "sha512-256",
};

const ALGORITHMS: ReadonlyMap<string, DigestAlgorithm> = new Map(
  (["MD5", "SHA-256", "SHA-512-256"] as const)
    .flatMap((name): DigestAlgorithm[] => [name, `${name}-sess`])
    .map((name) => [name.toLowerCase(), name]),
);

/** Tokens compare case-insensitively (RFC 3261 §7.3.1). */
export function digestAlgorithm(token: string): DigestAlgorithm | undefined {
  return ALGORITHMS.get(token.toLowerCase());
}

function hashOf(algorithm: DigestAlgorithm): HashName {
  switch (algorithm) {
    case "MD5":
    case "MD5-sess":
      return "MD5";
    case "SHA-256":
    case "SHA-256-sess":
      return "SHA-256";
    case "SHA-512-256":
    case "SHA-512-256-sess":
      return "SHA-512-256";
  }
}

/** Hexadecimal digits in a response of this algorithm. */
export function responseLength(algorithm: DigestAlgorithm): number {
  return hashOf(algorithm) === "MD5" ? 32 : 64;
}

/** H(A1), in lower-case hexadecimal digits. RFC 7616 §3.4.2. */
export function hashedA1(input: DigestInput): string {
  const engine = ENGINE[hashOf(input.algorithm)];
  const { password } = input;
  const prefix = `${input.username}:${input.realm}:`;
  const octets = Buffer.allocUnsafe(prefix.length + password.length);
  octets.write(prefix, "latin1");
  password.copy(octets, prefix.length);
  const plain = hash(engine, octets);
  if (!input.algorithm.endsWith("-sess")) return plain;
  return hashed(engine, `${plain}:${input.nonce}:${input.cnonce ?? ""}`);
}

/** The `response` parameter. RFC 7616 §3.4.1. */
export function digestResponse(input: DigestInput): string {
  return keyed(input, hashedA1(input), `${input.method}:${input.uri}`);
}

function keyed(input: DigestInput, ha1: string, plainA2: string): string {
  const engine = ENGINE[hashOf(input.algorithm)];
  const a2 =
    input.qop === "auth-int"
      ? `${plainA2}:${hash(engine, input.body ?? Buffer.alloc(0))}`
      : plainA2;
  const ha2 = hashed(engine, a2);
  if (input.qop === undefined) return hashed(engine, `${ha1}:${input.nonce}:${ha2}`);
  const fresh = `${input.nonce}:${input.nc ?? ""}:${input.cnonce ?? ""}:${input.qop}`;
  return hashed(engine, `${ha1}:${fresh}:${ha2}`);
}

function hashed(engine: string, text: string): string {
  return hash(engine, Buffer.from(text, "latin1"));
}
