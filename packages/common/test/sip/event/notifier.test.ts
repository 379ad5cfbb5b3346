// RFC 6665 §4.2: the notifier's machine, and how long it grants.
import { describe, expect, it } from "vitest";
import { grantExpires } from "../../../src/sip/event/grant.ts";
import {
  type NotifierEffect,
  type NotifierInput,
  type NotifierState,
  stepNotifier,
} from "../../../src/sip/event/notifier.ts";

const T0 = 1_700_000_000_000;

function run(inputs: readonly NotifierInput[]): {
  state: NotifierState;
  last: readonly NotifierEffect[];
} {
  let state: NotifierState = { name: "init" };
  let last: readonly NotifierEffect[] = [];
  for (const input of inputs) ({ state, effects: last } = stepNotifier(state, input));
  return { state, last };
}

function subscribed(expires: number, now = T0): NotifierInput {
  return { kind: "subscribed", now, expires, state: "active" };
}
const acknowledged: NotifierInput = { kind: "answered", now: T0, status: 200 };
const changed: NotifierInput = { kind: "changed", now: T0 + 5000 };
const notify = (subscriptionState: string, full: boolean): NotifierEffect => ({
  kind: "notify",
  subscriptionState,
  full,
});
const ended = { kind: "ended", end: { kind: "notified", reason: "timeout" } } as const;

describe("RFC 6665 §4.2.1.2: a NOTIFY at once after each 200", () => {
  it("an initial SUBSCRIBE", () => {
    expect(run([subscribed(600)]).last).toEqual([
      { kind: "expire", at: T0 + 600_000 },
      notify("active;expires=600", true),
    ]);
  });

  it("a refresh", () => {
    const { last } = run([subscribed(600), acknowledged, subscribed(900, T0 + 1000)]);
    expect(last).toContainEqual(notify("active;expires=900", true));
  });

  it("a pending one says so", () => {
    const pending: NotifierInput = { kind: "subscribed", now: T0, expires: 60, state: "pending" };
    expect(run([pending]).last).toContainEqual(notify("pending;expires=60", true));
  });

  it("2^32-1 seconds", () => {
    const { last } = run([subscribed(2 ** 32 - 1)]);
    expect(last).toContainEqual(notify("active;expires=4294967295", true));
  });

  it("an unsubscribe and a fetch: terminated;reason=timeout", () => {
    const final = notify("terminated;reason=timeout", true);
    expect(run([subscribed(600), acknowledged, subscribed(0)]).last).toEqual([ended, final]);
    expect(run([subscribed(0)]).last).toEqual([final]); // it never was a subscription
    expect(run([subscribed(0), acknowledged]).last).toEqual([{ kind: "remove" }]);
  });
});

describe("one NOTIFY at a time", () => {
  it("a change while one is under way waits", () => {
    expect(run([subscribed(600), changed]).last).toEqual([]);
    const { last } = run([subscribed(600), changed, { ...acknowledged, now: T0 + 6000 }]);
    expect(last).toEqual([notify("active;expires=594", false)]);
  });

  it("several changes become one NOTIFY with the whole state", () => {
    const { last } = run([subscribed(600), changed, changed, acknowledged]);
    expect(last).toEqual([notify("active;expires=600", true)]);
  });

  it("the end waits too, and comes once", () => {
    const over: NotifierInput = { kind: "expired" };
    expect(run([subscribed(600), over]).last).toEqual([ended]);
    expect(run([subscribed(600), over, acknowledged]).last).toEqual([
      notify("terminated;reason=timeout", true),
    ]);
    expect(run([subscribed(600), over, acknowledged, acknowledged]).last).toEqual([
      { kind: "remove" },
    ]);
  });
});

describe("RFC 6665 §4.2.2: ends", () => {
  it("probation carries retry-after", () => {
    const later: NotifierInput = { kind: "terminate", reason: "probation", retryAfter: 90 };
    expect(run([subscribed(600), acknowledged, later]).last).toContainEqual(
      notify("terminated;reason=probation;retry-after=90", true),
    );
  });

  it.each([404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])(
    "a NOTIFY answered %i removes the subscription",
    (status) => {
      expect(run([subscribed(600), { kind: "answered", now: T0, status }]).last).toEqual([
        { kind: "ended", end: { kind: "failed", status } },
        { kind: "remove" },
      ]);
    },
  );

  it.each([400, 403, 500, 503, 600])("a NOTIFY answered %i leaves it", (status) => {
    const { state } = run([subscribed(600), { kind: "answered", now: T0, status }]);
    expect(state).toMatchObject({ name: "active", sent: false });
  });

  it("Timer F removes it, a transport failure does not", () => {
    const silent: NotifierInput = { kind: "failed", now: T0, timedOut: true };
    expect(run([subscribed(600), silent]).state.name).toBe("terminated");
    expect(run([subscribed(600), { ...silent, timedOut: false }]).state.name).toBe("active");
  });

  it("no last NOTIFY to a peer that has just shown to be gone", () => {
    const over: NotifierInput = { kind: "terminate", reason: "rejected" };
    const silent: NotifierInput = { kind: "failed", now: T0, timedOut: true };
    expect(run([subscribed(600), over, silent]).last).toEqual([{ kind: "remove" }]);
  });
});

describe("grants", () => {
  const standard = { default: 3761, min: 60, max: 600_000 };
  const seed = { ...standard, raiseTo: 3600 };
  it.each([
    ["nothing asked: the default", undefined, standard, 3761],
    ["only lowered", 700_000, standard, 600_000],
    ["as asked", 90, standard, 90],
    ["0 stays 0", 0, standard, 0],
    ["seed: raised to the registration's", 90, seed, 3600],
    ["seed: 0 is never raised", 0, seed, 0],
    ["seed: longer stays", 7200, seed, 7200],
    ["seed, unlimited", 90, { ...standard, raiseTo: 2 ** 32 - 1 }, 2 ** 32 - 1],
    ["an hour is never too brief", 3600, { ...standard, min: 7200 }, 3600],
  ])("%s", (_name, asked, rule, expires) => {
    expect(grantExpires(asked, rule)).toEqual({ kind: "granted", expires });
  });

  it("below the minimum: 423", () => {
    expect(grantExpires(59, standard)).toEqual({ kind: "too-brief", minExpires: 60 });
  });
});
