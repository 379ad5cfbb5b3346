// RFC 3310, RFC 4169: passwords, session keys, nonce and AUTS.
import {
  type AkaKeys,
  akaAlgorithm,
  akaPassword,
  akaSessionKeys,
  packNonce,
  parseAuts,
  unpackNonce,
} from "@ims-lab/common/sip/auth/aka";
import { isAka } from "@ims-lab/common/sip/auth/challenge";
import { describe, expect, test } from "vitest";
import { type DigestVector, passwordOf, vectors } from "./vectors.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

function keysOf(vector: DigestVector): AkaKeys {
  const { res = "", ik = "", ck = "" } = vector.aka ?? {};
  return { res: hex(res), ik: hex(ik), ck: hex(ck) };
}

const aka = vectors
  .filter((vector) => vector.aka !== undefined && vector.auts === undefined)
  .map((vector) => [vector.id, vector] as const);

describe("RFC 3310 §3.3, RFC 4169 §3: the password from RES, IK, CK", () => {
  test.each(aka)("%s", (_id, vector) => {
    if (!isAka(vector.algorithm)) throw new Error("not an AKA vector");
    expect(akaPassword(vector.algorithm, keysOf(vector))).toEqual(passwordOf(vector));
  });
  test.each(aka.filter(([, vector]) => vector.akav2))("session keys of %s", (_id, vector) => {
    if (!isAka(vector.algorithm)) throw new Error("not an AKA vector");
    const { ik, ck } = akaSessionKeys(vector.algorithm, keysOf(vector));
    expect(ik.toString("hex")).toBe(vector.akav2?.ikPrime);
    expect(ck.toString("hex")).toBe(vector.akav2?.ckPrime);
  });
});

describe("RFC 3310 §3.2: nonce = base64(RAND || AUTN || server data)", () => {
  test.each(aka)("%s", (_id, vector) => {
    const unpacked = unpackNonce(vector.nonce);
    expect(unpacked?.rand.toString("hex")).toBe(vector.aka?.rand);
    expect(unpacked?.autn.toString("hex")).toBe(vector.aka?.autn);
    if (unpacked === undefined) return;
    const { rand, autn, serverData } = unpacked;
    const again = serverData.length > 0 ? packNonce(rand, autn, serverData) : packNonce(rand, autn);
    expect(again).toBe(vector.nonce);
  });
  test.each(["", "not base64!", Buffer.alloc(31).toString("base64"), "ÿ".repeat(44), "===="])(
    "refuses %j",
    (nonce) => {
      expect(unpackNonce(nonce)).toBeUndefined();
    },
  );
});

test("RFC 3310 §3.4: AUTS is 14 octets of base64, nothing else", () => {
  const withAuts = vectors.filter((vector) => vector.auts !== undefined);
  expect(withAuts.length).toBeGreaterThan(0);
  for (const { auts = "", autsHex } of withAuts)
    expect(parseAuts(auts)?.toString("hex")).toBe(autsHex);
  expect(parseAuts(Buffer.alloc(13).toString("base64"))).toBeUndefined();
  expect(parseAuts(Buffer.alloc(15).toString("base64"))).toBeUndefined();
  expect(parseAuts("uoU/PBIctV7bggBAq0E=\u0000")).toBeUndefined();
});

test("RFC 4169 §4: an unknown AKA version is unknown", () => {
  expect(akaAlgorithm("akaV1-md5")).toBe("AKAv1-MD5");
  expect(akaAlgorithm("AKAv3-MD5")).toBeUndefined();
});
