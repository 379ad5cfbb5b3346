// The edge of the trust domain, header by header. RFC 3325 §5, RFC 7315 §6.4, TS 24.229 §4.4.
import { removeClaims, removeNetworkOnly } from "@ims-lab/common/ims/trust-domain";
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { expect, test } from "vitest";

function carrying(...headers: [string, string][]): SipRequest {
  return newRequest("MESSAGE", "sip:bob@ims.example", headers);
}

test.each([
  ["id", false],
  ["header; ID ;critical", false],
  ["none", true],
  ["identity", true],
])("Privacy: %s: P-Asserted-Identity stays: %s", (privacy, stays) => {
  const message = carrying(["Privacy", privacy], ["P-Asserted-Identity", "<sip:a@ims.example>"]);
  removeNetworkOnly(message);
  expect(message.has("P-Asserted-Identity")).toBe(stays);
});

test("Privacy in two lines, id in the second", () => {
  const message = carrying(["Privacy", "header"], ["Privacy", "id"]);
  message.set("P-Asserted-Identity", "<sip:a@ims.example>");
  removeNetworkOnly(message);
  expect(message.has("P-Asserted-Identity")).toBe(false);
});

test.each(["P-Asserted-Service", "P-Charging-Vector", "P-Access-Network-Info"])(
  "%s is not shown outside",
  (name) => {
    const message = carrying([name, "x"]);
    removeNetworkOnly(message);
    expect(message.has(name)).toBe(false);
  },
);

test("RFC 6050: nobody outside asserts a service; preferring one is his right", () => {
  const message = carrying(["P-Asserted-Service", "urn:x"], ["P-Preferred-Service", "urn:x"]);
  expect(removeClaims(message)).toEqual(["P-Asserted-Service"]);
  expect(message.has("P-Preferred-Service")).toBe(true);
});

test("TS 24.229 §4.4: of P-Access-Network-Info only what the network provides is taken out", () => {
  const message = carrying(
    ["P-Access-Network-Info", "IEEE-802.11;network-provided"],
    ["P-Access-Network-Info", "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1"],
  );
  expect(removeClaims(message)).toEqual(["P-Access-Network-Info"]);
  expect(message.texts("P-Access-Network-Info")).toEqual(["3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1"]);
});

test("Remote-Party-ID: an identity that nobody has asserted does not pass", () => {
  const message = carrying(["Remote-Party-ID", '"Bob" <sip:bob@ims.example>;party=calling']);
  expect(removeClaims(message)).toEqual(["Remote-Party-ID"]);
  expect(message.has("Remote-Party-ID")).toBe(false);
});
