// RFC 6665 §4.1: the subscriber's machine, by table.
import { describe, expect, it } from "vitest";
import { afterTermination } from "../../../src/sip/event/ending.ts";
import { stepSubscriber } from "../../../src/sip/event/subscriber.ts";
import type {
  Ending,
  SubscriberContext,
  SubscriberEffect,
  SubscriberInput,
  SubscriberState,
} from "../../../src/sip/event/subscriber-state.ts";

const T0 = 1_700_000_000_000;
const CONTEXT: SubscriberContext = {
  timerN: 32_000,
  expires: 3600,
  refreshAfter: (granted) => (granted > 1200 ? granted - 600 : granted / 2),
};

/** An input `at` milliseconds after T0. */
type Told<T> = T extends SubscriberInput ? Omit<T, "now"> & { at?: number } : never;

function run(inputs: readonly Told<SubscriberInput>[]): {
  state: SubscriberState;
  last: readonly SubscriberEffect[];
  ending: Ending | undefined;
} {
  let state: SubscriberState = { name: "init" };
  let last: readonly SubscriberEffect[] = [];
  let ending: Ending | undefined;
  for (const { at = 0, ...input } of inputs) {
    const step = stepSubscriber(CONTEXT, state, { ...input, now: T0 + at } as SubscriberInput);
    state = step.state;
    last = step.effects;
    for (const effect of last) if (effect.kind === "ended") ending = effect.ending;
  }
  return { state, last, ending };
}

const subscribe = { kind: "subscribe", expires: 3600 } as const;
const ok = { kind: "response", status: 200, expires: 3600 } as const;
const active = { kind: "notify", state: "active", expires: 3600 } as const;
const established = [subscribe, ok, active] as const;
const refresh = { kind: "timer", timer: "refresh", at: 3_000_000 } as const;

describe("RFC 6665 §4.1.2.1: subscribing", () => {
  it("sends, and waits Timer N for the first NOTIFY", () => {
    const { state, last } = run([subscribe]);
    expect(state.name).toBe("notifyWait");
    expect(last).toContainEqual({ kind: "send", expires: 3600 });
    expect(last).toContainEqual({ kind: "set", timer: "N", at: T0 + 32_000 });
  });

  it("the 2xx alone makes no subscription; the NOTIFY does", () => {
    expect(run([subscribe, ok]).state.name).toBe("notifyWait");
    const { state, last } = run(established);
    expect(state).toEqual({ name: "active", expiresAt: T0 + 3_600_000 });
    expect(last).toContainEqual({ kind: "stop", timer: "N" });
    expect(last).toContainEqual({ kind: "set", timer: "refresh", at: T0 + 3_000_000 });
  });

  it("a NOTIFY before the 2xx is taken", () => {
    expect(run([subscribe, active]).state.name).toBe("active");
    expect(run([subscribe, active, ok]).state).toEqual({
      name: "active",
      expiresAt: T0 + 3_600_000,
    });
  });

  it("pending becomes active", () => {
    const pending = { ...active, state: "pending" } as const;
    expect(run([subscribe, ok, pending]).state.name).toBe("pending");
    expect(run([subscribe, ok, pending, active]).state.name).toBe("active");
  });

  it("Timer N without a NOTIFY ends it", () => {
    const fired = { kind: "timer", timer: "N", at: 32_000 } as const;
    expect(run([subscribe, ok, fired]).ending).toEqual({
      why: { kind: "no-notify" },
      resubscribe: { kind: "now" },
    });
  });

  it.each([
    [403, undefined, { kind: "never" }],
    [489, undefined, { kind: "never" }],
    [480, undefined, { kind: "later", seconds: 60 }],
    [503, 17, { kind: "later", seconds: 17 }],
  ])("%i (Retry-After %s) ends it: %j", (status, retryAfter, resubscribe) => {
    const { ending } = run([subscribe, { kind: "response", status, retryAfter }]);
    expect(ending).toEqual({
      why: { kind: "refused", status, ...(retryAfter !== undefined && { retryAfter }) },
      resubscribe,
    });
  });

  it("423 is answered with Min-Expires, twice at most", () => {
    const brief = (minExpires: number) => ({ kind: "response", status: 423, minExpires }) as const;
    const first = run([{ ...subscribe, expires: 10 }, brief(60)]);
    expect(first.last).toContainEqual({ kind: "send", expires: 60 });
    const again = run([{ ...subscribe, expires: 10 }, brief(60), brief(120), brief(240)]);
    expect(again.ending?.why).toEqual({ kind: "refused", status: 423 });
    expect(run([subscribe, brief(60)]).ending?.why).toEqual({ kind: "refused", status: 423 });
  });

  it("a duration of 2^32-1 seconds needs no arithmetic of 32 bits", () => {
    const expires = 2 ** 32 - 1;
    const { state, last } = run([
      { ...subscribe, expires },
      { ...active, expires },
    ]);
    expect(state).toMatchObject({ expiresAt: T0 + expires * 1000 });
    expect(last).toContainEqual({ kind: "set", timer: "refresh", at: T0 + (expires - 600) * 1000 });
  });
});

