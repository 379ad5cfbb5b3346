// Registrations and subscriptions over weeks and years: renewed in time, nothing piles up. TS 24.229 §5.1.1.4, §5.1.2.1.
import { describe, expect, test } from "vitest";
import { Lab, type LabOptions, type Ue } from "./lab.ts";

const DAY = 86_400;
const EXPIRES = 600_000;
/** Refreshed 600 s before its end. */
const ROUND = EXPIRES - 600;
const UNLIMITED = 2 ** 32 - 1;

/** Milliseconds from now until the UE registers by itself. */
function untilRefresh(lab: Lab, { view }: Ue): number {
  return Math.round((view.registration.nextAt ?? 0) - lab.clock.now());
}

const variants: readonly LabOptions[] = (["udp", "tcp"] as const).flatMap((transport) =>
  (["seed", "ts24229"] as const).map((profile) => ({ transport, profile })),
);

describe.each(variants)("600 000 s, $profile, $transport", (variant) => {
  test("five weeks: refreshed 600 s before each end, unchallenged, subscriptions renewed", async () => {
    const { lab, alice } = await Lab.withAlice(variant);
    expect(untilRefresh(lab, alice)).toBeCloseTo((ROUND - 5) * 1000, -2);
    lab.pass(ROUND); // the first refresh: what was set up once is set up now
    const timers = lab.clock.pending;
    const rounds = Math.floor((35 * DAY) / ROUND);
    for (let round = 1; round <= rounds; round++) {
      lab.forget();
      lab.pass(ROUND);
      expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(1);
      expect(lab.passed("401 REGISTER")).toEqual([]);
      expect(lab.attempts("SUBSCRIBE", "UE", "P-CSCF")).toBe(1);
      expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
      expect(lab.clock.pending).toBe(timers);
    }
    expect(lab.logs.scscf.named("registration.bound")).toHaveLength(1);
    expect(lab.logs.scscf.named("registration.removed")).toHaveLength(0);
  });

  test("switched off: everything goes with the registration, no timer is left", async () => {
    const { lab, alice } = await Lab.withAlice(variant);
    await lab.switchOff(alice);
    lab.pass(EXPIRES + 700);
    expect(lab.ofAlice).toEqual({ atScscf: 0, subscribed: 0, atPcscf: 0 });
    expect(lab.scscf.notifier.size).toBe(0);
    expect(lab.scscf.pcscfSubscriptions.size).toBe(0);
    expect(lab.pcscf.notifier.size).toBe(0);
    expect(lab.clock.pending).toBe(0);
  });
});

describe("2^32-1 s", () => {
  const unlimited = { expires: "unlimited" } as const;

  test("three years: one SUBSCRIBE of the UE, one of the S-CSCF, registered all the time", async () => {
    const { lab, alice } = await Lab.withAlice(unlimited);
    const [binding] = lab.atScscf("alice");
    const left = ((binding?.subscription?.expiresAt ?? 0) - lab.clock.now()) / 1000;
    expect(left).toBeCloseTo(UNLIMITED - 5, -1);
    for (let year = 1; year <= 3; year++) {
      lab.pass(365 * DAY);
      expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
    }
    expect(alice.state).toBe("registered");
    expect(lab.attempts("SUBSCRIBE", "UE", "P-CSCF")).toBe(1);
    expect(lab.attempts("SUBSCRIBE", "S-CSCF", "P-CSCF")).toBe(1);
    expect(lab.logs.scscf.named("registration.bound")).toHaveLength(1);
  });

  test("still serves a trigger of either side after a year", async () => {
    const { lab } = await Lab.withAlice(unlimited);
    lab.pass(365 * DAY);
    lab.askByScscf("alice");
    lab.pass(5);
    expect(lab.askByPcscf("alice")).toBe("asked");
    lab.pass(5);
    const ends = lab.reauthentications.map(({ cause, end }) => `${cause} ${end}`);
    expect(ends).toEqual(["pcscf reauthenticated", "operator reauthenticated"]);
  });

  test("ends with the binding when the UE de-registers", async () => {
    const { lab, alice } = await Lab.withAlice(unlimited);
    alice.deregister();
    lab.pass(200);
    expect(alice.state).toBe("deregistered");
    expect(lab.ofAlice).toEqual({ atScscf: 0, subscribed: 0, atPcscf: 0 });
    expect(lab.scscf.notifier.size + lab.pcscf.notifier.size).toBe(0);
    expect(lab.clock.pending).toBe(0);
  });

  test("ends with the binding when the operator de-registers", async () => {
    const { lab } = await Lab.withAlice(unlimited);
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(200);
    expect(lab.ofAlice).toEqual({ atScscf: 0, subscribed: 0, atPcscf: 0 });
    expect(lab.scscf.notifier.size + lab.pcscf.notifier.size).toBe(0);
    expect(lab.clock.pending).toBe(0);
  });
});

describe("short registrations", () => {
  test.each([60, 300, 1200])("%i s: refreshed at half time, again and again", async (seconds) => {
    const ue = { "registration.expiresSeconds": seconds };
    const { lab, alice } = await Lab.withAlice({ ue });
    expect(untilRefresh(lab, alice)).toBeCloseTo((seconds / 2 - 5) * 1000, -2);
    lab.forget();
    lab.pass(40 * (seconds / 2));
    expect(lab.attempts("REGISTER", "UE", "P-CSCF")).toBe(40);
    expect(lab.passed("401 REGISTER")).toEqual([]);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
    expect(lab.logs.scscf.named("registration.bound")).toHaveLength(1);
  });

  test("1201 s: refreshed 600 s before the end", async () => {
    const { lab, alice } = await Lab.withAlice({ ue: { "registration.expiresSeconds": 1201 } });
    expect(untilRefresh(lab, alice)).toBeCloseTo(596_000, -2);
  });

  test("RFC 3261 §10.2.8: 59 s is refused with 423, 60 s is asked for and granted", async () => {
    const { lab, alice } = await Lab.withAlice({ ue: { "registration.expiresSeconds": 59 } });
    expect(lab.passed("423 REGISTER", "P-CSCF", "UE")).not.toEqual([]);
    expect(alice.state).toBe("registered");
    expect(untilRefresh(lab, alice)).toBeLessThan(30_000);
  });
});
