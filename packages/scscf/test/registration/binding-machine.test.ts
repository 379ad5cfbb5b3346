// The binding machine: duty, expiry, re-authentication, leaving. docs/state-machines.md.
import { describe, expect, test } from "vitest";
import type {
  Accepted,
  Binding,
  BindingContext,
  BindingEffect,
  BindingInput,
  SubscriptionDuty,
} from "../../src/registration/binding.ts";
import { bind, dueAt, isShortened, step } from "../../src/registration/binding-machine.ts";

const T0 = 1_000_000;
const context: BindingContext = {
  subscriptionDeadlineMs: 32_000,
  reauthentication: { deadlineMs: 60_000, awaitMs: 240_000, onRefused: "wait" },
};

const [enforce, warn, optional] = ["enforce", "warn", "optional"] as const;

function accepted(at: number, more: Partial<Accepted> = {}): Accepted {
  return {
    at,
    authenticated: true,
    newId: `c${at}`,
    address: { contact: "sip:alice@192.0.2.1", params: "", path: ["<sip:t@p;lr>"] },
    impu: "sip:alice@lab",
    mode: "enforce",
    callId: "call-1",
    cseq: 2,
    expiresAt: at + 3_600_000,
    ...more,
  };
}
const device = { impi: "alice@lab", set: "sip:alice@lab", token: "tok" };

interface Ran {
  readonly state: Binding | undefined;
  readonly effects: readonly BindingEffect[];
}

function run(mode: SubscriptionDuty, inputs: readonly BindingInput[]): Ran {
  let state: Binding | undefined = bind(context, device, accepted(T0, { mode }));
  const effects: BindingEffect[] = [];
  for (const input of inputs) {
    if (state === undefined) throw new Error("went on after its end");
    const next = step(context, state, input.kind === "registered" ? { ...input, mode } : input);
    state = next.state;
    effects.push(...next.effects);
  }
  return { state, effects };
}
function alive({ state }: Ran): Binding {
  if (state === undefined) throw new Error("gone");
  return state;
}
const kinds = ({ effects }: Ran): string[] => effects.map(({ kind }) => kind);

const subscribed: BindingInput = { kind: "subscribed", at: T0 + 10 };
const unsubscribed = (at: number): BindingInput => ({ kind: "unsubscribed", at });
const asked = (at: number): BindingInput => ({
  kind: "asked",
  at,
  id: `ra${at}`,
  requestId: "rq",
  cause: "operator",
});
const notified = (at: number): BindingInput => ({ kind: "notified", at });
const due = (at: number): BindingInput => ({ kind: "due", at });
const refresh = (at: number, more: Partial<Accepted> = {}): BindingInput => ({
  kind: "registered",
  ...accepted(at, more),
});
const challenged = (at: number, ownFlow = true): BindingInput => ({
  kind: "challenged",
  at,
  ownFlow,
});
const failed = (at: number, ownFlow = true): BindingInput => ({
  kind: "failed",
  at,
  ownFlow,
  ownAttempt: true,
  why: "wrong RES",
});

describe("the duty to subscribe", () => {
  test("enforce: no SUBSCRIBE by the deadline removes the binding", () => {
    expect(dueAt(alive(run(enforce, [])))).toBe(T0 + 32_000);
    const after = run(enforce, [due(T0 + 32_000)]);
    expect(after.state).toBeUndefined();
    expect(after.effects).toEqual([{ kind: "gone", cause: { kind: "not-subscribed" } }]);
  });
  test("it stops at the SUBSCRIBE and starts again at any end of the subscription", () => {
    expect(dueAt(alive(run(enforce, [subscribed])))).toBe(T0 + 3_600_000);
    const lost = alive(run(enforce, [subscribed, unsubscribed(T0 + 100_000)]));
    expect(dueAt(lost)).toBe(T0 + 132_000);
  });
  test("refresh REGISTERs do not start it anew", () => {
    expect(dueAt(alive(run(enforce, [refresh(T0 + 20_000)])))).toBe(T0 + 32_000);
  });
  test("warn: reported once, the binding stays", () => {
    const after = run(warn, [due(T0 + 32_000), due(T0 + 40_000)]);
    expect(kinds(after)).toEqual(["overdue"]);
    expect(dueAt(alive(after))).toBe(T0 + 3_600_000);
  });
  test("optional: nobody owes anything", () => {
    expect(dueAt(alive(run(optional, [])))).toBe(T0 + 3_600_000);
  });
});

