// Parameters of credentials and challenges, edited in place.
import { expect, test } from "vitest";
import { authParamFilter } from "../../../src/sip/auth/auth-params.ts";

test.each([
  ['Digest realm="r", ik="1",ck="2", nonce="n"', 'Digest realm="r", nonce="n"'],
  ['Digest ik="1", ck="2"', "Digest"],
  ['Digest realm="r",IK = "1",Ck=2', 'Digest realm="r"'],
  ['Digest realm="a,ik=b",ik="1"', 'Digest realm="a,ik=b"'],
  ['Digest realm="a\\",ik=b",ik="1,2"', 'Digest realm="a\\",ik=b"'],
  ['Digest ik="1",realm="r",ik="2"', 'Digest realm="r"'],
  ['Digest realm="r"', 'Digest realm="r"'],
  ["Digest ik", "Digest"],
  ['Digest nonce="n",\r\n\tcK\t=\t"2"', 'Digest nonce="n"'],
  ['Digest kick="1", ik-2="1", nonce="ik ck="', 'Digest kick="1", ik-2="1", nonce="ik ck="'],
])("%s without ik and ck", (text, expected) => {
  expect(authParamFilter(["ik", "ck"])(text)).toBe(expected);
});
