// Each common mistake is named in one line; none lets anybody in.
import { deriveOpc, Milenage } from "@ims-lab/common/ims/milenage";
import { sqnOf } from "@ims-lab/common/ims/sqn";
import { akaPassword, unpackNonce } from "@ims-lab/common/sip/auth/aka";
import type { Challenge } from "@ims-lab/common/sip/auth/challenge";
import { describe, expect, test } from "vitest";
import {
  ALICE,
  attempt,
  autsFor,
  BOB,
  bench,
  claim,
  type DeviceFaults,
  diagnosisOf,
  first,
  K,
  OP,
  OPC,
  resOf,
  respond,
} from "./bench.ts";

const text = (written: string): Buffer => Buffer.from(written, "utf8");

function diagnose(impi: string, faults: (challenge: Challenge) => DeviceFaults): string {
  const { auth } = bench();
  const key = attempt(impi);
  const challenge = first(auth.challenge(key));
  const outcome = auth.verify(claim(key, respond(impi, challenge, faults(challenge))));
  expect(outcome.kind).toBe("wrong-response");
  return diagnosisOf(outcome);
}

describe("AKA: a wrong response because", () => {
  test.each<[string, (challenge: Challenge) => DeviceFaults, string]>([
    ["OP was taken for OPc", ({ nonce }) => ({ password: resOf(nonce, OP) }), "takes OP for OPc"],
    [
      "K was used as password",
      () => ({ password: text(K.toString("hex")) }),
      "K was used as password",
    ],
    ["K's octets were", () => ({ password: K }), "K was used as password"],
    [
      "RES was hexadecimal text",
      ({ nonce }) => ({ password: text(resOf(nonce).toString("hex")) }),
      "hexadecimal text",
    ],
    [
      "RES went through UTF-8",
      ({ nonce }) => ({ password: text(resOf(nonce).toString("latin1")) }),
      "latin1 text",
    ],
    ["the password was empty", () => ({ password: Buffer.alloc(0) }), "empty password"],
    [
      "AKAv2 was computed",
      ({ nonce }) => ({ password: v2(nonce) }),
      "AKAv2-MD5, AKAv1-MD5 was asked for",
    ],
    [
      "K is another",
      () => ({ password: text("12345678") }),
      "K differs, or OP/OPc is quite another one",
    ],
    [
      "another uri was hashed",
      () => ({ hashed: { uri: "sip:1.2.3.4:5060" }, change: { uri: "sip:home" } }),
      "differ",
    ],
  ])("%s", (_why, faults, line) => {
    expect(diagnose(ALICE, faults)).toContain(line);
  });
  test("OPc was taken for OP", () => {
    const twice = deriveOpc(K, OPC);
    const line = diagnose(ALICE, ({ nonce }) => ({ password: resOf(nonce, twice) }));
    expect(line).toContain("takes OPc for OP");
  });
  test("an AUTS with OP for OPc", () => {
    const { auth } = bench();
    const challenge = first(auth.challenge(attempt(ALICE)));
    const auts = autsFor(challenge, sqnOf(900, 1), OP);
    const answer = respond(ALICE, challenge, { change: { auts } });
    const outcome = auth.verify(claim(attempt(ALICE), answer));
    expect(outcome.kind).toBe("resync-invalid");
    expect(diagnosisOf(outcome)).toContain("takes OP for OPc");
  });
});

function v2(nonce: string): Buffer {
  const { rand } = unpackNonce(nonce) ?? { rand: Buffer.alloc(16) };
  return akaPassword("AKAv2-MD5", new Milenage(K, OPC).keys(rand));
}

describe("digest: a wrong response because", () => {
  test.each<[string, DeviceFaults, string]>([
    ["the password is another", { password: text("wrong") }, "the password differs"],
    ["the password was empty", { password: Buffer.alloc(0) }, "empty password"],
    ["of a line end", { password: text("secret\n") }, 'with "\\n" behind it'],
    [
      "the Request-URI was hashed",
      { change: { uri: "sip:other" }, hashed: { uri: "sip:home" } },
      "uri: sip:home went",
    ],
    ["another realm was hashed", { hashed: { realm: "" } }, "realm: an empty one"],
    ["nc was hashed without zeros", { hashed: { nc: "1" } }, "nc: 1 went"],
    [
      "nc went on but not in the hash",
      { nc: "00000002", hashed: { nc: "00000001" } },
      "nc: 00000001",
    ],
  ])("%s", (_why, faults, line) => {
    expect(diagnose(BOB, () => faults)).toContain(line);
  });
  test("qop is said and not computed", () => {
    const { auth } = bench();
    const key = attempt(BOB);
    const challenge = first(auth.challenge(key));
    const plain = respond(BOB, challenge, { withoutQop: true });
    const params = new Map(plain.params);
    for (const [name, value] of [
      ["qop", "auth"],
      ["nc", "00000001"],
      ["cnonce", "c"],
    ] as const)
      params.set(name, value);
    expect(diagnosisOf(auth.verify(claim(key, { ...plain, params })))).toContain(
      "the formula without qop was computed",
    );
  });
  test("no diagnosis names a secret", () => {
    expect(diagnose(BOB, () => ({ password: text("secret ") }))).not.toContain("secret");
    expect(diagnose(ALICE, () => ({ password: K }))).not.toContain(K.toString("hex"));
  });
});
