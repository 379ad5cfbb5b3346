// Each end of a re-authentication, as the wire, both nodes and the operator see it. TS 24.229 §5.4.1.5, §5.4.1.6.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import { beforeEach, describe, expect, test } from "vitest";
import { expectGone, passTo, TRUSTING_BOTH, toldToPcscf } from "./end-state.ts";
import { Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

/** `n`: reauthentication.deadlineSeconds. `reg`: the P-CSCF hears of an end by its own subscription. */
const PROFILES = [
  { profile: "seed", event: OWN_PACKAGE, n: 60, reg: false },
  { profile: "ts24229", event: REG_PACKAGE, n: 600, reg: true },
] as const;
const AWAIT = 240;
const EXPIRED = { state: "terminated noresource", event: "expired", registration: "terminated" };

describe.each(PROFILES)("profile $profile", ({ profile, event, n, reg }) => {
  let lab: Lab;
  let ue: ScriptedUe;
  async function start(user: string, scscf = {}): Promise<void> {
    lab = await Lab.start({ profile, scscf: { ...TRUSTING_BOTH, ...scscf } });
    ue = await ScriptedUe.subscribed(lab, user, { event });
    lab.forget();
  }
  beforeEach(() => start("bob"));

  /** Asked by the operator, arrived, and answered as `ue.peer.answers` says. */
  function trigger(): void {
    lab.askByScscf(ue.user);
    lab.pass(0.1);
    expect(ue.news()).toMatchObject([{ state: "active", event: "shortened" }]);
  }
  /** N from the NOTIFY; a challenge before that extends it to its own life, at least. */
  function deadline(): number {
    const [one] = lab.reauthentications;
    const { notifiedAt, challengedAt } = one ?? {};
    const end = (notifiedAt ?? 0) + n * 1000;
    return Math.max(end, challengedAt == null ? 0 : challengedAt + AWAIT * 1000);
  }
  /** Until the last millisecond nothing happens, and then everything. */
  function toDeadline(): void {
    const at = deadline();
    expect(lab.reauthentications).toMatchObject([{ end: null, deadlineAt: at }]);
    passTo(lab, at - 1);
    expect(lab.atScscf(ue.user)).toHaveLength(1);
    expect(lab.atPcscf(ue.user)).toHaveLength(1);
    expect(ue.news()).toEqual([]);
    passTo(lab, at);
    expect(lab.atScscf(ue.user)).toEqual([]);
    expect(lab.reauthentications).toMatchObject([
      { deadlineAt: at, deregisteredAt: at, endedAt: at },
    ]);
    lab.pass(0.1);
  }
  /** What the P-CSCF is told when nothing but the operator's word or the deadline ends a binding. */
  const toldOf = (cause: string, reason = "noresource"): readonly string[] => [
    reg ? `NOTIFY ${cause}, terminated ${reason}` : "un-SUBSCRIBE",
  ];

  test("reauthenticated: answered a fresh challenge", () => {
    trigger();
    expect(ue.register().status).toBe(200);
    lab.pass(6); // RFC 3680 §4.10 spaces what is only news
    expect(lab.reauthentications).toMatchObject([{ end: "reauthenticated", deregisteredAt: null }]);
    expect(ue.news()).toMatchObject([{ state: "active", event: "refreshed" }]);
    lab.pass(2 * n + AWAIT);
    expect(lab.atScscf(ue.user)).toMatchObject([{ reauthentication: null, cseq: ue.cseq }]);
    expect(lab.atPcscf(ue.user)).toHaveLength(1);
    expect(ue.news()).toEqual([]);
  });

  test("reauthenticated before its NOTIFY could leave: the P-CSCF hears nothing of an end", () => {
    ue.peer.answers = () => undefined;
    trigger();
    expect(ue.register().status).toBe(200);
    lab.askByScscf(ue.user); // waits behind the NOTIFY that nobody has answered
    expect(ue.register().status).toBe(200);
    lab.pass(10);
    ue.peer.answers = () => 200;
    lab.pass(n + 10);
    expect(lab.reauthentications.map(({ end }) => end)).toEqual([
      "reauthenticated",
      "reauthenticated",
    ]);
    expect(lab.atScscf(ue.user)).toMatchObject([{ reauthentication: null, cseq: ue.cseq }]);
    expect(lab.atPcscf(ue.user)).toHaveLength(1);
  });

  test("refused: a wrong RES twice", async () => {
    trigger();
    ue.faults = { wrongRes: true };
    expect(ue.register().status).toBe(403);
    expect(ue.register().status).toBe(403);
    lab.forget();
    toDeadline();
    expect(lab.onlyEnd).toBe("refused");
    expect(ue.news()).toMatchObject([EXPIRED]);
    expect(toldToPcscf(lab, ue)).toEqual(toldOf("expired"));
    await expectGone(lab, ue);
  });

  test("refused: the UE rejects AUTN, and the operator reads why", async () => {
    await start("alice");
    trigger();
    ue.faults = { rejectAutn: true };
    expect(ue.register().status).toBe(403);
    toDeadline();
    const reason = "UE rejected AUTN: K, OP/OPc or AMF differ";
    expect(lab.reauthentications).toMatchObject([{ end: "refused", reason }]);
    expect(ue.news()).toMatchObject([EXPIRED]);
    await expectGone(lab, ue);
  });

  test("refused, then right before the deadline: reauthenticated", () => {
    trigger();
    ue.faults = { wrongRes: true };
    ue.register();
    ue.faults = {};
    expect(ue.register().status).toBe(200);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("onRefused deregister: the first wrong answer ends it at once", async () => {
    await start("bob", { "reauthentication.onRefused": "deregister" });
    trigger();
    ue.faults = { wrongRes: true };
    lab.forget();
    expect(ue.register().status).toBe(403);
    expect(lab.onlyEnd).toBe("refused");
    lab.pass(0.1);
    expect(ue.news()).toMatchObject([EXPIRED]);
    expect(toldToPcscf(lab, ue)).toEqual(toldOf("expired"));
    await expectGone(lab, ue);
  });

  test("unanswered: challenged, no answer", async () => {
    trigger();
    expect(ue.ask().status).toBe(401);
    toDeadline();
    expect(lab.onlyEnd).toBe("unanswered");
    expect(ue.news()).toMatchObject([EXPIRED]);
    await expectGone(lab, ue);
  });

  test("ignored: NOTIFY acknowledged, no REGISTER", async () => {
    trigger();
    expect(lab.reauthentications).toMatchObject([{ progress: "acknowledged" }]);
    lab.forget();
    toDeadline();
    expect(lab.onlyEnd).toBe("ignored");
    expect(ue.news()).toMatchObject([EXPIRED]);
    expect(toldToPcscf(lab, ue)).toEqual(toldOf("expired"));
    await expectGone(lab, ue);
  });

  test("unreachable: NOTIFY never answered; nobody is left to be told", async () => {
    ue.peer.answers = () => undefined;
    trigger();
    lab.pass(33); // Timer F
    expect(lab.reauthentications).toMatchObject([{ progress: "notified", end: null }]);
    expect(lab.atScscf(ue.user)).toMatchObject([{ subscription: null }]);
    lab.forget();
    toDeadline();
    const reason = "NOTIFY not answered";
    expect(lab.reauthentications).toMatchObject([{ end: "unreachable", reason }]);
    expect(lab.logs.scscf.named("deregistration.nobody-subscribed")).toHaveLength(1);
    expect(ue.news()).toEqual([]);
    expect(toldToPcscf(lab, ue)).toEqual(toldOf("expired"));
    await expectGone(lab, ue);
  });

  test("unreachable: NOTIFY answered 481", async () => {
    ue.peer.answers = () => 481;
    trigger();
    expect(lab.reauthentications).toMatchObject([{ progress: "notified", end: null }]);
    ue.peer.answers = () => 200;
    toDeadline();
    const reason = "NOTIFY answered 481";
    expect(lab.reauthentications).toMatchObject([{ end: "unreachable", reason }]);
    expect(ue.news()).toEqual([]);
    expect(lab.logs.scscf.named("deregistration.nobody-subscribed")).toHaveLength(1);
    await expectGone(lab, ue);
  });

  test("unreachable: every NOTIFY answered 500, which says nothing about the subscription", async () => {
    ue.peer.answers = () => 500;
    trigger();
    const at = deadline();
    passTo(lab, at - 1);
    const again = ue.news();
    expect(again.length).toBeGreaterThan(3);
    expect(again.length).toBeLessThan(16);
    expect(new Set(again.map((news) => news.event))).toEqual(new Set(["shortened"]));
    expect(lab.reauthentications).toMatchObject([{ progress: "notified", deadlineAt: at }]);
    passTo(lab, at);
    lab.pass(0.1);
    const reason = "NOTIFY answered 500";
    expect(lab.reauthentications).toMatchObject([
      { end: "unreachable", reason, deadlineAt: at, deregisteredAt: at, endedAt: at },
    ]);
    expect(ue.news()).toMatchObject([EXPIRED]);
    expect(lab.logs.scscf.named("deregistration.nobody-subscribed")).toEqual([]);
    await expectGone(lab, ue);
  });

  test("unreachable so far, but the UE registers by itself in time: reauthenticated", () => {
    ue.peer.answers = () => 481;
    trigger();
    expect(ue.register().status).toBe(200);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test.each([
    { transport: "udp", what: "answers, as it must there" },
    { transport: "tcp", what: "does not answer" },
  ] as const)(
    "withdrawn over $transport: the UE leaves, is challenged once and $what",
    async ({ transport }) => {
      if (transport === "tcp") {
        expect(ue.register({ expires: 0 }).status).toBe(200);
        ue = await ScriptedUe.subscribed(lab, "carol", { event, transport });
      }
      trigger();
      lab.forget();
      if (transport === "udp") expect(ue.register({ expires: 0 }).status).toBe(200);
      else {
        expect(ue.ask({ expires: 0 }).status).toBe(401);
        expect(ue.ask({ expires: 0 }).status).toBe(200);
      }
      expect(lab.reauthentications).toMatchObject([
        { end: "withdrawn", deregisteredAt: expect.any(Number) },
      ]);
      lab.pass(0.1);
      expect(ue.news()).toMatchObject([{ state: "terminated noresource", event: "unregistered" }]);
      await expectGone(lab, ue);
    },
  );

  test.each([
    { cause: { kind: "deactivated" }, reason: "deactivated" },
    { cause: { kind: "rejected" }, reason: "rejected" },
    { cause: { kind: "expired" }, reason: "noresource" },
    { cause: { kind: "probation", retryAfterSeconds: 90 }, reason: "probation" },
  ] as const)("withdrawn: the operator says $cause.kind", async ({ cause, reason }) => {
    trigger();
    lab.forget();
    lab.deregister(ue.user, cause);
    expect(lab.reauthentications).toMatchObject([
      { end: "withdrawn", deregisteredAt: lab.clock.now() },
    ]);
    lab.pass(0.1);
    expect(ue.news()).toMatchObject([{ state: `terminated ${reason}`, event: cause.kind }]);
    expect(toldToPcscf(lab, ue)).toEqual(toldOf(cause.kind, reason));
    await expectGone(lab, ue);
  });
});
