// No session key reaches a UE or a trace; nothing else changes.
import { expect, test } from "vitest";
import { maskSessionKeys, removeSessionKeys } from "../../../src/sip/auth/session-keys.ts";
import { newRequest, newResponse } from "../../../src/sip/message/message.ts";

const HEAD = 'WWW-Authenticate: Digest realm="ims", nonce="a/ck=", opaque="ik=1"';

const AKA = 'Digest realm="ims", nonce="a/ck=", algorithm=AKAv1-MD5';
const MD5 = 'Digest realm="ims", nonce="n", algorithm=MD5';

test.each([
  [[`${AKA}, ik="0123", ck="abcd"`], [AKA]],
  [[`${AKA},ik="0",IK = "1" , ck=2`], [AKA]],
  [
    [MD5, `${AKA}, ck="abcd"`],
    [MD5, AKA],
  ],
  [
    [MD5, AKA],
    [MD5, AKA],
  ],
  [['Digest ik="never closed'], ["Digest"]],
  [[MD5, 'Digest realm="a" "ik="0"'], [MD5]], // unreadable: it may hide one
])("TS 24.229 §5.2.2.1: challenges %j reach the UE as %j", (challenges, shown) => {
  const request = newRequest("REGISTER", "sip:ims.example", [
    ["Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"],
    ["From", "<sip:a@ims.example>;tag=1"],
    ["To", "<sip:a@ims.example>"],
    ["Call-ID", "c"],
    ["CSeq", "1 REGISTER"],
  ]);
  const headers = challenges.map((value) => ["WWW-Authenticate", value] as const);
  const response = newResponse(request, 401, { headers });
  removeSessionKeys(response);
  expect(response.texts("WWW-Authenticate")).toEqual(shown);
});

test.each([
  [`${HEAD}, ik="0123", ck="abcd"\r\n`, `${HEAD}, ik="xxxx", ck="xxxx"\r\n`],
  ['IK = "00ff"', 'IK = "xxxx"'],
  ["ik=00ff,ck=00", "ik=xxxx,ck=xx"],
  ['ck=\r\n "00ff"', 'ck=\r\n "xxxx"'],
  ['ik=""', 'ik=""'],
  ['ik="00ff', 'ik="xxxx'], // cut off
])("%j", (text, masked) => {
  expect(maskSessionKeys(Buffer.from(text)).toString()).toBe(masked);
});

test("without a key the very same octets come back", () => {
  const bytes = Buffer.from('\u00ff pick="1" tick=2 ik ; nonce="a"', "latin1");
  expect(maskSessionKeys(bytes)).toBe(bytes);
});
