// Nonces and RANDs that prove by themselves who issued them, when, and for whom.
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  type Decipheriv,
  hash,
} from "node:crypto";
import type { Random } from "@ims-lab/common/platform/random";
import { sameSecret } from "@ims-lab/common/sip/auth/challenge";
import { type Hmac, hmacSha256 } from "@ims-lab/common/sip/auth/hmac";

/** time (6) || random (8) || owner (6) || MAC (16), in base64url: 48 characters. */
const PAYLOAD = 20;
const NONCE = 36;

export interface MintedNonce {
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly isOwn: boolean;
}

export class NonceMint {
  readonly #random: Random;
  readonly #hmac: Hmac;
  readonly #seal: Cipheriv;
  readonly #unseal: Decipheriv;

  /** `secret`: 32 octets or more; with the same one, nonces outlive a restart. */
  constructor(random: Random, secret: Buffer) {
    this.#random = random;
    this.#hmac = hmacSha256(secret);
    const key = this.#hmac("RAND").subarray(0, 16);
    this.#seal = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
    this.#unseal = createDecipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  }

  /** For a password user. */
  nonce(impi: string, now: number): string {
    const payload = Buffer.concat([this.#stamp(now, 8), Buffer.alloc(6)]);
    owner(payload, impi).copy(payload, 14);
    const mac = this.#hmac(payload).subarray(0, NONCE - PAYLOAD);
    return Buffer.concat([payload, mac]).toString("base64url");
  }

  /** Undefined for a nonce that was not made here. */
  readNonce(nonce: string, impi: string): MintedNonce | undefined {
    const octets = Buffer.from(nonce, "base64url");
    // Decoding is tolerant: only the one spelling that was issued counts.
    if (octets.length !== NONCE || octets.toString("base64url") !== nonce) return undefined;
    const payload = octets.subarray(0, PAYLOAD);
    const mac = this.#hmac(payload).subarray(0, NONCE - PAYLOAD);
    if (!sameSecret(mac.toString("latin1"), octets.toString("latin1", PAYLOAD))) return undefined;
    const isOwn = owner(payload, impi).equals(payload.subarray(14));
    return { issuedAt: payload.readUIntBE(0, 6), isOwn };
  }

  /** A RAND for AKA: random to everybody else, a date to this mint. */
  rand(now: number): Buffer {
    return this.#seal.update(this.#stamp(now, 10));
  }

  /** When `rand` was made; of a stranger's RAND this is some number. */
  randIssuedAt(rand: Buffer): number {
    return this.#unseal.update(rand).readUIntBE(0, 6);
  }

  #stamp(now: number, randomOctets: number): Buffer {
    const stamp = Buffer.alloc(6 + randomOctets);
    stamp.writeUIntBE(Math.floor(now), 0, 6);
    this.#random.bytes(randomOctets).copy(stamp, 6);
    return stamp;
  }
}

/** Another value for each nonce, so that a nonce does not tell whose it is. */
function owner(payload: Buffer, impi: string): Buffer {
  const text = Buffer.concat([payload.subarray(0, 14), Buffer.from(impi, "latin1")]);
  return hash("sha256", text, "buffer").subarray(0, 6);
}
