// RFC 3327 §4: Path values are read in one place.
import { expect, test } from "vitest";
import { placeOfPath, sipUriOfPath, uriTextOfPath } from "../../src/ims/path.ts";

test.each([
  ["<sip:token@10.1.0.1:4060;lr>", "sip:token@10.1.0.1:4060;lr", "token", "10.1.0.1:4060"],
  ["<sip:10.1.0.1;lr>;ob", "sip:10.1.0.1;lr", undefined, "10.1.0.1:5060"],
  ['"a <b>" <sips:t@pcscf.example;lr>', "sips:t@pcscf.example;lr", "t", "pcscf.example:5060"],
  ["<sip:t@[2001:db8::1]:4060;lr>", "sip:t@[2001:db8::1]:4060;lr", "t", "2001:db8::1:4060"],
  ["<tel:+15550001>", "tel:+15550001", undefined, undefined],
  ["<sip:never closed", "<sip:never closed", undefined, undefined],
  ["", "", undefined, undefined],
])("%s", (value, text, user, place) => {
  expect(uriTextOfPath(value)).toBe(text);
  expect(sipUriOfPath(value)?.user).toBe(user);
  expect(placeOfPath(value)).toBe(place);
});
