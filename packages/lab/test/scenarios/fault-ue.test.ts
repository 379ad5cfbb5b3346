// Each fault of a UE: what the network does about it, and how the re-authentication ends. docs/faults.md.
import { ueFaults } from "@ims-lab/common/admin-api/faults";
import { Authorization, WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { afterAll, describe, expect, test } from "vitest";
import { Lab, type Ue } from "./lab.ts";

/** Seconds: N, and a moment. */
const N = 61;
const AWAIT = 240;

const shown = new Set<string>();
afterAll(() => {
  const all = [...ueFaults.faults, ...ueFaults.presets].map(({ name }) => name);
  expect([...shown].sort()).toEqual(all.sort());
});

function on(ue: Ue, name: string, request: object = {}): void {
  shown.add(name);
  expect(ue.faults.on(name, request)).toBeUndefined();
}

async function withFault(name: string, request: object = {}): Promise<{ lab: Lab; alice: Ue }> {
  const { lab, alice } = await Lab.withAlice();
  on(alice, name, request);
  lab.forget();
  return { lab, alice };
}

/** Asked by the S-CSCF, as the operator sees it at its end: after N, or when the life of a challenge is over. */
function asked(lab: Lab): { readonly end: string | null; readonly reason: string | null } {
  lab.askByScscf("alice");
  lab.pass(N);
  if (lab.reauthentications[0]?.progress === "challenged") lab.pass(AWAIT);
  const [{ end = null, reason = null } = {}] = lab.reauthentications;
  return { end, reason };
}

function registers(lab: Lab): readonly SipRequest[] {
  return lab
    .passed("REGISTER", "UE", "P-CSCF")
    .filter((message): message is SipRequest => message.kind === "request");
}

describe("no-subscribe", () => {
  test("nobody can be asked: unsubscribed, and de-registered when the duty to subscribe is over", async () => {
    const lab = await Lab.start();
    const alice = await lab.ue("alice");
    on(alice, "no-subscribe");
    alice.register();
    lab.pass(5);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 0, atPcscf: 1 });
    expect(asked(lab)).toMatchObject({ end: "unsubscribed" });
    expect(lab.passed("SUBSCRIBE", "UE", "P-CSCF")).toEqual([]);
    expect(lab.ofAlice).toMatchObject({ atScscf: 0, atPcscf: 0 });
  });

  test("once: its next attempt subscribes within the duty", async () => {
    const lab = await Lab.start();
    const alice = await lab.ue("alice");
    on(alice, "no-subscribe", { times: 1 });
    alice.register();
    lab.pass(31);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
  });
});

