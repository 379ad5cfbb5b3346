// No way round a re-authentication: every evasion ends at the absolute deadline. TS 24.229 §5.4.1.6.
import { SubscriptionState, WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import { beforeEach, describe, expect, test } from "vitest";
import { expectGone, passTo, TRUSTING_BOTH } from "./end-state.ts";
import { Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

const N = 60_000;
const AWAIT = 240_000;

let lab: Lab;
let ue: ScriptedUe;
beforeEach(async () => {
  lab = await Lab.start({ scscf: TRUSTING_BOTH });
  ue = await ScriptedUe.subscribed(lab, "bob");
});

/** Asked, and the NOTIFY answered; the first transmission's time. */
function trigger(): number {
  lab.askByScscf(ue.user);
  lab.pass(0.1);
  ue.news();
  return lab.reauthentications[0]?.notifiedAt ?? 0;
}

describe("REGISTER, ignore the 401, repeat", () => {
  test("every 5 s: one extension, to the first challenge + awaitSeconds", async () => {
    const notifiedAt = trigger();
    let challenges = 0;
    let last = 401;
    while (last === 401 && challenges < 1000) {
      last = ue.ask().status;
      challenges += 1;
      if (challenges === 1) expect(lab.reauthentications[0]?.challengedAt).not.toBeNull();
      lab.pass(5);
      if (lab.atScscf(ue.user).length === 0) break;
    }
    const [one] = lab.reauthentications;
    expect(one?.end).toBe("unanswered");
    expect(one?.deregisteredAt).toBe((one?.challengedAt ?? 0) + AWAIT);
    expect(one?.deregisteredAt).toBeLessThanOrEqual(notifiedAt + N + AWAIT);
    expect(challenges).toBeGreaterThan(40);
    await expectGone(lab, ue);
  });

  test("the first REGISTER right before N is over: not later than N + awaitSeconds", () => {
    const notifiedAt = trigger();
    passTo(lab, notifiedAt + N - 50);
    expect(ue.ask().status).toBe(401);
    passTo(lab, notifiedAt + N + AWAIT - 100);
    expect(lab.atScscf(ue.user)).toHaveLength(1);
    expect(ue.ask().status).toBe(401);
    passTo(lab, notifiedAt + N + AWAIT);
    expect(lab.atScscf(ue.user)).toEqual([]);
  });

  test("wrong answers in between gain nothing either", () => {
    trigger();
    ue.faults = { wrongRes: true };
    ue.register();
    const deadlineAt = lab.reauthentications[0]?.deadlineAt;
    for (let turn = 0; turn < 10; turn++) {
      lab.pass(10);
      expect(ue.register().status).toBe(403);
      expect(ue.ask().status).toBe(401);
    }
    expect(lab.reauthentications[0]?.deadlineAt).toBe(deadlineAt);
  });

  test("neither does a new Call-ID each time", () => {
    trigger();
    ue.ask();
    const deadlineAt = lab.reauthentications[0]?.deadlineAt;
    for (let turn = 0; turn < 5; turn++) {
      lab.pass(10);
      ue.callId = `fresh-${turn}`;
      expect(ue.ask().status).toBe(401);
    }
    expect(lab.reauthentications[0]?.deadlineAt).toBe(deadlineAt);
    expect(lab.atScscf(ue.user)).toMatchObject([{ expiresAt: deadlineAt }]);
  });
});

describe("while it is due", () => {
  test("a refresh that the P-CSCF marks ip-assoc-yes is challenged", () => {
    expect(ue.ask().status).toBe(200);
    expect(integrityOfLast()).toBe("ip-assoc-yes");
    trigger();
    expect(ue.ask().status).toBe(401);
    expect(integrityOfLast()).toBe("ip-assoc-yes");
  });

  test("a pre-emptive Authorization is not accepted; before, it counted as authentication", () => {
    lab.pass(5);
    expect(ue.ask({ authorization: ue.preemptive() }).status).toBe(200);
    const authenticatedAt = lab.atScscf(ue.user)[0]?.authenticatedAt;
    expect(authenticatedAt).toBeGreaterThan(lab.clock.now() - 100);
    trigger();
    const refused = ue.ask({ authorization: ue.preemptive() });
    expect(refused.status).toBe(401);
    expect(refused.get(WwwAuthenticate)?.params.get("stale")).toBe("true");
    expect(lab.atScscf(ue.user)).toMatchObject([{ authenticatedAt }]);
    expect(lab.reauthentications).toMatchObject([{ end: null }]);
    expect(ue.ask({ authorization: ue.answerTo(refused) }).status).toBe(200);
    expect(lab.onlyEnd).toBe("reauthenticated");
  });

  test("the very answer that authenticated it last is worth nothing", () => {
    trigger();
    const replayed = ue.ask({ authorization: ue.lastAnswer });
    expect(replayed.status).toBe(401);
    expect(lab.reauthentications).toMatchObject([{ end: null }]);
  });

  test("a re-SUBSCRIBE does not end it, and does not loop", () => {
    const notifiedAt = trigger();
    expect(ue.subscribe().status).toBe(200);
    lab.pass(0.1);
    const [again] = ue.news();
    expect(again).toMatchObject({ state: "active", event: "shortened" });
    expect(lab.reauthentications).toMatchObject([{ end: null, notifiedAt }]);
    expect(lab.atScscf(ue.user)[0]?.expiresAt).toBe(notifiedAt + N);
  });

  test("unsubscribing does not end it either: it goes at the deadline", async () => {
    const notifiedAt = trigger();
    ue.subscribe(undefined, 0);
    ue.news();
    passTo(lab, notifiedAt + N - 1);
    expect(lab.atScscf(ue.user)).toHaveLength(1);
    lab.pass(0.1);
    expect(lab.onlyEnd).toBe("ignored");
    expect(ue.news()).toEqual([]);
    await expectGone(lab, ue);
  });
});

describe("leaving over a connection", () => {
  beforeEach(async () => {
    expect(ue.register({ expires: 0 }).status).toBe(200);
    ue = await ScriptedUe.subscribed(lab, "carol", { transport: "tcp" });
  });

  test("while it is due: challenged once; answered, it takes effect", async () => {
    trigger();
    expect(ue.register({ expires: 0 }).status).toBe(200);
    lab.pass(0.1);
    expect(lab.onlyEnd).toBe("withdrawn");
    expect(ue.news()).toMatchObject([{ event: "unregistered" }]);
    await expectGone(lab, ue);
  });

  test("answered wrongly, it takes effect anyway", async () => {
    trigger();
    ue.faults = { wrongRes: true };
    expect(ue.register({ expires: 0 }).status).toBe(403);
    lab.pass(0.1);
    expect(lab.onlyEnd).toBe("withdrawn");
    const last = ue.news().at(-1)?.notify.get(SubscriptionState);
    expect(last?.params.get("reason")).toBe("noresource");
    await expectGone(lab, ue);
  });

  test("never answered, it takes effect at the deadline at the latest", async () => {
    trigger();
    expect(ue.ask({ expires: 0 }).status).toBe(401);
    lab.pass(AWAIT / 1000 + 0.1);
    expect(lab.atScscf(ue.user)).toEqual([]);
    expect(lab.onlyEnd).toBe("withdrawn");
    await expectGone(lab, ue);
  });

  test("not due: at once", async () => {
    expect(ue.ask({ expires: 0 }).status).toBe(200);
    lab.pass(0.1);
    expect(ue.news()).toMatchObject([{ state: "terminated noresource", event: "unregistered" }]);
    await expectGone(lab, ue);
  });
});

describe("leaving over UDP, where a source address proves nothing", () => {
  const WAYS = [
    { way: "Expires 0", ask: () => ue.ask({ expires: 0 }) },
    { way: "expires=0", ask: () => ue.ask({ contact: `${ue.contact};expires=0` }) },
    { way: "*", ask: () => ue.ask({ contact: "*", expires: 0 }) },
    {
      way: "one to stay and one to go",
      ask: () => ue.ask({ contact: `<sip:bob@192.0.2.200>, ${ue.contact};expires=0` }),
    },
  ];
  test.each(WAYS)("$way: challenged; unanswered, nothing happens", ({ ask }) => {
    expect(ask().status).toBe(401);
    expect(integrityOfLast()).toBe("no");
    lab.pass(AWAIT / 1000 + 1);
    expect(lab.atScscf(ue.user)).toHaveLength(1);
    expect(lab.atPcscf(ue.user)).toHaveLength(1);
  });

  test("answered, it takes effect", async () => {
    expect(ue.register({ expires: 0 }).status).toBe(200);
    lab.pass(0.1);
    expect(ue.news()).toMatchObject([{ state: "terminated noresource", event: "unregistered" }]);
    await expectGone(lab, ue);
  });

  test("while it is due and answered: withdrawn", async () => {
    trigger();
    expect(ue.register({ expires: 0 }).status).toBe(200);
    lab.pass(0.1);
    expect(lab.onlyEnd).toBe("withdrawn");
    await expectGone(lab, ue);
  });

  test.each([
    { way: "unanswered", faults: undefined, status: 401 },
    { way: "answered wrongly", faults: { wrongRes: true }, status: 403 },
  ])("while it is due and $way: the deadline decides, not the datagram", ({ faults, status }) => {
    const notifiedAt = trigger();
    ue.faults = faults ?? {};
    for (let turn = 0; turn < 3; turn++)
      expect((faults ? ue.register({ expires: 0 }) : ue.ask({ expires: 0 })).status).toBe(status);
    passTo(lab, notifiedAt + N - 1);
    expect(lab.atScscf(ue.user)).toHaveLength(1);
    expect(ue.ask({ expires: 0 }).status).toBe(401);
    passTo(lab, notifiedAt + N);
    expect(lab.atScscf(ue.user)).toEqual([]);
    expect(lab.onlyEnd).toBe("ignored");
  });
});

/** What the P-CSCF wrote into the last REGISTER that reached the S-CSCF. */
function integrityOfLast(): string | undefined {
  const last = lab.passed("REGISTER", "P-CSCF", "S-CSCF").at(-1);
  return /integrity-protected="([^"]*)"/.exec(last?.text("Authorization") ?? "")?.[1];
}
