// The subscription to one's own registration as tables. RFC 6665 §4.1.2, §4.1.3; TS 24.229 §5.1.1.3.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import type { Ending } from "@ims-lab/common/sip/event/subscriber-state";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { describe, expect, test } from "vitest";
import { stepSubscription } from "../../src/subscription/machine.ts";
import {
  initialSubscription,
  nextSubscriptionDeadline,
  type SubscriptionEffect,
  type SubscriptionInput,
  type SubscriptionState,
} from "../../src/subscription/state.ts";

const HOUR = 3_600_000;

class Run {
  now = 1_000_000_000;
  state: SubscriptionState = initialSubscription(OWN_PACKAGE);
  effects: readonly SubscriptionEffect[] = [];
  isRegistered = true;
  isPending = false;
  readonly #random = seededRandom(5);

  give(...inputs: readonly SubscriptionInput[]): this {
    for (const input of inputs) {
      const { now, isRegistered, isPending } = this;
      const context = { now, isRegistered, isPending, random: this.#random };
      ({ state: this.state, effects: this.effects } = stepSubscription(context, this.state, input));
    }
    return this;
  }

  untilDue(): this {
    this.now = nextSubscriptionDeadline(this.state) ?? Number.NaN;
    return this.give({ kind: "due" });
  }

  /** Seconds until the machine acts by itself. */
  get patience(): number | undefined {
    const deadline = nextSubscriptionDeadline(this.state);
    return deadline === undefined ? undefined : (deadline - this.now) / 1000;
  }

  get kinds(): readonly string[] {
    return this.effects.map(({ kind }) => kind);
  }
}

function registered(first = true, serviceRoute = "<sip:s;lr>", hours = 100): SubscriptionInput {
  return { kind: "registered", first, serviceRoute, expiresAt: 1_000_000_000 + hours * HOUR };
}
const GRANTED: SubscriptionInput = { kind: "heard", expiresAt: undefined };
const heard = (hours: number): SubscriptionInput => ({
  kind: "heard",
  expiresAt: 1_000_000_000 + hours * HOUR,
});
const ended = (why: Ending["why"], resubscribe: Ending["resubscribe"]): SubscriptionInput => ({
  kind: "ended",
  ending: { why, resubscribe },
});
const refused = (status: number, retryAfter?: number): SubscriptionInput =>
  ended({ kind: "refused", status, retryAfter }, { kind: "never" });
const terminated = (resubscribe: Ending["resubscribe"]): SubscriptionInput =>
  ended({ kind: "terminated" }, resubscribe);
const TIMED_OUT = ended(
  { kind: "unreachable", failure: "timeout" },
  { kind: "later", seconds: 60 },
);

const asking = (): Run => new Run().give(registered());
const active = (): Run => asking().give(GRANTED, heard(100));

test("it begins with the registration, and never without one", () => {
  expect(asking().kinds).toEqual(["subscribe"]);
  const run = new Run();
  run.isRegistered = false;
  expect(run.give(registered()).effects).toEqual([]);
});

describe("the first SUBSCRIBE", () => {
  test.each<[string, SubscriptionInput, string, readonly string[]]>([
    ["is granted", GRANTED, "granted", []],
    ["is overtaken by its NOTIFY", heard(100), "active", []],
    ["is answered 489", refused(489), "paused", []],
    ["is answered 403", refused(403), "paused", ["lost"]],
    ["is answered 481", refused(481), "paused", ["lost"]],
    ["is answered 400", refused(400), "none", []],
    ["is answered 501", refused(501), "none", []],
    ["is answered 500", refused(500), "paused", []],
    ["is answered 404 with Retry-After", refused(404, 60), "paused", []],
    ["times out", TIMED_OUT, "paused", []],
    ["loses its connection", { kind: "flow-lost" }, "none", ["forget"]],
    ["hears that the registration is over", { kind: "deregistered" }, "lingering", []],
  ])("%s", (_name, input, phase, kinds) => {
    const run = asking().give(input);
    expect([run.state.phase.name, run.kinds]).toEqual([phase, kinds]);
  });

  test("489: the package of RFC 3680 at once; there it is the end until the next REGISTER", () => {
    const run = asking().give(refused(489));
    expect([run.patience, run.state.package]).toEqual([0, REG_PACKAGE]);
    expect(run.untilDue().kinds).toEqual(["subscribe"]);
    run.give(refused(489));
    expect([run.state.phase, run.patience]).toEqual([
      { name: "none", comesWith: "register" },
      undefined,
    ]);
    expect(run.give(registered(false)).kinds).toEqual(["subscribe"]);
  });

  test.each([500, 503, 480])(
    "%d again and again: 2, 4, 8, 16 s and so on, to half an hour",
    (status) => {
      const run = asking();
      for (let most = 2; most < 1e6; most *= 2) {
        run.give(refused(status));
        expect(run.patience).toBeGreaterThanOrEqual(0.75 * Math.min(most, 1800));
        expect(run.patience).toBeLessThanOrEqual(Math.min(most, 1800));
        expect(run.untilDue().kinds).toEqual(["subscribe"]);
      }
    },
  );

  test.each([
    [0, 5],
    [1, 5],
    [20, 20],
    [2 ** 32 - 1, 1800],
  ])("Retry-After %d: about %d s", (retryAfter, seconds) => {
    const run = asking().give(refused(503, retryAfter));
    expect(run.patience).toBeGreaterThanOrEqual(seconds);
    expect(run.patience).toBeLessThanOrEqual(seconds + 5);
    // It is the network's pause, not ours.
    expect(run.give(registered(false)).effects).toEqual([]);
  });

  test("silence: another one after 8 s, four times; then Timer F decides", () => {
    const run = asking();
    for (let times = 0; times < 4; times++) {
      expect(run.patience).toBe(8);
      expect(run.untilDue().kinds).toEqual(["subscribe"]);
    }
    expect(run.patience).toBeUndefined();
    run.now += 32_000;
    expect(run.give(TIMED_OUT).patience).toBeGreaterThan(10);
  });

  test("a registration that begins forgets earlier troubles", () => {
    const run = asking();
    for (let times = 0; times < 10; times++) run.give(refused(500)).untilDue();
    expect(run.give(registered(), refused(500)).patience).toBeLessThanOrEqual(2);
  });
});

describe("an active one", () => {
  test("is renewed 600 s before its end, or behind a REGISTER under way", () => {
    const run = asking().give(GRANTED, heard(10));
    expect(run.patience).toBe(36_000 - 600);
    expect(run.untilDue().kinds).toEqual(["refresh"]);
    const other = asking().give(GRANTED, heard(10));
    other.isPending = true;
    expect(other.untilDue().effects).toEqual([]);
    other.isPending = false;
    expect(other.give(registered(false, "<sip:s;lr>", 1)).kinds).toEqual(["refresh"]);
  });

  test("is renewed with a registration that outlives it, and only with such a one", () => {
    expect(active().give(registered(false, "<sip:s;lr>", 200)).kinds).toEqual(["refresh"]);
    expect(active().give(registered(false, "<sip:s;lr>", 50)).kinds).toEqual([]);
  });

  test("begins anew where another Service-Route says that it was forgotten", () => {
    expect(active().give(registered(false, "<sip:other;lr>")).kinds).toEqual(["subscribe"]);
  });

  test.each<[string, SubscriptionInput, string, readonly string[]]>([
    ["a refresh is answered 403", { kind: "refused", status: 403 }, "paused", ["forget", "lost"]],
    ["a refresh is answered 503", { kind: "refused", status: 503 }, "active", []],
    ["a refresh is answered 481", refused(481), "paused", ["lost"]],
    [
      "a refresh is answered 404",
      ended({ kind: "refused", status: 404 }, { kind: "now" }),
      "paused",
      ["forget"],
    ],
    ["it is terminated, to be had again", terminated({ kind: "now" }), "paused", ["forget"]],
    ["it is terminated for good", terminated({ kind: "never" }), "none", []],
    ["a version goes down", { kind: "stale" }, "paused", ["forget"]],
    ["a document is missing", { kind: "gap" }, "active", ["refresh"]],
    ["its connection is lost", { kind: "flow-lost" }, "active", []],
    ["the registration ends", { kind: "deregistered" }, "lingering", []],
  ])("%s", (_name, input, phase, kinds) => {
    const run = active();
    run.now += HOUR;
    run.give(input);
    expect([run.state.phase.name, run.kinds]).toEqual([phase, kinds]);
  });

  test("documents are missing again and again: asked for once in 30 s, however many tell of it", () => {
    const run = active();
    const asked: string[] = [];
    for (let second = 0; second < 61; second++) {
      asked.push(...run.give({ kind: "gap" }).kinds);
      run.give(heard(100 + second)); // the answer to the refresh, with the next gap
      run.now += 1_000;
    }
    expect(asked).toEqual(["refresh", "refresh", "refresh"]);
  });

  test("terminated again and again: at once, then after ever longer pauses", () => {
    const run = active();
    run.now += HOUR;
    const pauses: number[] = [];
    for (let times = 0; times < 6; times++) {
      run.give(terminated({ kind: "now" }));
      pauses.push(run.patience ?? Number.NaN);
      run.untilDue().give(GRANTED, heard(100));
    }
    expect(pauses.slice(0, 2)).toEqual([0, 0]);
    expect(pauses[5]).toBeGreaterThan(30);
  });

  test("terminated with retry-after: not sooner, not even with a REGISTER", () => {
    const run = active().give(terminated({ kind: "later", seconds: 100 }));
    expect(run.patience).toBeGreaterThanOrEqual(100);
    expect(run.give(registered(false)).effects).toEqual([]);
  });
});

test("after the registration its last NOTIFY is waited for, and no new one begins by itself", () => {
  const run = active().give({ kind: "deregistered" });
  run.isRegistered = false;
  expect(run.give(terminated({ kind: "now" })).state.phase.name).toBe("lingering");
  expect(run.untilDue().kinds).toEqual(["forget"]);
  expect(run.patience).toBeUndefined();
  run.isRegistered = true;
  expect(run.give(registered()).kinds).toEqual(["subscribe"]);
});

test("a pause that outlasts the registration leads to nothing", () => {
  const run = asking().give(refused(500));
  run.isRegistered = false;
  expect([run.untilDue().effects, run.patience]).toEqual([[], undefined]);
});
