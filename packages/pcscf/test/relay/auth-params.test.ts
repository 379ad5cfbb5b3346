// Parameters of credentials and challenges, edited in place.
import { expect, test } from "vitest";
import { withAuthParam, withoutAuthParams } from "../../src/relay/auth-params.ts";

test.each([
  ['Digest realm="r", ik="1",ck="2", nonce="n"', 'Digest realm="r", nonce="n"'],
  ['Digest ik="1", ck="2"', "Digest"],
  ['Digest realm="r",IK = "1",Ck=2', 'Digest realm="r"'],
  ['Digest realm="a,ik=b",ik="1"', 'Digest realm="a,ik=b"'],
  ['Digest realm="a\\",ik=b",ik="1,2"', 'Digest realm="a\\",ik=b"'],
  ['Digest ik="1",realm="r",ik="2"', 'Digest realm="r"'],
  ['Digest realm="r"', 'Digest realm="r"'],
])("%s without ik and ck", (text, expected) => {
  expect(withoutAuthParams(text, ["ik", "ck"])).toBe(expected);
});

test.each([
  ['Digest username="u"', 'Digest username="u",integrity-protected="no"'],
  ['Digest Integrity-Protected=yes,username="u"', 'Digest username="u",integrity-protected="no"'],
  ["Digest integrity-protected=yes", 'Digest integrity-protected="no"'],
  ['Digest username="u,integrity-protected=yes', undefined],
  ['Digest username="u",username="v"', undefined],
])("%s with ours", (text, expected) => {
  expect(withAuthParam(text, "integrity-protected", "no")).toBe(expected);
});