describe("NOTIFYs", () => {
  test("notify-ignored: repeated for Timer F, then unreachable", async () => {
    const { lab } = await withFault("notify-ignored");
    expect(asked(lab)).toEqual({ end: "unreachable", reason: "NOTIFY not answered" });
    expect(lab.passed("NOTIFY", "P-CSCF", "UE").length).toBeGreaterThan(5);
    expect(registers(lab)).toEqual([]);
    expect(lab.ofAlice).toMatchObject({ atScscf: 0, atPcscf: 0 });
  });

  test("notify-ignored, once: its retransmissions are ignored with it", async () => {
    const { lab, alice } = await withFault("notify-ignored", { times: 1 });
    lab.askByScscf("alice");
    lab.pass(30);
    expect(lab.passed("200 NOTIFY")).toEqual([]);
    expect(alice.faults.count).toBe(0);
  });

  test("notify-481: the subscription has ended for the network; unreachable", async () => {
    const { lab } = await withFault("notify-481");
    lab.askByScscf("alice");
    lab.pass(1);
    expect(lab.ofAlice).toMatchObject({ atScscf: 1, subscribed: 0 });
    lab.pass(N);
    expect(lab.reauthentications).toMatchObject([
      { end: "unreachable", reason: "NOTIFY answered 481" },
    ]);
    expect(registers(lab)).toEqual([]);
  });

  test("notify-500: asked again and again until N; unreachable", async () => {
    const { lab } = await withFault("notify-500");
    expect(asked(lab)).toEqual({ end: "unreachable", reason: "NOTIFY answered 500" });
    expect(lab.triggers).toBeGreaterThan(3);
    expect(registers(lab)).toEqual([]);
  });

  test("notify-500, once: the next NOTIFY is obeyed", async () => {
    const { lab } = await withFault("notify-500", { times: 1 });
    expect(asked(lab)).toMatchObject({ end: "reauthenticated" });
  });

  test("notify-late: obeyed late, and within N: reauthenticated", async () => {
    const { lab } = await withFault("notify-late", { parameters: { delaySeconds: 20 } });
    lab.askByScscf("alice");
    lab.pass(19.9);
    expect(lab.reauthentications).toMatchObject([{ progress: "notified", end: null }]);
    expect([lab.passed("200 NOTIFY"), registers(lab)]).toEqual([[], []]);
    lab.pass(1);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("notify-late, later than N: de-registered before it obeys", async () => {
    const { lab, alice } = await withFault("notify-late", { parameters: { delaySeconds: 100 } });
    expect(asked(lab)).toEqual({ end: "unreachable", reason: "NOTIFY not answered" });
    lab.forget();
    lab.pass(50);
    // It obeys a registration that is no more: REGISTER is challenged like an initial one.
    expect(lab.passed("401 REGISTER", "P-CSCF", "UE")).toHaveLength(1);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toMatchObject({ atScscf: 1, atPcscf: 1 });
  });

  test("silent-after-notify: 200, and then nothing: ignored", async () => {
    const { lab } = await withFault("silent-after-notify");
    expect(asked(lab)).toMatchObject({ end: "ignored" });
    expect(lab.passed("200 NOTIFY", "UE", "P-CSCF").length).toBeGreaterThan(0);
    expect(registers(lab)).toEqual([]);
    expect(lab.ofAlice).toMatchObject({ atScscf: 0, atPcscf: 0 });
  });

  test("silent-after-notify, switched off: it registers anew by itself", async () => {
    const { lab, alice } = await withFault("silent-after-notify");
    asked(lab);
    alice.faults.off("silent-after-notify");
    lab.pass(120);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
  });
});

describe("answers to challenges", () => {
  test("wrong-res: refused, and the network says what the device has got wrong", async () => {
    const { lab } = await withFault("wrong-res");
    const { end, reason } = asked(lab);
    expect(end).toBe("refused");
    expect(reason).toMatch(/response|RES|password/i);
    expect(lab.passed("403 REGISTER", "P-CSCF", "UE").length).toBeGreaterThan(0);
  });

  test("wrong-res, once: the next one is right, within N: reauthenticated", async () => {
    const { lab } = await withFault("wrong-res", { times: 1 });
    expect(asked(lab).end).toBe("reauthenticated");
  });

  test("wrong-res of a user with a password", async () => {
    const lab = await Lab.start();
    const bob = await lab.ue("bob");
    on(bob, "wrong-res");
    bob.register();
    lab.pass(5);
    expect(lab.passed("403 REGISTER", "P-CSCF", "UE").length).toBeGreaterThan(0);
    expect(lab.atScscf("bob")).toEqual([]);
  });

  test("reject-autn: refused; K, OP/OPc or AMF differ", async () => {
    const { lab } = await withFault("reject-autn");
    const reason = "UE rejected AUTN: K, OP/OPc or AMF differ";
    expect(asked(lab)).toEqual({ end: "refused", reason });
  });

  test("force-auts: resynchronised once, and over with the second AUTS: refused", async () => {
    const { lab } = await withFault("force-auts");
    const { end, reason } = asked(lab);
    expect(end).toBe("refused");
    expect(reason).toMatch(/SQN/);
    const resyncs = registers(lab).filter((r) => r.text("Authorization")?.includes("auts="));
    const attempts = new Set(resyncs.map(({ callId }) => callId));
    expect(resyncs).toHaveLength(2 * attempts.size);
  });

  test("force-auts, once: resynchronised, and the next challenge answered: reauthenticated", async () => {
    const { lab } = await withFault("force-auts", { times: 1 });
    expect(asked(lab).end).toBe("reauthenticated");
  });

  test("skip-mac-check: a network that checks nothing of it sees a right answer; one that sends a wrong MAC sees through it", async () => {
    const { lab } = await withFault("skip-mac-check");
    expect(asked(lab).end).toBe("reauthenticated");
    lab.scscf.faults.switches.on("bad-autn", {});
    const { end, reason } = asked(lab);
    expect([end, reason]).toEqual(["refused", expect.stringMatching(/does not check AUTN/)]);
  });

  test("challenge-unanswered: 401, and no answer: unanswered when the challenge's life is over", async () => {
    const { lab } = await withFault("challenge-unanswered");
    lab.askByScscf("alice");
    lab.pass(1);
    expect(lab.reauthentications).toMatchObject([{ progress: "challenged", end: null }]);
    lab.pass(AWAIT);
    expect(lab.onlyEnd).toBe("unanswered");
    const nonces = lab
      .passed("401 REGISTER", "P-CSCF", "UE")
      .map((message) => message.get(WwwAuthenticate)?.params.get("nonce"));
    expect(nonces.length).toBeGreaterThan(0);
    for (const request of registers(lab))
      expect(nonces).not.toContain(request.get(Authorization)?.params.get("nonce"));
  });

  test("no-authorization: the network knows the user by the IMPU: reauthenticated", async () => {
    const { lab } = await withFault("no-authorization");
    expect(asked(lab).end).toBe("reauthenticated");
    const [first, second] = registers(lab);
    expect(first?.has("Authorization")).toBe(false);
    expect(second !== undefined && isAnswer(second)).toBe(true);
  });
});

function isAnswer(request: SipRequest): boolean {
  return (request.get(Authorization)?.params.get("response") ?? "") !== "";
}

describe("deeds", () => {
  test("new-address: NOTIFYs go to a port where nobody is; unreachable", async () => {
    const { lab, alice } = await withFault("new-address");
    await lab.clock.advanceAsync(10);
    expect(asked(lab)).toMatchObject({ end: "unreachable" });
    expect(registers(lab)).toEqual([]);
    expect(alice.faults.count).toBe(0);
  });

  test("new-address, and a REGISTER from there in time: reauthenticated", async () => {
    const { lab, alice } = await withFault("new-address");
    await lab.clock.advanceAsync(10);
    lab.askByScscf("alice");
    lab.pass(5);
    alice.register();
    lab.pass(5);
    expect(lab.onlyEnd).toBe("reauthenticated");
    expect(lab.ofAlice).toMatchObject({ atScscf: 1, atPcscf: 1 });
  });

  test("new-address over TCP: the old connection ends, and nobody at the UE is told", async () => {
    const { lab, alice } = await Lab.withAlice({ transport: "tcp" });
    lab.forget();
    on(alice, "new-address");
    await lab.clock.advanceAsync(10);
    expect(asked(lab)).toMatchObject({ end: "unreachable" });
    expect(registers(lab)).toEqual([]);
  });

  test("reboot: another Call-ID, the same instance, one binding; what was asked for is done: reauthenticated", async () => {
    const { lab, alice } = await Lab.withAlice();
    const before = lab.atScscf("alice");
    const heal = lab.cut("P→UE");
    lab.askByScscf("alice");
    lab.pass(1);
    on(alice, "reboot");
    const instances = registers(lab).map((request) => request.text("Contact"));
    heal();
    lab.pass(N);
    expect(lab.onlyEnd).toBe("reauthenticated");
    const after = lab.atScscf("alice");
    expect(after).toHaveLength(1);
    expect(after[0]?.callId).not.toBe(before[0]?.callId);
    expect(new Set([...instances, ...registers(lab).map((r) => r.text("Contact"))]).size).toBe(1);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
  });
});

describe("presets", () => {
  test.each([
    ["frozen-application", "ignored"],
    ["forgetful-device", "unreachable"],
    ["careless-usim", "reauthenticated"],
    ["plain-softphone", "reauthenticated"], // it has subscribed before, and renews nothing
  ])("%s: %s", async (preset, end) => {
    const { lab } = await withFault(preset);
    expect(asked(lab).end).toBe(end);
  });

  test("slow-and-shaky: unanswered", async () => {
    const { lab } = await withFault("slow-and-shaky");
    expect(asked(lab).end).toBe("unanswered");
  });

  test("plain-softphone from the start: de-registered when the duty to subscribe is over", async () => {
    const lab = await Lab.start();
    const alice = await lab.ue("alice", { faults: "plain-softphone" });
    alice.register();
    lab.pass(20);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 0, atPcscf: 1 });
    lab.pass(15);
    expect(lab.ofAlice).toEqual({ atScscf: 0, subscribed: 0, atPcscf: 0 });
  });
});

test("a UE of several in a process has a fault alone, by IMPU or IMPI; another name is nobody's", async () => {
  const { lab, alice } = await Lab.withAlice();
  expect(alice.faults.on("no-subscribe", { impu: "sip:nobody@ims.example" })).toMatchObject({
    problem: "no-such-user",
  });
  on(alice, "wrong-res", { impu: "alice@ims.example" });
  expect(asked(lab).end).toBe("refused");
});

test("a user with a password has no ISIM whose check could be left out", async () => {
  const lab = await Lab.start();
  const bob = await lab.ue("bob");
  expect(bob.faults.on("skip-mac-check", {})).toEqual({
    problem: "unsuitable",
    detail: "skip-mac-check: there is no ISIM, but a password",
  });
});
