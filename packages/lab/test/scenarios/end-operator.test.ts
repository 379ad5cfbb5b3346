// De-registration by the network, by cause, and what the UE makes of it. TS 24.229 §5.4.1.5, §5.1.1.7.
import { describe, expect, test } from "vitest";
import { expectNothingLeft, passTo } from "./end-state.ts";
import { Lab } from "./lab.ts";
import { newsIn } from "./scripted-ue.ts";

const CAUSES = [
  { cause: { kind: "expired" }, reason: "noresource", retryAfter: undefined },
  { cause: { kind: "deactivated" }, reason: "deactivated", retryAfter: undefined },
  { cause: { kind: "rejected" }, reason: "rejected", retryAfter: undefined },
  { cause: { kind: "probation", retryAfterSeconds: 90 }, reason: "probation", retryAfter: 90 },
] as const;

describe.each(["seed", "ts24229"] as const)("profile %s", (profile) => {
  test.each(CAUSES)("$cause.kind: the last NOTIFY of the subscription says so", async (row) => {
    const { cause, reason, retryAfter } = row;
    const { lab, alice } = await Lab.withAlice({ profile });
    const contact = alice.view.contact;
    lab.forget();
    lab.deregister("alice", cause);
    expect(lab.atScscf("alice")).toEqual([]);
    lab.pass(0.01);
    const notifies = lab.passed("NOTIFY", "P-CSCF", "UE");
    expect(notifies).toHaveLength(1);
    const [notify] = notifies;
    if (notify?.kind !== "request") throw new Error("no NOTIFY");
    const news = newsIn(notify, contact);
    expect(news).toMatchObject({ state: `terminated ${reason}`, registration: "terminated" });
    expect(news.contact).toMatchObject({ state: "terminated", event: cause.kind });
    expect(news.contact?.retryAfter).toBe(retryAfter);
    const said = notify.text("Subscription-State") ?? "";
    expect(/retry-after=(\d+)/.exec(said)?.[1]).toBe(retryAfter?.toString());
    expect(lab.logs.scscf.named("registration.removed")).toMatchObject([{ cause: cause.kind }]);
  });

  test("deactivated: the UE registers anew at once, and subscribes again", async () => {
    const { lab, alice } = await Lab.withAlice({ profile });
    const [before] = lab.atScscf("alice");
    lab.deregister("alice", { kind: "deactivated" });
    lab.pass(1);
    expect(alice.state).toBe("registered");
    const [after] = lab.atScscf("alice");
    expect(after?.callId).not.toBe(before?.callId);
    expect(after?.subscription).not.toBeNull();
    lab.pass(200);
    expect(lab.atScscf("alice")).toHaveLength(1);
    expect(lab.atPcscf("alice")).toHaveLength(1);
  });

  test("rejected: the UE stays away", async () => {
    const { lab, alice } = await Lab.withAlice({ profile });
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(1);
    lab.forget();
    lab.pass(86_400);
    expect(alice.state).toBe("deregistered");
    expect(lab.passed("REGISTER")).toEqual([]);
    expect(lab.passed("SUBSCRIBE", "UE")).toEqual([]);
    expectNothingLeft(lab);
  });

  test("probation: the UE comes back after retry-after, not before", async () => {
    const { lab, alice } = await Lab.withAlice({ profile });
    const told = lab.clock.now();
    lab.deregister("alice", { kind: "probation", retryAfterSeconds: 90 });
    lab.pass(1);
    lab.forget();
    passTo(lab, told + 89_000);
    expect(lab.passed("REGISTER")).toEqual([]);
    expect(alice.state).not.toBe("registered");
    lab.pass(3);
    expect(alice.state).toBe("registered");
    expect(lab.atScscf("alice")).toHaveLength(1);
  });

  test("expired: the UE comes back by itself, between half a minute and a minute later", async () => {
    const { lab, alice } = await Lab.withAlice({ profile });
    lab.deregister("alice", { kind: "expired" });
    lab.pass(29);
    expect(alice.state).toBe("waiting");
    expect(lab.ofAlice).toEqual({ atScscf: 0, subscribed: 0, atPcscf: 0 });
    lab.pass(33);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
  });
});
