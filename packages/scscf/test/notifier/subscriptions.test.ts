// SUBSCRIBE and NOTIFY of both packages through the S-CSCF. RFC 6665, RFC 3680, TS 24.229 §5.4.2.1, docs/events.md.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import { beforeEach, describe, expect, test } from "vitest";
import { Device, DOMAIN, Lab, PCSCF, type Peer, reginfoOf, rowsOf } from "../lab.ts";

let lab: Lab;
let pcscf: Peer;
async function start(...argv: readonly string[]): Promise<void> {
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false", ...argv));
}
beforeEach(() => start());
const device = (user = "bob", suffix = ""): Device => new Device(lab, pcscf, user, suffix);
function registered(user = "bob", suffix = ""): Device {
  const one = device(user, suffix);
  expect(one.register().status).toBe(200);
  return one;
}

describe("a device subscribes", () => {
  test("200, then full state: registered and created, nothing asked", () => {
    const bob = registered();
    const response = bob.subscribe(OWN_PACKAGE, 3600);
    expect(response.status).toBe(200);
    const [notify] = pcscf.take("NOTIFY");
    expect(notify?.text("Subscription-State")).toMatch(/^active;expires=\d+$/);
    expect(notify?.text("Event")).toBe(OWN_PACKAGE);
    expect(notify?.uri).toBe(bob.contact.slice(1, -1));
    expect(notify?.text("Route")).toContain("rr@");
    expect(reginfoOf(notify)).toMatchObject({ version: 0, state: "full" });
    expect(rowsOf(notify)).toEqual(["bob registered", "robert created"]);
    const [row] = reginfoOf(notify).registrations.flatMap(({ contacts }) => contacts);
    expect(row).toMatchObject({ callId: bob.callId, cseq: bob.cseq, expires: 3600 });
  });
  test("From and To URIs of the NOTIFY are those of the SUBSCRIBE, changed over", () => {
    registered().subscribe(REG_PACKAGE, 3600);
    const [notify] = pcscf.take("NOTIFY");
    expect(notify?.to.uriText).toBe(`sip:bob@${DOMAIN}`);
    expect(notify?.from.uriText).toBe(`sip:bob@${DOMAIN}`);
  });
  test("the duty is fulfilled, and owed again when the subscription ends", () => {
    registered().subscribe(OWN_PACKAGE, 3600);
    lab.run(40_000);
    expect(lab.scscf.bindings.size).toBe(1);
  });
  test("no SUBSCRIBE by the deadline: gone", () => {
    registered();
    lab.run(32_000);
    expect(lab.scscf.bindings.size).toBe(0);
  });
  test("warn: reported, stays", async () => {
    await start("--profile=ts24229");
    registered();
    lab.run(121_000);
    expect(lab.log.named("subscription.overdue")).toHaveLength(1);
    expect(lab.scscf.bindings.size).toBe(1);
  });
  test("a fetch (Expires 0) gets the state and fulfils nothing", () => {
    const response = registered().subscribe(OWN_PACKAGE, 0);
    expect(response.text("Expires")).toBe("0");
    const [notify] = pcscf.take("NOTIFY");
    expect(notify?.text("Subscription-State")).toBe("terminated;reason=timeout");
    lab.run(32_000);
    expect(lab.scscf.bindings.size).toBe(0);
  });
});

describe("Expires of the 200", () => {
  const granted = (event: string, asked: number): string | undefined =>
    registered().subscribe(event, asked).text("Expires");
  test("seed: the own package raises a short one to the registration's", () => {
    expect(granted(OWN_PACKAGE, 60)).toBe("3600");
  });
  test("`reg` never raises", () => {
    expect(granted(REG_PACKAGE, 60)).toBe("60");
  });
  test("ts24229: only lowered", async () => {
    await start("--profile=ts24229");
    expect(granted(OWN_PACKAGE, 60)).toBe("60");
    expect(registered("carol").subscribe(OWN_PACKAGE, 600_000).text("Expires")).toBe("3600");
  });
  test("unlimited: 2^32-1", async () => {
    await start("--subscription.expires=unlimited");
    expect(granted(OWN_PACKAGE, 60)).toBe("4294967295");
  });
});

describe("who may subscribe", () => {
  const status = (bob: Device, headers: readonly (readonly [string, string])[]): number =>
    bob.subscribe(REG_PACKAGE, 600, headers).status;
  test("nobody is registered: 480", () => {
    expect(status(device(), [])).toBe(480);
  });
  test("somebody else: 403", () => {
    const other: [string, string] = ["P-Asserted-Identity", `<sip:carol@${DOMAIN}>`];
    expect(status(registered(), [other])).toBe(403);
    expect(lab.log.named("subscription.refused")[0]).toMatchObject({
      reason: "not-allowed-to-subscribe",
    });
  });
  test("a barred identity: 403", () => {
    expect(status(registered(), [["P-Asserted-Identity", `<sip:secret@${DOMAIN}>`]])).toBe(403);
  });
  test("a stranger's claim counts for nothing: 403", async () => {
    const bob = registered();
    const stranger = await lab.peer({ host: "192.0.2.9", port: 5060 });
    const forger = new Device(lab, stranger, "bob");
    forger.serviceRoute = bob.serviceRoute;
    expect(forger.subscribe(REG_PACKAGE, 600).status).toBe(403);
  });
  test("the P-CSCF of its Path may, another host or port may not", () => {
    const bob = registered();
    const as = (uri: string): number =>
      status(bob, [
        ["P-Asserted-Identity", `<${uri}>`],
        ["Contact", `<${uri}>`],
        ["Call-ID", uri],
      ]);
    expect(as(`sip:${PCSCF.host}:${PCSCF.port}`)).toBe(200);
    expect(as(`sip:${PCSCF.host}:4061`)).toBe(403);
  });
  test("unknown package: 489 with Allow-Events; Accept without reginfo: 406", () => {
    const bob = registered();
    const unknown = bob.subscribe("presence", 600);
    expect(unknown.status).toBe(489);
    expect(unknown.text("Allow-Events")).toContain(OWN_PACKAGE);
    expect(status(bob, [["Accept", "text/plain"]])).toBe(406);
  });
});

