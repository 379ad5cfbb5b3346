// RFC 5630 §5.3: sips: all the way or not at all.
import { expect, test } from "vitest";
import { newRequest, type SipRequest } from "../../../src/sip/message/message.ts";
import { isSecured, mayReach, sameSchemeAs } from "../../../src/sip/proxy/secured.ts";

const to = (uri: string): SipRequest => newRequest("INVITE", uri, []);

test.each([
  ["sips:b@x", "sips:c@y", true, "sips:c@y"],
  ["SIPS:b@x", "SIPS:c@y", true, "SIPS:c@y"],
  ["sips:b@x", "sip:c@y", false, "sip:c@y"],
  ["sip:b@x", "sip:c@y;transport=tcp", true, "sip:c@y;transport=tcp"],
  ["sip:b@x", "sips:c@y", true, "sip:c@y"],
  ["tel:+1555", "sips:c@y", true, "sip:c@y"],
])("%s to %s: %s, as %s", (uri, contact, may, shown) => {
  expect(mayReach(to(uri), contact)).toBe(may);
  expect(sameSchemeAs(to(uri), contact)).toBe(shown);
});

test("only the scheme counts", () => {
  expect(isSecured("sip:sips:@x")).toBe(false);
  expect(isSecured("<sips:a@x>")).toBe(false);
});
