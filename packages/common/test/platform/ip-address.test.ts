// Addresses to octets and back, RFC 4291 §2.2 and RFC 5952.
import { expect, test } from "vitest";
import { addressText, parseIp } from "../../src/platform/ip-address.ts";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"], // RFC 5952 §4.2.2: one zero stays
  ["::", "::"],
  ["::1", "::1"],
  ["fe80::1%eth0", "fe80::1"],
  ["1::", "1::"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
])("%s is %s", (given, canonical) => {
  expect(addressText(parseIp(given) ?? Buffer.alloc(16, 1))).toBe(canonical);
});

test.each([
  "",
  "scscf",
  "1.2.3",
  "1.2.3.256",
  "1.2.3.04",
  "1.2.3.4.5",
  "1:2",
  "::1::",
  "1:2:3:4:5:6:7:8:9",
  "::g",
  "1:2:3:4:5:6:7::8",
])("%j is no address", (text) => {
  expect(parseIp(text)).toBeUndefined();
});