describe("de-registration tells why", () => {
  const remove = (cause: "deactivated" | "rejected" | "expired"): void => {
    const [binding] = lab.scscf.bindings.all();
    if (binding === undefined) throw new Error("nobody is registered");
    lab.scscf.registrations.input(binding.token, {
      kind: "removed",
      at: lab.clock.now(),
      cause: { kind: cause },
    });
    lab.run();
  };
  test.each([
    ["deactivated", "deactivated"],
    ["rejected", "rejected"],
    ["expired", "noresource"],
  ] as const)("%s: terminated;reason=%s", (cause, reason) => {
    registered().subscribe(OWN_PACKAGE, 3600);
    pcscf.take("NOTIFY");
    remove(cause);
    const [notify] = pcscf.take("NOTIFY");
    expect(notify?.text("Subscription-State")).toBe(`terminated;reason=${reason}`);
    expect(rowsOf(notify)).toEqual([`bob ${cause}`, `robert ${cause}`]);
    const [told] = reginfoOf(notify).registrations;
    expect([told?.state, told?.contacts[0]?.expires]).toEqual(["terminated", 0]);
    expect(lab.scscf.notifier.size).toBe(0);
  });
  test("probation says when to come back", () => {
    registered().subscribe(OWN_PACKAGE, 3600);
    pcscf.take("NOTIFY");
    const [binding] = lab.scscf.bindings.all();
    const cause = { kind: "probation", retryAfterSeconds: 30 } as const;
    const at = lab.clock.now();
    lab.scscf.registrations.input(binding?.token ?? "", { kind: "removed", at, cause });
    lab.run();
    const [notify] = pcscf.take("NOTIFY");
    expect(notify?.text("Subscription-State")).toBe("terminated;reason=probation;retry-after=30");
    expect(reginfoOf(notify).registrations[0]?.contacts[0]).toMatchObject({
      retryAfter: 30,
      expires: 0,
    });
  });
  test("the UE's own Expires 0: unregistered, noresource", () => {
    const bob = registered();
    bob.subscribe(REG_PACKAGE, 3600);
    pcscf.take("NOTIFY");
    bob.register({ expires: 0, integrity: "ip-assoc-yes" });
    const [notify] = pcscf.take("NOTIFY");
    expect(notify?.text("Subscription-State")).toBe("terminated;reason=noresource");
    expect(rowsOf(notify)).toEqual(["bob unregistered", "robert unregistered"]);
  });
  test("two devices, one gone: its own subscription ends, the other's stays active", () => {
    const one = registered("bob", "1");
    one.subscribe(OWN_PACKAGE, 3600);
    const two = registered("bob", "2");
    two.subscribe(OWN_PACKAGE, 3600);
    pcscf.take("NOTIFY");
    remove("rejected");
    const notifies = pcscf.take("NOTIFY");
    const ended = notifies.find(({ uri }) => uri.includes("bob1"));
    const stays = notifies.find(({ uri }) => uri.includes("bob2"));
    expect(ended?.text("Subscription-State")).toContain("terminated;reason=rejected");
    expect(stays?.text("Subscription-State")).toContain("active");
    expect(rowsOf(stays)).toEqual([
      "bob registered",
      "bob rejected",
      "robert created",
      "robert rejected",
    ]);
  });
  test("`*`: each device reads of its own contact in its last NOTIFY", () => {
    const one = registered("bob", "1");
    one.subscribe(OWN_PACKAGE, 3600);
    const two = registered("bob", "2");
    two.subscribe(REG_PACKAGE, 3600);
    lab.run(10_000);
    pcscf.take("NOTIFY");
    expect(two.register({ contact: "*", expires: 0 }).status).toBe(200);
    const notifies = pcscf.take("NOTIFY");
    expect(notifies).toHaveLength(2);
    for (const [at, suffix] of ["1", "2"].entries()) {
      const told = notifies.filter(({ uri }) => uri.includes(`bob${suffix}`));
      expect(told.map((notify) => notify.text("Subscription-State"))).toEqual([
        "terminated;reason=noresource",
      ]);
      expect(rowsOf(told[0])).toEqual(["bob unregistered", "robert unregistered"]);
      const [row] = reginfoOf(told[0]).registrations[0]?.contacts ?? [];
      expect(row?.uri).toContain([one, two][at]?.contact.slice(1, -1));
    }
    expect(lab.log.named("deregistration.nobody-subscribed")).toEqual([]);
  });
});

describe("RFC 3680 §4.10: news at most every 5 s", () => {
  test("three devices come at once: one NOTIFY now, one for the rest", () => {
    registered("bob", "1").subscribe(OWN_PACKAGE, 3600);
    pcscf.take("NOTIFY");
    for (const suffix of ["2", "3", "4"]) registered("bob", suffix);
    lab.run(4000);
    expect(pcscf.take("NOTIFY")).toHaveLength(1);
    lab.run(1100);
    const notifies = pcscf.take("NOTIFY");
    expect(notifies).toHaveLength(1);
    expect(reginfoOf(notifies[0]).registrations[0]?.contacts).toHaveLength(4);
  });
});
