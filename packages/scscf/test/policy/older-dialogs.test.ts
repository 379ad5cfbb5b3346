// Requests within dialogs that may be older than the rule that is about them: nobody is refused who authenticates. TS 24.229 §5.4.3.2.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { beforeEach, expect, test } from "vitest";
import { keptStore } from "../contract/kept-store.ts";
import { Device, Lab, PCSCF, type Peer, SCSCF } from "../lab.ts";

const HALF_AN_HOUR = 1_800_000;
const NEXT_HOP = { host: "10.9.0.1", port: 5060 };

let lab: Lab;
let pcscf: Peer;
let bob: Device;

/** Bob has registered with an earlier process, whose calls this one has not seen begin. */
async function start(outcome: "hold" | "reject"): Promise<void> {
  const store = keptStore();
  const argv = [
    "--pcscf.subscribe=false",
    "--policy.onMethods=INVITE",
    `--policy.outcome=${outcome}`,
    "--reauthentication.deadlineSeconds=600",
    `--routes=other.example=sip:${NEXT_HOP.host}:${NEXT_HOP.port}`,
  ];
  const before = await Lab.startWith(store, ...argv);
  const { cseq } = registered(before);
  ({ lab, pcscf } = await before.lab.restarted(1000, store.reopened(), ...argv));
  bob = new Device(lab, pcscf, "bob");
  bob.cseq = cseq;
}

function registered(at: { readonly lab: Lab; readonly pcscf: Peer }): Device {
  const device = new Device(at.lab, at.pcscf, "bob");
  device.register({ expires: 100_000 });
  device.subscribe(OWN_PACKAGE, 100_000);
  return device;
}
beforeEach(() => start("reject"));

/** An INVITE within a dialog that began before this process, whose rules are those of its settings, along our Record-Route. */
function within(from: Peer, headers: readonly (readonly [string, string])[]): SipRequest {
  return lab.request(from, "INVITE", `sip:callee@${PCSCF.host}:${PCSCF.port}`, bob.impu, [
    ["To", "<sip:callee@ims.example>;tag=long-ago"],
    ["Contact", bob.contact],
    ["Route", `<sip:${SCSCF.host}:${SCSCF.port};lr>, <sip:${PCSCF.host}:${PCSCF.port};lr>`],
    ...headers,
  ]);
}

/** The final status; 100: it has none yet. */
function statusOf(from: Peer, request: SipRequest): number {
  lab.exchange(from, request);
  const branch = request.get(Via)?.branch;
  return from.responses.findLast((one) => one.get(Via)?.branch === branch)?.status ?? 0;
}

function invite(): number {
  return statusOf(pcscf, within(pcscf, [["P-Asserted-Identity", `<${bob.impu}>`]]));
}

const progress = (): readonly unknown[] =>
  lab.scscf.reauthentications
    .list()
    .map((one) => [one.cause, one.progress === "ended" ? one.end : "due"]);

test.each(["hold", "reject"] as const)(
  "%s: its sender is asked, and not refused while it has the time to authenticate",
  async (outcome) => {
    await start(outcome);
    expect(invite()).toBe(200);
    expect(progress()).toEqual([["policy:onMethods", "due"]]);
    lab.run(149_000);
    expect(invite()).toBe(200);
    bob.register({ expires: 100_000 });
    expect(progress()).toEqual([["policy:onMethods", "reauthenticated"]]);
    lab.run(HALF_AN_HOUR);
    expect(invite()).toBe(200);
  },
);

test.each(["hold", "reject"] as const)(
  "%s: refused who has had the time and has not authenticated, until he does",
  async (outcome) => {
    await start(outcome);
    invite();
    lab.run(150_000);
    expect(invite()).toBe(403);
    expect(progress()).toEqual([["policy:onMethods", "due"]]);
    bob.register({ expires: 100_000 });
    expect(invite()).toBe(200);
  },
);

test("from the next hop to another domain, whose users no rule is about: goes on", async () => {
  const other = await lab.peer(NEXT_HOP);
  expect(statusOf(other, within(other, []))).toBe(200);
});

test("of nobody known: 481", () => {
  expect(statusOf(pcscf, within(pcscf, []))).toBe(481);
});

test("of who registered under the rule, with this process: no dialog that is not known is older", async () => {
  const next = await Lab.start("--policy.onMethods=INVITE", "--policy.outcome=reject");
  ({ lab, pcscf } = next);
  bob = registered(next);
  lab.run(HALF_AN_HOUR);
  expect(invite()).toBe(403);
});