describe("expiry", () => {
  test("a binding that nobody refreshes expires", () => {
    const after = run(enforce, [subscribed, due(T0 + 3_600_000)]);
    expect(after.effects).toEqual([{ kind: "gone", cause: { kind: "expired" } }]);
  });
  test("an early tick does nothing", () => {
    expect(kinds(run(enforce, [subscribed, due(T0 + 3_599_999)]))).toEqual([]);
  });
  test("a refresh moves it", () => {
    expect(dueAt(alive(run(optional, [refresh(T0 + 1000)])))).toBe(T0 + 3_601_000);
  });
});

describe("re-authentication", () => {
  test("asked with a subscription: trigger; once sent, the binding expires at NOTIFY + N", () => {
    const before = run(enforce, [subscribed, asked(T0 + 1000)]);
    expect(kinds(before)).toEqual(["trigger"]);
    expect(isShortened(alive(before))).toBe(false);
    const after = alive(run(enforce, [subscribed, asked(T0 + 1000), notified(T0 + 1001)]));
    expect(isShortened(after)).toBe(true);
    expect(after.expiresAt).toBe(T0 + 61_001);
    expect(dueAt(after)).toBe(T0 + 61_001);
  });
  test("asked again for sooner: the binding ends sooner, and the device is told; for later: neither", () => {
    const before = [subscribed, asked(T0 + 1000), notified(T0 + 1001)];
    const again = (withinMs: number): BindingInput =>
      ({ ...asked(T0 + 2000), withinMs }) as BindingInput;
    const sooner = run(enforce, [...before, again(20_000)]);
    expect(kinds(sooner)).toEqual(["trigger", "trigger"]);
    expect(alive(sooner).expiresAt).toBe(T0 + 22_000);
    const later = run(enforce, [...before, again(90_000)]);
    expect(kinds(later)).toEqual(["trigger"]);
    expect(alive(later).expiresAt).toBe(T0 + 61_001);
  });
  test("an expiry that is nearer stays as it is", () => {
    const short = refresh(T0 + 100, { expiresAt: T0 + 20_000 });
    const after = alive(run(enforce, [subscribed, short, asked(T0 + 1000), notified(T0 + 1000)]));
    expect(after.expiresAt).toBe(T0 + 20_000);
  });
  test("asked before the UE has subscribed: waits, then triggers at the SUBSCRIBE", () => {
    const waiting = run(enforce, [asked(T0 + 5)]);
    expect(kinds(waiting)).toEqual([]);
    expect(dueAt(alive(waiting))).toBe(T0 + 32_000);
    expect(kinds(run(enforce, [asked(T0 + 5), subscribed]))).toEqual(["trigger"]);
  });
  test("never subscribed: unsubscribed at the duty's deadline", () => {
    const after = run(enforce, [asked(T0 + 5), due(T0 + 32_000)]);
    expect(after.effects).toMatchObject([
      { kind: "ended", reauthentication: { end: "unsubscribed", deregisteredAt: T0 + 32_000 } },
      { kind: "gone", cause: { kind: "not-subscribed" } },
    ]);
  });
  test("optional without subscription: the deadline is the remaining lifetime", () => {
    const waiting = alive(run(optional, [asked(T0 + 5)]));
    expect(waiting.reauthentication).toMatchObject({ deadline: T0 + 3_600_000 });
    const after = run(optional, [asked(T0 + 5), challenged(T0 + 9), refresh(T0 + 10)]);
    expect(kinds(after)).toEqual(["show", "ended"]);
  });
  test("success clears it, gives the new lifetime and shows `refreshed`", () => {
    const after = run(enforce, [
      subscribed,
      asked(T0 + 1000),
      notified(T0 + 1000),
      challenged(T0 + 1100),
      refresh(T0 + 1200),
    ]);
    expect(kinds(after)).toEqual(["trigger", "show", "ended"]);
    const state = alive(after);
    expect(state.reauthentication).toBeUndefined();
    expect(state).toMatchObject({ event: "refreshed", expiresAt: T0 + 3_601_200 });
  });
  test("an unauthenticated refresh does not clear it", () => {
    const state = alive(
      run(enforce, [subscribed, asked(T0 + 1), refresh(T0 + 2, { authenticated: false })]),
    );
    expect(state.reauthentication).toBeDefined();
  });
  test("evasion: REGISTER, ignore the 401, repeat still ends at the absolute deadline", () => {
    const inputs = [subscribed, asked(T0), notified(T0), challenged(T0 + 50_000)];
    const until = T0 + 290_000;
    for (let at = T0 + 60_000; at < until; at += 30_000) inputs.push(challenged(at));
    expect(dueAt(alive(run(enforce, inputs)))).toBe(until);
    const after = run(enforce, [...inputs, due(until)]);
    expect(after.effects.at(-2)).toMatchObject({ reauthentication: { end: "unanswered" } });
  });
  test("a lost subscription does not de-register before the re-authentication's deadline", () => {
    const state = alive(
      run(enforce, [subscribed, asked(T0), notified(T0), unsubscribed(T0 + 100)]),
    );
    expect(dueAt(state)).toBe(T0 + 60_000);
  });
  test.each([300, 31_950, 51_000])(
    "a subscription lost meanwhile: the duty has its whole time after a success at %i ms",
    (success) => {
      const inputs = [subscribed, asked(T0), notified(T0), unsubscribed(T0 + 100)];
      const state = alive(run(enforce, [...inputs, challenged(T0 + 200), refresh(T0 + success)]));
      expect(dueAt(state)).toBe(T0 + success + 32_000);
    },
  );
  test("a duty that ran before the challenge has what was left of it", () => {
    const inputs = [asked(T0 + 10_000), challenged(T0 + 12_000), refresh(T0 + 40_000)];
    const state = alive(run(enforce, inputs));
    expect(dueAt(state)).toBe(T0 + 40_000 + 20_000);
  });
  test("strangers change nothing", () => {
    const before = [subscribed, asked(T0 + 1), notified(T0 + 1)];
    const strangers = [challenged(T0 + 5, false), failed(T0 + 6, false)];
    expect(run(enforce, [...before, ...strangers]).state).toEqual(run(enforce, before).state);
  });
  test("the operator de-registers meanwhile: withdrawn", () => {
    const removed: BindingInput = { kind: "removed", at: T0 + 9, cause: { kind: "rejected" } };
    expect(run(enforce, [subscribed, asked(T0 + 1), removed]).effects.slice(1)).toMatchObject([
      { kind: "ended", reauthentication: { end: "withdrawn" } },
      { kind: "gone", cause: { kind: "rejected" } },
    ]);
  });
});

