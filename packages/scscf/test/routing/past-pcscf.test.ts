// A registered device that follows its Service-Route past its P-CSCF: refused, and the log says what to set there. RFC 3608 §5.
import { REG_PACKAGE } from "@ims-lab/common/ims/events";
import { beforeEach, describe, expect, test } from "vitest";
import { Device, DOMAIN, Lab, PCSCF, type Peer } from "../lab.ts";

const CAROL = `sip:carol@${DOMAIN}`;
let lab: Lab;
let phone: Device;
/** At the address of the Contact. */
let device: Peer;

async function start(...argv: readonly string[]): Promise<void> {
  const started = await Lab.start("--pcscf.subscribe=false", ...argv);
  ({ lab } = started);
  phone = new Device(lab, started.pcscf, "phone");
  phone.register();
  device = await lab.peer({ host: "192.0.2.1", port: 5060 });
}
beforeEach(() => start());

type Headers = readonly (readonly [string, string])[];
const routed = (): Headers => [["Route", phone.serviceRoute]];

function refused(peer: Peer, method: string, headers: Headers, user = phone.impu): unknown[] {
  const expires = method === "SUBSCRIBE" ? ([["Expires", "600"]] as const) : [];
  const request = lab.request(peer, method, method === "SUBSCRIBE" ? user : CAROL, user, [
    ["Contact", `<sip:${peer.at.host}:${peer.at.port}>`],
    ...expires,
    ...headers,
  ]);
  expect(lab.exchange(peer, request).status).toBe(403);
  return [...lab.log.named("request.refused")];
}

const PAST = {
  status: 403,
  reason: "past-pcscf",
  why: expect.stringContaining(
    `of phone@${DOMAIN}, registered through the P-CSCF ${PCSCF.host}:${PCSCF.port}`,
  ),
  next: expect.stringContaining("outbound proxy"),
};

describe("told by its Service-Route", () => {
  test.each(["MESSAGE", "INVITE", "OPTIONS", "REFER"])("%s", (method) => {
    const [line, ...more] = refused(device, method, routed());
    expect([line, more]).toMatchObject([PAST, []]);
    expect(JSON.stringify(line)).not.toContain("trustedPeers");
  });
  test("SUBSCRIBE", () => {
    expect(refused(device, "SUBSCRIBE", [...routed(), ["Event", REG_PACKAGE]])).toMatchObject([
      PAST,
    ]);
  });
  test("from another port than it registered with", async () => {
    const other = await lab.peer({ host: "192.0.2.1", port: 49_152 });
    expect(refused(other, "MESSAGE", routed())).toMatchObject([PAST]);
  });
  test("also where devices may come directly: this one has a P-CSCF", async () => {
    await start("--allowDirect");
    expect(refused(device, "MESSAGE", routed())).toMatchObject([PAST]);
  });
  test("said once in ten minutes", () => {
    refused(device, "MESSAGE", routed());
    expect(refused(device, "MESSAGE", routed())).toHaveLength(1);
  });
});

describe("told by its Contact's address", () => {
  test("without Route", () => {
    expect(refused(device, "MESSAGE", [])).toMatchObject([PAST]);
  });
});

describe("a stranger: the advice stays", () => {
  const STRANGER = { reason: "untrusted-peer", setting: "trustedPeers" };
  test("another address", async () => {
    const stranger = await lab.peer({ host: "192.0.2.9", port: 5060 });
    expect(refused(stranger, "MESSAGE", [])).toMatchObject([STRANGER]);
  });
  test("the address, another user", () => {
    expect(refused(device, "MESSAGE", [], CAROL)).toMatchObject([STRANGER]);
  });
  test("a token that is nobody's", async () => {
    const stranger = await lab.peer({ host: "192.0.2.9", port: 5060 });
    const route = [["Route", "<sip:guess@10.1.0.2:6060;lr>"]] as const;
    expect(refused(stranger, "MESSAGE", route)).toMatchObject([STRANGER]);
  });
  test("a user that has left", () => {
    phone.register({ expires: 0, integrity: "ip-assoc-yes" });
    expect(refused(device, "MESSAGE", routed())).toMatchObject([STRANGER]);
  });
});