describe("RFC 6665 §4.1.2.2: refreshing", () => {
  it("sends a SUBSCRIBE in time and takes the new expiry", () => {
    const sent = run([...established, refresh]);
    expect(sent.last).toContainEqual({ kind: "send", expires: 3600 });
    const { state } = run([...established, refresh, { ...ok, at: 3_000_100 }]);
    expect(state).toMatchObject({ expiresAt: T0 + 3_000_100 + 3_600_000 });
  });

  it.each([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])(
    "%i means that it is gone: subscribe anew",
    (status) => {
      const { ending } = run([...established, refresh, { kind: "response", status }]);
      expect(ending).toEqual({
        why: { kind: "refused", status },
        resubscribe: { kind: "now" },
      });
    },
  );

  it.each([400, 403, 408, 500, 503])("%i leaves it alive until its expiry", (status) => {
    const refused = { kind: "response", status, at: 3_000_000 } as const;
    const { state, last } = run([...established, refresh, refused]);
    expect(state).toEqual({ name: "active", expiresAt: T0 + 3_600_000 });
    expect(last).toContainEqual({ kind: "set", timer: "refresh", at: T0 + 3_300_000 });
    const expired = { kind: "timer", timer: "expiry", at: 3_600_000 } as const;
    expect(run([...established, refresh, refused, expired]).ending?.why.kind).toBe("expired");
  });

  it.each([0, 1, 9])(
    "503 with Retry-After %i: ten seconds at least, or it would be a storm",
    (retryAfter) => {
      const busy = { kind: "response", status: 503, retryAfter, at: 3_000_000 } as const;
      const { last } = run([...established, refresh, busy]);
      expect(last).toContainEqual({ kind: "set", timer: "refresh", at: T0 + 3_010_000 });
    },
  );

  it("503 with Retry-After waits that long", () => {
    const busy = { kind: "response", status: 503, retryAfter: 20, at: 3_000_000 } as const;
    const { last } = run([...established, refresh, busy]);
    expect(last).toContainEqual({ kind: "set", timer: "refresh", at: T0 + 3_020_000 });
  });

  it("no answer and no NOTIFY within Timer N ends it", () => {
    const silent = { kind: "failure", why: "timeout", at: 3_032_000 } as const;
    expect(run([...established, refresh, silent]).ending?.why.kind).toBe("no-notify");
  });

  it("a second refresh waits for the first one's 200 and NOTIFY", () => {
    const first = [...established, { ...subscribe, at: 1000 }] as const;
    const second = [...first, { ...subscribe, expires: 7200, at: 1001 }] as const;
    expect(run(second).last).toEqual([]);
    expect(run([...second, { ...ok, at: 1002 }]).last).not.toContainEqual(
      expect.objectContaining({ kind: "send" }),
    );
    const done = run([...second, { ...ok, at: 1002 }, { ...active, at: 1003 }]);
    expect(done.last).toContainEqual({ kind: "send", expires: 7200 });
  });

  it("NOTIFYs that repeat the expiry do not push the refresh back", () => {
    const { last } = run([...established, { ...active, expires: 3590, at: 10_000 }]);
    expect(last).toEqual([{ kind: "stop", timer: "N" }]);
  });

  it("a NOTIFY that shortens the expiry moves the refresh", () => {
    const { state, last } = run([...established, { ...active, expires: 60, at: 10_000 }]);
    expect(state).toMatchObject({ expiresAt: T0 + 70_000 });
    expect(last).toContainEqual({ kind: "set", timer: "refresh", at: T0 + 40_000 });
  });
});

describe("RFC 6665 §4.1.2.3, §4.4.3: leaving", () => {
  const leave = { kind: "subscribe", expires: 0, at: 1000 } as const;
  const last = { kind: "notify", state: "terminated", reason: "timeout", at: 1100 } as const;
  const leftForGood = { why: { kind: "left" }, resubscribe: { kind: "never" } };

  it("Expires 0, 200, NOTIFY terminated", () => {
    const { state } = run([...established, leave, { ...ok, expires: 0 }, active]);
    expect(state.name).toBe("active");
    expect(run([...established, leave, { ...ok, expires: 0 }, last]).ending).toEqual(leftForGood);
  });

  it("ends without the last NOTIFY, by Timer N or an error", () => {
    const fired = { kind: "timer", timer: "N", at: 33_000 } as const;
    expect(run([...established, leave, fired]).ending).toEqual(leftForGood);
    const refused = { kind: "response", status: 500 } as const;
    expect(run([...established, leave, refused]).ending).toEqual(leftForGood);
  });

  it("before there is a dialog, waits for it", () => {
    const { last: sent } = run([subscribe, ok, leave, active]);
    expect(sent).toContainEqual({ kind: "send", expires: 0 });
  });

  it("a fetch ends with its one NOTIFY", () => {
    const fetch = { kind: "subscribe", expires: 0 } as const;
    expect(run([fetch, { ...ok, expires: 0 }, last]).ending).toEqual(leftForGood);
  });
});

describe("RFC 6665 §4.1.3: reasons", () => {
  it.each([
    ["deactivated", undefined, { kind: "now" }],
    ["probation", 30, { kind: "later", seconds: 30 }],
    ["probation", undefined, { kind: "later", seconds: 60 }],
    ["rejected", undefined, { kind: "never" }],
    ["timeout", 30, { kind: "now" }],
    ["giveup", 30, { kind: "later", seconds: 30 }],
    ["giveup", undefined, { kind: "now" }],
    ["noresource", undefined, { kind: "never" }],
    ["invariant", undefined, { kind: "never" }],
    ["strange", 5, { kind: "later", seconds: 5 }],
    [undefined, undefined, { kind: "now" }],
  ])("%s, retry-after %s: %j", (reason, retryAfter, advice) => {
    expect(afterTermination(reason, retryAfter)).toEqual(advice);
    const notify = { kind: "notify", state: "terminated", reason, retryAfter } as const;
    expect(run([...established, notify]).ending).toEqual({
      why: { kind: "terminated", reason },
      resubscribe: advice,
    });
  });
});