describe("leaving while a re-authentication is due", () => {
  const before = [subscribed, asked(T0 + 1), notified(T0 + 1)];
  const leave: BindingInput = { kind: "leave-challenged", at: T0 + 10, ownFlow: true };
  test("takes effect after a wrong answer", () => {
    expect(run(enforce, [...before, leave, failed(T0 + 20)]).effects.slice(1)).toMatchObject([
      { reauthentication: { end: "withdrawn" } },
      { kind: "gone", cause: { kind: "unregistered" } },
    ]);
  });
  test("takes effect without an answer, at the deadline", () => {
    const left = alive(run(enforce, [...before, leave]));
    expect(run(enforce, [...before, leave, due(dueAt(left))]).effects.at(-1)).toEqual({
      kind: "gone",
      cause: { kind: "unregistered" },
    });
  });
  test("a stranger's Expires 0 changes nothing", () => {
    const strange: BindingInput = { ...leave, ownFlow: false };
    expect(run(enforce, [...before, strange]).state).toEqual(run(enforce, before).state);
  });
});

test("another Contact is another contact id; the old row is told as gone", () => {
  const moved = refresh(T0 + 9, {
    address: { contact: "sip:alice@192.0.2.9", params: "", path: ["<sip:t@p;lr>"] },
  });
  const after = run(enforce, [subscribed, moved]);
  expect(kinds(after)).toEqual(["moved"]);
  expect(alive(after)).toMatchObject({ id: `c${T0 + 9}`, token: "tok", event: "registered" });
});
