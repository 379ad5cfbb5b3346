// RFC 7616 §3.4, RFC 8760: every vector, and inputs that must not give the right answer.
import { createHmac } from "node:crypto";
import { digestAlgorithm, digestResponse, hashedA1 } from "@ims-lab/common/sip/auth/digest";
import { hmacSha256 } from "@ims-lab/common/sip/auth/hmac";
import { describe, expect, test } from "vitest";
import { inputOf, mustNotMatch, vectors } from "./vectors.ts";

test("the vectors are there", () => {
  expect(vectors.length).toBeGreaterThan(20);
  expect(mustNotMatch.length).toBeGreaterThan(3);
});

describe("RFC 7616 §3.4.1: response and H(A1) of", () => {
  test.each(vectors.map((vector) => [vector.id, vector] as const))("%s", (_id, vector) => {
    const input = inputOf(vector);
    expect(hashedA1(input)).toBe(vector.ha1);
    expect(digestResponse(input)).toBe(vector.response);
  });
});

test.each(mustNotMatch.map((vector) => [vector.id, vector] as const))(
  "not right: %s",
  (_, wrong) => {
    expect(digestResponse(inputOf(wrong))).not.toBe(wrong.notResponse);
  },
);

test("RFC 3261 §7.3.1: algorithm tokens compare without case, unknown ones are undefined", () => {
  expect(digestAlgorithm("md5")).toBe("MD5");
  expect(digestAlgorithm("sha-512-256-SESS")).toBe("SHA-512-256-sess");
  expect(digestAlgorithm("SHA-1")).toBeUndefined();
});

test.each([0, 20, 64, 65, 200])("RFC 2104: HMAC-SHA-256 with a key of %i octets", (length) => {
  const key = Buffer.alloc(length, 0xa7);
  for (const text of ["", "what", "\xfe", "w".repeat(300)]) {
    const digest = createHmac("sha256", key).update(text, "latin1").digest("base64url");
    expect(hmacSha256(key)(text)).toBe(digest);
  }
});
