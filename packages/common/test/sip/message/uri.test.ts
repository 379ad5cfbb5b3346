// RFC 3261 §19.1: URIs are read, compared and filed as the RFC's own examples say.
import {
  aorOf,
  formatUri,
  isSip,
  parseUri,
  sameUri,
  type Uri,
} from "@ims-lab/common/sip/message/uri";
import { describe, expect, it } from "vitest";

function uri(text: string): Uri {
  const parsed = parseUri(text);
  if (parsed === undefined) throw new Error(`malformed: ${text}`);
  return parsed;
}

describe("§19.1.3 examples", () => {
  it.each([
    "sip:alice@atlanta.com",
    "sip:alice:secretword@atlanta.com;transport=tcp",
    "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
    "sip:+1-212-555-1212:1234@gateway.com;user=phone",
    "sips:1212@gateway.com",
    "sip:alice@192.0.2.4",
    "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
    "sip:alice;day=tuesday@atlanta.com",
    "sip:[2001:db8::10]:5070;lr",
    "tel:+1-201-555-0123;phone-context=example.com",
    "urn:service:sos",
  ])("%s", (text) => {
    expect(formatUri(uri(text))).toBe(text);
  });
});

describe("§19.1.4 equivalence", () => {
  it.each([
    ["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"],
    [
      "sip:biloxi.com;transport=tcp;method=REGISTER",
      "sip:biloxi.com;method=REGISTER;transport=tcp",
    ],
    ["sip:alice@atlanta.com?subject=a&priority=b", "sip:alice@atlanta.com?priority=b&subject=a"],
    [
      "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
      "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ],
    [
      "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
      "sip:alice@atlanta.com?priority=urgent&Subject=project%20x",
    ],
    ["sip:a@b;transport=%75DP", "sip:a@b;TRANSPORT=udp"],
    ["sip:a%3bb@h", "sip:a%3Bb@h"],
    ["sip:a:%70w@b", "sip:a:pw@b"],
    ["sip:a@b;lr", "sip:a@b"],
    ["sip:a@b;ob", "sip:a@b;x=1"],
    ["sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0:0:0:0:0:1]"], // RFC 5954 §4.2
    ["tel:+1-201-555-0123", "tel:+12015550123"],
  ])("%s is %s", (a, b) => {
    expect(sameUri(uri(a), uri(b))).toBe(true);
  });

  it.each([
    ["SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"],
    ["sip:a@b", "sips:a@b"],
    ["sip:a@b:5060", "sip:a@b:5061"],
    ["sip:a@b;user=ip", "sip:a@b"],
    ["sip:a@b;user=phone", "sip:a@b;user=ip"],
    ["sip:a@b;ttl=1", "sip:a@b"],
    ["sip:a@b;method=INVITE", "sip:a@b"],
    ["sip:a@b;maddr=b", "sip:a@b"],
    ["sip:a@b;transport=tcp", "sip:a@b;transport=udp"],
    ["sip:a@b", "sip:b"],
    ["sip:a:x@b", "sip:a@b"],
    ["sip:a:x@b", "sip:a:X@b"],
    ["sip:a%3Bb@h", "sip:a;b@h"], // reserved: its escape is another character
    ["sip:%2B1@h", "sip:+1@h"],
    ["sip:a@b?x=1", "sip:a@b?x=2"],
    ["sip:a@b?x=1", "sip:a@b?x=1&x=1"],
    ["sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]"],
  ])("%s is not %s", (a, b) => {
    expect(sameUri(uri(a), uri(b))).toBe(false);
  });
});

describe("§10.3 step 5 canonical form", () => {
  it.each([
    ["sip:%61lice@Atlanta.COM;transport=tcp", "sip:alice@atlanta.com"],
    ["sip:alice@atlanta.com:5070", "sip:alice@atlanta.com:5070"],
    ["sips:alice@atlanta.com", "sip:alice@atlanta.com"], // RFC 5630 §5.2
    ["tel:+1-555-0001;ext=3", "tel:+15550001"],
  ])("%s is filed as %s", (text, aor) => {
    expect(aorOf(uri(text))).toBe(aor);
  });
});

describe("malformed", () => {
  it.each([
    "",
    "sip:",
    "sip:@b",
    "sip:a@",
    "sip:a@b:x",
    "sip:a@b:99999",
    "sip:a b@c",
    "sip:a@b;;c",
    "tel:",
    "1x:y",
    "sip:[::1",
    "<sip:a@b>",
  ])("%j", (text) => {
    expect(parseUri(text)).toBeUndefined();
  });

  it("keeps what it cannot read of another scheme as text", () => {
    expect(isSip(uri("nobodyKnowsThisScheme:totallyopaquecontent"))).toBe(false);
  });
});
