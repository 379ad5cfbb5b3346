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
import { hmacSha256 } from "@ims-lab/common/sip/auth/hmac";

/** Characters: time in base 36, random hex, whose it is, MAC. Text throughout, which is cheapest. */
const TIME = 9;
const STAMP = TIME + 16;
const OWNED = STAMP + 8;
const NONCE = OWNED + 22;

export interface GeneratedNonce {
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly isOwn: boolean;
}

export class NonceGenerator {
  readonly #random: Random;
  readonly #ownerKey: string;
  readonly #macKey: string;
  readonly #seal: Cipheriv;
  readonly #unseal: Decipheriv;

  /** `secret`: 32 octets or more; with the same one, nonces outlive a restart. */
  constructor(random: Random, secret: Buffer) {
    this.#random = random;
    const hmac = hmacSha256(secret);
    this.#ownerKey = hmac("owner");
    this.#macKey = hmac("nonce");
    const key = Buffer.from(hmac("RAND"), "base64url").subarray(0, 16);
    this.#seal = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
    this.#unseal = createDecipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  }

  /** For a password user. */
  nonce(impi: string, now: number): string {
    const stamp = Math.floor(now).toString(36).padStart(TIME, "0") + this.#random.hex(8);
    const owned = stamp + this.#owner(stamp, impi);
    return owned + this.#mac(owned);
  }

  /** Undefined for a nonce that was not made here. */
  readNonce(nonce: string, impi: string): GeneratedNonce | undefined {
    if (nonce.length !== NONCE) return undefined;
    const owned = nonce.slice(0, OWNED);
    if (!sameSecret(this.#mac(owned), nonce.slice(OWNED))) return undefined;
    const isOwn = sameSecret(this.#owner(owned.slice(0, STAMP), impi), owned.slice(STAMP));
    return { issuedAt: Number.parseInt(owned.slice(0, TIME), 36), isOwn };
  }

  /** A RAND for AKA: random to everybody else, a date to us. */
  rand(now: number): Buffer {
    const stamp = this.#random.bytes(16);
    stamp.writeUIntBE(Math.floor(now), 0, 6);
    return this.#seal.update(stamp);
  }

  /** When `rand` was made; of a stranger's RAND this is some number. */
  randIssuedAt(rand: Buffer): number {
    return this.#unseal.update(rand).readUIntBE(0, 6);
  }

  /** One hash over key and text is a MAC here, where HMAC takes two: half of it is left out, so that nothing can be added behind. */
  #mac(owned: string): string {
    return hash("sha256", this.#macKey + owned, "base64url").slice(0, NONCE - OWNED);
  }

  /** Another value for each nonce, so that to nobody without the key a nonce tells whose it is. */
  #owner(stamp: string, impi: string): string {
    return hash("sha256", this.#ownerKey + stamp + impi, "base64url").slice(0, OWNED - STAMP);
  }
}
