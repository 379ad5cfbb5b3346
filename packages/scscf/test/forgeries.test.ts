// Forgeries: what somebody claims who may not claim it changes nothing.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import { beforeEach, describe, expect, test } from "vitest";
import { Device, DOMAIN, Lab, PCSCF, type Peer, SCSCF } from "./lab.ts";

let lab: Lab;
let pcscf: Peer;
let bob: Device;
async function start(...argv: readonly string[]): Promise<void> {
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false", ...argv));
  bob = new Device(lab, pcscf, "bob");
}
beforeEach(() => start());
const stranger = (): Promise<Peer> => lab.peer({ host: "192.0.2.9", port: 5060 });
const only = (): object | undefined => [...lab.scscf.bindings.all()][0];

describe("a trusted address", () => {
  test("over UDP counts with its port, whatever the Via says", async () => {
    const neighbour = await lab.peer({ host: PCSCF.host, port: 4061 });
    const via = `SIP/2.0/UDP ${PCSCF.host}:${PCSCF.port};branch=z9hG4bK-forged;rport`;
    const forger = new Device(lab, neighbour, "bob");
    expect(forger.register({ headers: [["Via", via]] }).status).toBe(403);
  });
});

describe("while a re-authentication is due", () => {
  function asked(): string {
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
    const [one] = lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
    lab.run();
    return one?.id ?? "";
  }
  const progress = (id: string): unknown => lab.scscf.reauthentications.get(id)?.progress;

  test("integrity-protected=no is not the own flow, even with the victim's Call-ID", () => {
    const id = asked();
    const before = only();
    expect(bob.register({ integrity: "no", silent: true }).status).toBe(401);
    expect(progress(id)).toBe("acknowledged");
    expect(only()).toBe(before);
  });
  test("a nonce used on proves nothing: challenged", () => {
    const id = asked();
    const own = { integrity: "ip-assoc-yes" };
    expect(bob.register({ ...own, reuse: "00000002" }).status).toBe(401);
    expect(progress(id)).toBe("challenged");
    expect(bob.register(own).status).toBe(200);
    expect(progress(id)).toBe("ended");
    expect(bob.register({ integrity: "no", reuse: "00000002" }).status).toBe(200);
  });
  test("auth-done does not do instead of the answer", async () => {
    await start(`--mayAssert=${PCSCF.host}:${PCSCF.port}`);
    expect(bob.register({ integrity: "auth-done", silent: true }).status).toBe(200);
    bob.subscribe(OWN_PACKAGE, 3600);
    lab.scscf.reauthentications.ask([...lab.scscf.bindings.all()], "operator");
    lab.run();
    expect(bob.register({ integrity: "auth-done", silent: true }).status).toBe(401);
  });
});

describe("a device that comes directly", () => {
  beforeEach(() => start("--allowDirect=true"));
  test("its Path is not kept, its P-Charging-Vector not echoed", async () => {
    const direct = new Device(lab, await stranger(), "bob");
    const headers: [string, string][] = [["P-Charging-Vector", "icid-value=1"]];
    const response = direct.register({ integrity: "ip-assoc-yes", headers });
    expect(response.status).toBe(200);
    expect(response.has("Path")).toBe(false);
    expect(response.has("P-Charging-Vector")).toBe(false);
    expect(only()).toMatchObject({ address: { path: [], source: "udp:192.0.2.9:5060" } });
  });
  test("its P-Asserted-Identity counts for nothing: not as the user, not as the P-CSCF", async () => {
    bob.register();
    const forger = new Device(lab, await stranger(), "bob");
    forger.serviceRoute = bob.serviceRoute;
    expect(forger.subscribe(REG_PACKAGE, 600).status).toBe(403);
    const edge = `<sip:${PCSCF.host}:${PCSCF.port}>`;
    const headers: [string, string][] = [
      ["P-Asserted-Identity", edge],
      ["Contact", edge],
    ];
    expect(forger.subscribe(REG_PACKAGE, 600, headers).status).toBe(403);
  });
  test("it may watch itself, from where it registered", async () => {
    const direct = new Device(lab, await stranger(), "bob");
    direct.register();
    expect(direct.subscribe(OWN_PACKAGE, 600).status).toBe(200);
  });
  test("its requests count as the user's who registered there, not as whom it names", async () => {
    bob.register();
    const peer = await stranger();
    const uri = `sip:bob@${DOMAIN}`;
    const headers: [string, string][] = [["P-Asserted-Identity", `<${uri}>`]];
    const status = (from: string): number =>
      lab.exchange(peer, lab.request(peer, "MESSAGE", uri, from, headers)).status;
    expect([status("sip:x@y.example"), status(uri)]).toEqual([403, 403]);
    new Device(lab, peer, "carol").register();
    expect([status(uri), status(`sip:carol@${DOMAIN}`)]).toEqual([403, 200]);
  });
});

describe("strangers learn nothing", () => {
  test("who exists and who is registered: 403 for all", async () => {
    bob.register();
    const peer = await stranger();
    const status = (method: string, user: string): number => {
      const uri = `sip:${user}@${DOMAIN}`;
      const headers: [string, string][] = [
        ["Event", REG_PACKAGE],
        ["Contact", "<sip:x@192.0.2.9>"],
      ];
      return lab.exchange(peer, lab.request(peer, method, uri, uri, headers)).status;
    };
    for (const user of ["bob", "carol", "nobody"]) {
      expect([status("SUBSCRIBE", user), status("MESSAGE", user)]).toEqual([403, 403]);
    }
  });
});

describe("NOTIFY to the S-CSCF", () => {
  /** In the dialog of the S-CSCF's own subscription at the P-CSCF, unless told otherwise. */
  async function notified(from: Peer, callId?: string): Promise<number> {
    const [subscribe] = pcscf.take("SUBSCRIBE");
    const request = lab.request(from, "NOTIFY", `sip:${SCSCF.host}:${SCSCF.port}`, bob.impu, [
      ["Call-ID", callId ?? subscribe?.callId ?? ""],
      ["From", `<${bob.impu}>;tag=peer`],
      ["To", subscribe?.text("From") ?? ""],
      ["Contact", `<sip:${PCSCF.host}:${PCSCF.port}>`],
      ["Event", OWN_PACKAGE],
      ["Subscription-State", "active;expires=3600"],
    ]);
    return lab.exchange(from, request).status;
  }
  beforeEach(async () => {
    ({ lab, pcscf } = await Lab.start());
    bob = new Device(lab, pcscf, "bob");
    bob.register();
    bob.subscribe(OWN_PACKAGE, 3600);
  });

  test("inside our subscription from our P-CSCF: 200", async () => {
    expect(await notified(pcscf)).toBe(200);
  });
  test("inside our subscription from no trusted peer: 403, and named", async () => {
    expect(await notified(await stranger())).toBe(403);
    expect(lab.log.named("request.refused")).toMatchObject([{ reason: "untrusted-peer" }]);
  });
  test("in no subscription of ours: 481, and named", async () => {
    expect(await notified(pcscf, "made-up")).toBe(481);
    expect(lab.log.named("request.refused")).toMatchObject([{ reason: "no-subscription" }]);
  });
});
