// RFC 3310, RFC 7616, RFC 8760: the Authorization value that a UE makes of a 401.
import { newSqnWindow } from "@ims-lab/common/ims/sqn";
import { type AuthHeader, parseAuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { describe, expect, test } from "vitest";
import { answerChallenge, type ChallengeResult, type Secret } from "../../src/isim/answer.ts";
import { Isim, type IsimFaults } from "../../src/isim/isim.ts";
import { memorySqnStore } from "../../src/isim/sqn-store.ts";
import { UserCredentials } from "../../src/isim/user-credentials.ts";

const IMPI = "user1_private@home1.net";
const REALM = "registrar.home1.net";
const URI = "sip:registrar.home1.net";
const NONCE = "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=";
const REQUEST = { method: "REGISTER", uri: URI, cnonce: "0a4f113b" };

function isim(highest = 0xff9bb4d0b5e7): Secret {
  const k = Buffer.from("465b5ce8b199b49faa5f0a2ee238a6bc", "hex");
  const opc = Buffer.from("cd63cb71954a9f4e48a5994e37a02baf", "hex");
  const card = new Isim(k, opc, memorySqnStore(newSqnWindow(highest)));
  return { scheme: "aka", impi: IMPI, isim: card };
}

const BOB: Secret = { scheme: "digest", impi: "bob", password: Buffer.from("zanzibar") };

function header(text: string): AuthHeader {
  const parsed = parseAuthHeader(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function aka(algorithm = "AKAv1-MD5", qop = 'qop="auth",', nonce = NONCE): AuthHeader {
  return header(`Digest realm="${REALM}",nonce="${nonce}",${qop}algorithm=${algorithm}`);
}

function password(algorithm: string): AuthHeader {
  return header(
    `Digest realm="biloxi.com",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",qop="auth",algorithm=${algorithm},opaque="o"`,
  );
}

function paramsOf(result: ChallengeResult): AuthHeader["params"] {
  if (result.kind === "no-usable-challenge") throw new Error(result.why);
  return header(result.authorization).params;
}

const withAka = (
  challenge: AuthHeader,
  secret = isim(),
  faults: IsimFaults = {},
): ChallengeResult => answerChallenge(secret, [challenge], REQUEST, faults);

describe("RFC 3310 §3.3, RFC 4169: AKA", () => {
  test.each([
    ["AKAv1-MD5", 'qop="auth",', "auth"],
    ["AKAv1-MD5", "", undefined],
    ["AKAv2-MD5", 'qop="auth",', "auth"],
    ["AKAv2-SHA-256", 'qop="auth-int,auth",', "auth"],
  ])("%s with %s", (algorithm, qop, chosen) => {
    const result = withAka(aka(algorithm, qop));
    const params = paramsOf(result);
    expect(result.kind).toBe("answered");
    expect(params.get("qop")).toBe(chosen);
    expect(params.get("nc")).toBe(chosen && "00000001");
    expect(params.get("algorithm")).toBe(algorithm);
    expect(params.get("nonce")).toBe(NONCE);
  });
  test("the response of set 1 without qop", () => {
    expect(paramsOf(withAka(aka("AKAv1-MD5", ""))).get("response")).toBe(
      "80c87c24062c9d0e0c60756e7b4586c6",
    );
  });
  test("§3.4: AUTS, and the response of an empty password", () => {
    const result = withAka(aka(), isim(0xff9bb4d0b627));
    const params = paramsOf(result);
    expect(result.kind).toBe("sync-failure");
    expect(params.get("auts")).toBe("uoU/PBIctV7bggBAq0E=");
    expect(params.get("response")).toBe("e62e40cb093c1cae5f20fe7b9689ee24");
  });
  test("TS 24.229 §5.1.1.5.3: a wrong MAC gets an empty response without AUTS", () => {
    const forged = Buffer.from(NONCE, "base64");
    forged[31] = (forged[31] ?? 0) ^ 1;
    const result = withAka(aka("AKAv1-MD5", 'qop="auth",', forged.toString("base64")));
    const params = paramsOf(result);
    expect(result.kind).toBe("mac-failure");
    expect(params.get("response")).toBe("");
    expect(params.has("auts")).toBe(false);
  });
  test.each(["AAAA", "not base64 at all"])("nonce %j cannot be used", (nonce) => {
    expect(withAka(aka("AKAv1-MD5", "", nonce)).kind).toBe("no-usable-challenge");
  });
});

describe("which challenge", () => {
  test("RFC 8760 §2.4: the topmost that is understood", () => {
    const offered = ["SHA3-512", "SHA-256", "MD5"].map(password);
    const params = paramsOf(answerChallenge(BOB, offered, REQUEST));
    expect(params.get("algorithm")).toBe("SHA-256");
    expect(params.get("response")).toHaveLength(64);
    expect(params.get("opaque")).toBe("o");
  });
  test("an ISIM passes over passwords, a password over AKA", () => {
    const both = [password("MD5"), aka()];
    const biloxi = { ...REQUEST, uri: "sip:registrar.biloxi.com" };
    expect(paramsOf(answerChallenge(isim(), both, REQUEST)).get("algorithm")).toBe("AKAv1-MD5");
    expect(paramsOf(answerChallenge(BOB, both, biloxi)).get("response")).toBe(
      "18bca9e68292c17f88f06f7ac8266723",
    );
  });
  test("none", () => {
    expect(answerChallenge(BOB, [aka()], REQUEST)).toEqual({
      kind: "no-usable-challenge",
      why: "challenged for AKAv1-MD5, a password cannot answer that",
    });
    expect(answerChallenge(BOB, [], REQUEST).kind).toBe("no-usable-challenge");
  });
});

describe("the registration's credentials", () => {
  const request = { method: "REGISTER", uri: URI };
  const make = (secret: Secret, faults: IsimFaults = {}): UserCredentials =>
    new UserCredentials({ secret, realm: REALM, random: seededRandom(1), faults: () => faults });

  test("TS 24.229 §5.1.1.2: at first an empty nonce and response", () => {
    const { params } = header(make(isim()).unprompted(request));
    expect(params.get("username")).toBe(IMPI);
    expect(params.get("realm")).toBe(REALM);
    expect(params.get("nonce")).toBe("");
    expect(params.get("response")).toBe("");
  });
  test("TS 24.229 §5.1.1.4: then the last nonce and response, for an ISIM as they were", () => {
    const credentials = make(isim());
    const answer = credentials.answer([aka()], request);
    expect(answer.verdict).toBe("valid");
    expect(credentials.unprompted(request)).toBe(
      answer.verdict === "valid" && answer.authorization,
    );
  });
  test("RFC 7616 §3.4: for a password with the next nc", () => {
    const credentials = make(BOB);
    credentials.answer([password("MD5")], request);
    for (const nc of ["00000002", "00000003"])
      expect(header(credentials.unprompted(request)).params.get("nc")).toBe(nc);
  });
  test("RFC 7616 §3.4: nc goes on where the network comes back to a nonce, whatever was in between", () => {
    const credentials = make(BOB);
    const ncOf = (authorization: string): string | undefined =>
      header(authorization).params.get("nc");
    const answered = (nonce: string): string | undefined => {
      const challenge = `Digest realm="${REALM}",nonce="${nonce}",qop="auth",algorithm=MD5`;
      const parsed = parseAuthHeader(challenge);
      const answer = credentials.answer(parsed === undefined ? [] : [parsed], request);
      return answer.verdict === "unusable" ? undefined : ncOf(answer.authorization);
    };
    expect(answered("a")).toBe("00000001");
    expect(ncOf(credentials.unprompted(request))).toBe("00000002");
    expect(answered("a")).toBe("00000003");
    expect(answered("b")).toBe("00000001");
    expect(answered("a")).toBe("00000004");
    credentials.refused();
    credentials.unprompted(request, true);
    expect(answered("a")).toBe("00000005");
    for (let n = 0; n < 100; n++) answered(`other ${n}`);
    expect(answered("other 99")).toBe("00000002");
  });
  test.each<[IsimFaults, string]>([
    [{}, "valid"],
    [{ wrongRes: true }, "valid"],
    [{ forceAuts: true }, "invalid"],
    [{ rejectAutn: true }, "invalid"],
  ])("with %j the challenge is %s", (faults, verdict) => {
    expect(make(isim(), faults).answer([aka()], request).verdict).toBe(verdict);
  });
  test("a challenge nobody can answer is unusable", () => {
    expect(make(BOB).answer([aka()], request).verdict).toBe("unusable");
  });
});
