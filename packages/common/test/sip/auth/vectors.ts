// The published and computed Digest vectors, typed. Values that must come out, and some that must not.
import { readFileSync } from "node:fs";
import type { AuthAlgorithm } from "@ims-lab/common/sip/auth/challenge";
import { digestOf } from "@ims-lab/common/sip/auth/challenge";
import type { DigestInput, Qop } from "@ims-lab/common/sip/auth/digest";

export interface DigestVector {
  id: string;
  algorithm: AuthAlgorithm;
  username: string;
  realm: string;
  password?: string;
  passwordHex?: string;
  method: string;
  uri: string;
  nonce: string;
  qop?: Qop;
  nc?: string;
  cnonce?: string;
  opaque?: string;
  bodyHex?: string;
  ha1: string;
  response: string;
  rspauth: string;
  auts?: string;
  autsHex?: string;
  sqnMs?: string;
  aka?: { rand: string; autn: string; res: string; ck: string; ik: string };
  akav2?: { ikPrime: string; ckPrime: string };
}

export interface WrongVector extends DigestVector {
  /** The right answer, which the wrong input must not give. */
  notResponse: string;
}

function load(): { vectors: DigestVector[]; mustNotMatch: WrongVector[] } {
  return JSON.parse(readFileSync(new URL("digest-vectors.json", import.meta.url), "utf8")) as {
    vectors: DigestVector[];
    mustNotMatch: WrongVector[];
  };
}

const file = load();
export const vectors: readonly DigestVector[] = file.vectors;
export const mustNotMatch: readonly WrongVector[] = file.mustNotMatch;

export function passwordOf(vector: DigestVector): Buffer {
  return vector.passwordHex === undefined
    ? Buffer.from(vector.password ?? "", "utf8")
    : Buffer.from(vector.passwordHex, "hex");
}

export function inputOf(vector: DigestVector): DigestInput {
  const { username, realm, method, uri, nonce, qop, nc, cnonce, bodyHex } = vector;
  return {
    algorithm: digestOf(vector.algorithm),
    username,
    realm,
    password: passwordOf(vector),
    method,
    uri,
    nonce,
    ...(qop !== undefined && { qop }),
    ...(nc !== undefined && { nc }),
    ...(cnonce !== undefined && { cnonce }),
    ...(bodyHex !== undefined && { body: Buffer.from(bodyHex, "hex") }),
  };
}
