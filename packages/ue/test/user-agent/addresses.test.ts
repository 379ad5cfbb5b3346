// The scheme of a UE's own URIs is its identity's. RFC 3261 §8.1.1.8, RFC 5630 §5.1.1.
import { expect, test } from "vitest";
import { contactUri, mayCall, proxyRoute, registrarUri } from "../../src/user-agent/addresses.ts";

const at = { host: "192.0.2.7", port: 5064 };

test.each([
  ["sip:a@x", "udp", "sip:u@192.0.2.7:5064", "<sip:192.0.2.7:5064;lr>"],
  ["sip:a@x", "tcp", "sip:u@192.0.2.7:5064;transport=tcp", "<sip:192.0.2.7:5064;transport=tcp;lr>"],
  ["sip:a@x", "tls", "sip:u@192.0.2.7:5064;transport=tcp", "<sip:192.0.2.7:5064;transport=tcp;lr>"],
  ["sip:a@x", "wss", "sip:u@192.0.2.7:5064;transport=ws", "<sip:192.0.2.7:5064;transport=ws;lr>"],
  [
    "tel:+1555",
    "tls",
    "sip:u@192.0.2.7:5064;transport=tcp",
    "<sip:192.0.2.7:5064;transport=tcp;lr>",
  ],
  [
    "sips:a@x",
    "tls",
    "sips:u@192.0.2.7:5064;transport=tcp",
    "<sips:192.0.2.7:5064;transport=tcp;lr>",
  ],
  [
    "sips:a@x",
    "wss",
    "sips:u@192.0.2.7:5064;transport=ws",
    "<sips:192.0.2.7:5064;transport=ws;lr>",
  ],
] as const)("%s over %s: Contact %s, Route %s", (impu, transport, contact, route) => {
  expect(contactUri(impu, "u", { ...at, transport })).toBe(contact);
  expect(proxyRoute(impu, { ...at, transport })).toBe(route);
});

test("an IPv6 address stands in brackets", () => {
  const place = { host: "2001:db8::7", port: 5060, transport: "udp" } as const;
  expect(contactUri("sip:a@x", "u", place)).toBe("sip:u@[2001:db8::7]:5060");
});

test("the registrar is asked by the same scheme", () => {
  expect(registrarUri("sip:a@x", "home")).toBe("sip:home");
  expect(registrarUri("sips:a@x", "home")).toBe("sips:home");
});

test("only a sips: identity calls sips:", () => {
  expect(mayCall("sip:a@x", "sips:b@x")).toBe(false);
  expect(mayCall("sips:a@x", "sips:b@x")).toBe(true);
  expect(mayCall("sips:a@x", "sip:b@x")).toBe(true);
});
