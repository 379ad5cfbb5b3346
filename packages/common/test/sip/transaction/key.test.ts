// Messages of one transaction: RFC 3261 §17.1.3, §17.2.3.
import { expect, test } from "vitest";
import { Via } from "../../../src/sip/message/fields.ts";
import { newRequest, type SipRequest } from "../../../src/sip/message/message.ts";
import { cancelledKey, clientKey, serverKey } from "../../../src/sip/transaction/key.ts";

interface Parts {
  via?: string;
  method?: string;
  toTag?: string;
  callId?: string;
}

function request({ via = "", method = "INVITE", toTag = "", callId = "c1" }: Parts): SipRequest {
  return newRequest(method, "sip:bob@example.com", [
    ["Via", `SIP/2.0/UDP ${via}`],
    ["From", "<sip:alice@example.com>;tag=f1"],
    ["To", `<sip:bob@example.com>${toTag}`],
    ["Call-ID", callId],
    ["CSeq", `7 ${method}`],
  ]);
}

function keyOf(parts: Parts, key = serverKey): string {
  const message = request(parts);
  const via = message.get(Via);
  if (via === undefined) throw new Error("malformed Via");
  return key(message, via);
}

const modern = "pc33.example.com:5070;branch=z9hG4bKabc";
const old = "pc33.example.com:5070;branch=1";

test("§17.2.3: branch, sent-by and method make the key, and nothing else", () => {
  expect(keyOf({ via: modern, callId: "other" })).toBe(keyOf({ via: modern }));
  expect(keyOf({ via: modern.toUpperCase().replace("Z9HG4BKABC", "z9hG4bKabc") })).toBe(
    keyOf({ via: modern }),
  );
  expect(keyOf({ via: modern, method: "BYE" })).not.toBe(keyOf({ via: modern }));
  expect(keyOf({ via: modern.replace("5070", "5071") })).not.toBe(keyOf({ via: modern }));
  expect(keyOf({ via: modern.replace("abc", "abd") })).not.toBe(keyOf({ via: modern }));
});

test("§17.2.3: the ACK of a failure response belongs to its INVITE, a CANCEL refers to it", () => {
  expect(keyOf({ via: modern, method: "ACK", toTag: ";tag=t" })).toBe(keyOf({ via: modern }));
  expect(keyOf({ via: modern, method: "CANCEL" })).not.toBe(keyOf({ via: modern }));
  expect(keyOf({ via: modern, method: "CANCEL" }, cancelledKey)).toBe(keyOf({ via: modern }));
});

test("§17.2.3: without the cookie the RFC 2543 fields decide", () => {
  expect(keyOf({ via: old, callId: "other" })).not.toBe(keyOf({ via: old }));
  expect(keyOf({ via: old, method: "ACK", toTag: ";tag=t" })).toBe(keyOf({ via: old }));
  expect(keyOf({ via: "pc33.example.com:5070" })).not.toBe(keyOf({ via: old }));
});

test("§17.1.3: a CANCEL shares its branch with the INVITE, not its transaction", () => {
  expect(clientKey("z9hG4bKx", "INVITE")).not.toBe(clientKey("z9hG4bKx", "CANCEL"));
});
