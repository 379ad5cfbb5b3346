// RFC 7616 §3.3-3.4, RFC 8760 §2: header values and the choice among challenges.
import {
  type AuthAlgorithm,
  type Challenge,
  chooseChallenge,
  formatAnswer,
  formatChallenge,
  isAka,
  readAnswer,
  readChallenge,
  sameSecret,
} from "@ims-lab/common/sip/auth/challenge";
import { parseAuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { describe, expect, test } from "vitest";

function header(text: string): NonNullable<ReturnType<typeof parseAuthHeader>> {
  const parsed = parseAuthHeader(text);
  if (parsed === undefined) throw new Error(`malformed: ${text}`);
  return parsed;
}

const MD5: Challenge = { realm: "r", nonce: "n", algorithm: "MD5", qop: ["auth"], stale: false };

describe("WWW-Authenticate", () => {
  test("reads what it writes", () => {
    const challenge: Challenge = {
      ...MD5,
      algorithm: "AKAv1-MD5",
      qop: ["auth", "auth-int"],
      opaque: "o",
      stale: true,
      ik: "0".repeat(32),
      ck: "f".repeat(32),
    };
    const text = formatChallenge(challenge);
    expect(text).toContain("algorithm=AKAv1-MD5");
    expect(text).toContain('qop="auth,auth-int"');
    expect(readChallenge(header(text))).toEqual(challenge);
  });
  test.each([
    ["another scheme", 'Basic realm="r",nonce="n"'],
    ["an unknown algorithm (RFC 7616 §3.3)", 'Digest realm="r",nonce="n",algorithm=SHA-1'],
    ["only unknown qops", 'Digest realm="r",nonce="n",qop="auth-conf"'],
    ["no nonce", 'Digest realm="r"'],
    ["no realm", 'Digest nonce="n"'],
  ])("cannot be answered with %s", (_why, text) => {
    expect(readChallenge(header(text))).toBeUndefined();
  });
  test("no algorithm is MD5, no qop is the older formula", () => {
    expect(readChallenge(header('Digest realm="r",nonce="n"'))).toEqual({ ...MD5, qop: [] });
  });
});

describe("which challenge to answer", () => {
  const offer = (...names: AuthAlgorithm[]): Challenge[] =>
    names.map((algorithm) => ({ ...MD5, algorithm }));
  const any = (): boolean => true;
  test("RFC 8760 §2.4: the topmost", () => {
    expect(chooseChallenge(offer("SHA-256", "MD5"), any)?.algorithm).toBe("SHA-256");
    expect(chooseChallenge(offer("MD5", "SHA-256"), any)?.algorithm).toBe("MD5");
  });
  test("RFC 8760 §2.4: the topmost that can be answered", () => {
    const choice = chooseChallenge(offer("AKAv1-MD5", "SHA-256", "MD5"), (name) => !isAka(name));
    expect(choice?.algorithm).toBe("SHA-256");
    expect(chooseChallenge(offer("MD5"), () => false)).toBeUndefined();
  });
  test("RFC 4169 §4: AKAv2 before AKAv1, wherever it stands", () => {
    expect(chooseChallenge(offer("AKAv1-MD5", "AKAv2-SHA-256"), any)?.algorithm).toBe(
      "AKAv2-SHA-256",
    );
  });
});

describe("Authorization", () => {
  const RESPONSE = "0123456789abcdef0123456789ABCDEF";
  const BASE = `Digest username="u",realm="r",nonce="n",uri="sip:d",response="${RESPONSE}"`;
  test("reads what it writes", () => {
    const answer = {
      username: 'a"b\\c',
      realm: "r",
      nonce: "n",
      uri: "sip:d",
      response: RESPONSE.toLowerCase(),
      algorithm: "AKAv1-MD5",
      qop: "auth",
      nc: "00000001",
      cnonce: "c",
      opaque: "o",
      auts: "AAAA",
    } as const;
    expect(readAnswer(header(formatAnswer(answer)))).toEqual(answer);
  });
  test.each([
    ["response of the wrong length", BASE.replace(RESPONSE, "abc"), "bad-parameters"],
    ["response that is no hex", BASE.replace("0123", "zzzz"), "bad-parameters"],
    ["SHA-256 with an MD5 response", `${BASE},algorithm=SHA-256`, "bad-parameters"],
    ["qop without cnonce", `${BASE},qop=auth,nc=00000001`, "bad-parameters"],
    ["qop without nc", `${BASE},qop=auth,cnonce="c"`, "bad-parameters"],
    ["nc of seven digits", `${BASE},qop=auth,cnonce="c",nc=0000001`, "bad-parameters"],
    ["unknown qop", `${BASE},qop=auth-conf,cnonce="c",nc=00000001`, "bad-parameters"],
    ["no username", BASE.replace('username="u",', ""), "bad-parameters"],
    ["another scheme", BASE.replace("Digest", "Basic"), "bad-parameters"],
    ["unknown algorithm", `${BASE},algorithm=SHA3`, "unknown-algorithm"],
  ])("%s is a value, not an exception", (_why, text, kind) => {
    expect(readAnswer(header(text))).toMatchObject({ kind });
  });
  test("TS 24.229 §5.1.1.2: an empty response is an answer without one", () => {
    const empty = readAnswer(header(BASE.replace(RESPONSE, "")));
    expect(empty).toMatchObject({ response: "", nonce: "n" });
  });
});

test("comparison of secrets", () => {
  expect(sameSecret("abc", "abc")).toBe(true);
  expect(sameSecret("abc", "abd")).toBe(false);
  expect(sameSecret("abc", "abcd")).toBe(false);
  expect(sameSecret("", "a")).toBe(false);
});
