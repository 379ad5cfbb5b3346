// No session key reaches a trace; nothing else changes.
import { expect, test } from "vitest";
import { maskKeys } from "../../src/trace/mask-keys.ts";

const HEAD = 'WWW-Authenticate: Digest realm="ims", nonce="a/ck=", opaque="ik=1"';

test.each([
  [`${HEAD}, ik="0123", ck="abcd"\r\n`, `${HEAD}, ik="xxxx", ck="xxxx"\r\n`],
  ['IK = "00ff"', 'IK = "xxxx"'],
  ["ik=00ff,ck=00", "ik=xxxx,ck=xx"],
  ['ck=\r\n "00ff"', 'ck=\r\n "xxxx"'],
  ['ik=""', 'ik=""'],
  ['ik="00ff', 'ik="xxxx'], // cut off
])("%j", (text, masked) => {
  expect(maskKeys(Buffer.from(text)).toString()).toBe(masked);
});

test("without a key the very same octets come back", () => {
  const bytes = Buffer.from('\u00ff pick="1" tick=2 ik ; nonce="a"', "latin1");
  expect(maskKeys(bytes)).toBe(bytes);
});
