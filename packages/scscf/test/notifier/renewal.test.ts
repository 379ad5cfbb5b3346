// A subscription at the S-CSCF is renewed: who it is when nobody asserts it. RFC 6665 §4.2.1.2, TS 24.229 §5.4.2.1.1.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { beforeEach, describe, expect, test } from "vitest";
import { BOB, Device, DOMAIN, Lab, PCSCF, type Peer } from "../lab.ts";

const SERVER = `sip:as@${DOMAIN}`;
const EDGE = `sip:${PCSCF.host}:${PCSCF.port}`;

let lab: Lab;
let pcscf: Peer;
beforeEach(async () => {
  const argv = ["--pcscf.subscribe=false", `--applicationServers=${SERVER}`];
  ({ lab, pcscf } = await Lab.start(...argv));
});

/** Bob is registered; somebody has subscribed to it. */
function subscribed(event: string, as?: string, contact = as): { bob: Device; to: string } {
  const bob = new Device(lab, pcscf, "bob");
  expect(bob.register().status).toBe(200);
  const asserted = as === undefined ? [] : [["P-Asserted-Identity", `<${as}>`] as const];
  const at = contact === undefined ? [] : [["Contact", `<${contact}>`] as const];
  const response = bob.subscribe(event, 3600, [...asserted, ...at]);
  expect(response.status).toBe(200);
  return { bob, to: response.text("To") ?? "" };
}

/** The next SUBSCRIBE of that dialog; `asserted` undefined: no P-Asserted-Identity. */
function renew(
  event: string,
  { bob, to }: { bob: Device; to: string },
  asserted?: string,
  peer = pcscf,
  changed: readonly (readonly [string, string])[] = [],
): SipResponse {
  const who = asserted === undefined ? [] : [["P-Asserted-Identity", asserted] as const];
  const request = lab.request(peer, "SUBSCRIBE", "sip:10.1.0.2:6060", bob.impu, [
    ["Call-ID", `sub-${event}-${bob.callId}`],
    ["CSeq", "2 SUBSCRIBE"],
    ["To", to],
    ["Contact", bob.contact],
    ["Event", event],
    ["Expires", "3600"],
    ...who,
    ...changed,
  ]);
  return lab.exchange(peer, request);
}

describe("without P-Asserted-Identity, from a peer we trust", () => {
  test.each([
    ["the device, own package", OWN_PACKAGE, undefined, undefined],
    ["the device, reg", REG_PACKAGE, undefined, undefined],
    ["the P-CSCF of its Path", REG_PACKAGE, EDGE, EDGE],
    ["an application server", REG_PACKAGE, SERVER, "sip:10.1.0.7:5060"],
    ["a device that nothing ties to a binding", REG_PACKAGE, BOB, "sip:10.1.0.8:5060"],
  ])("%s: 200, and a NOTIFY", (_, event, as, contact) => {
    const dialog = subscribed(event, as, contact);
    pcscf.take("NOTIFY");
    const response = renew(event, dialog);
    expect(response.status).toBe(200);
    expect(Number(response.text("Expires"))).toBeGreaterThan(0);
    expect(pcscf.take("NOTIFY")).toHaveLength(1);
    expect(lab.scscf.notifier.size).toBe(1);
  });
  test("the device's is raised to the registration's life, as the first was", () => {
    const dialog = subscribed(OWN_PACKAGE);
    expect(renew(OWN_PACKAGE, dialog, undefined, pcscf, [["Expires", "60"]]).text("Expires")).toBe(
      "3600",
    );
  });
  test("Expires 0 ends it", () => {
    const dialog = subscribed(REG_PACKAGE);
    expect(renew(REG_PACKAGE, dialog, undefined, pcscf, [["Expires", "0"]]).status).toBe(200);
    expect(lab.scscf.notifier.size).toBe(0);
  });
  test("outside a dialog: 403 as before", () => {
    const dialog = subscribed(REG_PACKAGE);
    const initial = [
      ["To", `<${BOB}>`],
      ["Call-ID", "other"],
    ] as const;
    const request = lab.request(pcscf, "SUBSCRIBE", BOB, BOB, [
      ...initial,
      ["Contact", dialog.bob.contact],
      ["Event", REG_PACKAGE],
      ["Expires", "3600"],
    ]);
    expect(lab.exchange(pcscf, request).status).toBe(403);
  });
  test.each([
    ["To tag", "To", `<${BOB}>;tag=guessed`],
    ["From tag", "From", `<${BOB}>;tag=guessed`],
    ["Call-ID", "Call-ID", "guessed"],
    ["package", "Event", OWN_PACKAGE],
  ])("in another dialog (%s): 481", (_, header, value) => {
    const dialog = subscribed(REG_PACKAGE);
    expect(renew(REG_PACKAGE, dialog, undefined, pcscf, [[header, value]]).status).toBe(481);
  });
});

describe("with P-Asserted-Identity", () => {
  test.each([
    ["the user", `<${BOB}>`, 200],
    ["another identity of the user", `<sip:robert@${DOMAIN}>`, 200],
    ["another user", `<sip:carol@${DOMAIN}>`, 403],
    ["a barred identity", `<sip:secret@${DOMAIN}>`, 403],
  ])("%s", (_, asserted, status) => {
    const dialog = subscribed(REG_PACKAGE);
    expect(renew(REG_PACKAGE, dialog, asserted).status).toBe(status);
  });
});

describe("from a peer we do not trust", () => {
  const stranger = (): Promise<Peer> => lab.peer({ host: "192.0.2.9", port: 5060 });
  test("403, whatever it knows of the dialog", async () => {
    const dialog = subscribed(REG_PACKAGE);
    expect(renew(REG_PACKAGE, dialog, undefined, await stranger()).status).toBe(403);
  });
  test("where devices may come directly: 403 too, unless the user has registered from there", async () => {
    ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false", "--allowDirect"));
    const dialog = subscribed(REG_PACKAGE);
    expect(renew(REG_PACKAGE, dialog, undefined, await stranger()).status).toBe(403);
  });
});
