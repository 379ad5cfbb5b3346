// The re-authentication machine as a table: progress × input. docs/state-machines.md.
import { describe, expect, test } from "vitest";
import {
  type Due,
  type Reauthentication,
  type ReauthenticationContext,
  type ReauthenticationInput,
  request,
  stepReauthentication,
} from "../../src/registration/reauthentication.ts";

const T0 = 1_000_000;
const context: ReauthenticationContext = {
  deadlineMs: 60_000,
  awaitMs: 240_000,
  onRefused: "wait",
};
const asked = request({
  id: "ra1",
  requestId: "rq1",
  impi: "alice@lab",
  impu: "sip:alice@lab",
  bindingId: "b1",
  contact: "sip:alice@192.0.2.1",
  cause: "operator",
  requestedAt: T0,
  deadline: T0 + 32_000,
});

function run(inputs: readonly ReauthenticationInput[], start: Due = asked): Reauthentication {
  let state: Reauthentication = start;
  for (const input of inputs) {
    if (state.progress === "ended") throw new Error("went on after its end");
    state = stepReauthentication(context, state, input);
  }
  return state;
}

const notified: ReauthenticationInput = { kind: "notified", at: T0, expiresAt: T0 + 3_600_000 };
const acknowledged: ReauthenticationInput = { kind: "acknowledged", at: T0 + 100 };
const challenged: ReauthenticationInput = { kind: "challenged", at: T0 + 200, ownFlow: true };
const failed: ReauthenticationInput = {
  kind: "failed",
  at: T0 + 300,
  ownFlow: true,
  ownAttempt: true,
  why: "wrong RES",
};
const authenticated: ReauthenticationInput = { kind: "authenticated", at: T0 + 400 };
const withdrawn: ReauthenticationInput = { kind: "withdrawn", at: T0 + 400 };
const dueAt = (at: number): ReauthenticationInput => ({ kind: "due", at });
const late = dueAt(T0 + 1_000_000);

describe("each end", () => {
  const ends: readonly [string, readonly ReauthenticationInput[], boolean][] = [
    ["reauthenticated", [notified, acknowledged, challenged, authenticated], false],
    ["reauthenticated", [challenged, authenticated], false],
    ["refused", [notified, acknowledged, challenged, failed, late], true],
    ["unanswered", [notified, acknowledged, challenged, late], true],
    ["unanswered", [notified, acknowledged, challenged, failed, challenged, late], true],
    ["ignored", [notified, acknowledged, late], true],
    ["unreachable", [notified, late], true],
    ["unreachable", [notified, { kind: "notify-failed", why: "481" }, late], true],
    ["unsubscribed", [late], true],
    ["withdrawn", [notified, withdrawn], false],
  ];
  test.each(ends)("%s", (end, inputs, deregisters) => {
    const state = run(inputs);
    expect(state).toMatchObject({ progress: "ended", end });
    expect("deregisteredAt" in state).toBe(deregisters);
  });
});

describe("the transition table", () => {
  // progress → input → next progress (an end in brackets); "." stays as it is
  const table = {
    requested: ["notified", ".", "challenged", ".", "(reauthenticated)", "(withdrawn)"],
    notified: [".", "acknowledged", "challenged", ".", "(reauthenticated)", "(withdrawn)"],
    acknowledged: [".", ".", "challenged", ".", "(reauthenticated)", "(withdrawn)"],
    challenged: [".", ".", ".", ".", "(reauthenticated)", "(withdrawn)"],
  } as const;
  const columns = [notified, acknowledged, challenged, failed, authenticated, withdrawn];
  const starts = {
    requested: asked,
    notified: run([notified]),
    acknowledged: run([notified, acknowledged]),
    challenged: run([notified, acknowledged, challenged]),
  };
  const cells = Object.entries(table).flatMap(([from, row]) =>
    row.map((to, at) => [from, columns[at]?.kind ?? "", to, at] as const),
  );
  test.each(cells)("%s, %s: %s", (from, _kind, to, at) => {
    const start = starts[from as keyof typeof starts];
    const input = columns[at];
    if (start.progress === "ended" || input === undefined) throw new Error("no such cell");
    const next = stepReauthentication(context, start, input);
    const shown = next.progress === "ended" ? `(${next.end})` : next.progress;
    expect(shown === from ? "." : shown).toBe(to);
  });
});

describe("the deadline", () => {
  test("is absolute: first transmission of the NOTIFY + N", () => {
    expect(run([notified])).toMatchObject({ deadline: T0 + 60_000 });
    const again: ReauthenticationInput = {
      kind: "notified",
      at: T0 + 30_000,
      expiresAt: T0 + 3_600_000,
    };
    expect(run([notified, again])).toMatchObject({ deadline: T0 + 60_000 });
  });
  test("is never after the binding's old expiry", () => {
    expect(run([{ ...notified, expiresAt: T0 + 10_000 }])).toMatchObject({ deadline: T0 + 10_000 });
  });
  test("is extended once by a challenge over the own flow, at most to deadline + awaitSeconds", () => {
    const last: ReauthenticationInput = { kind: "challenged", at: T0 + 59_999, ownFlow: true };
    expect(run([notified, last])).toMatchObject({ deadline: T0 + 299_999 });
    const more: ReauthenticationInput = { kind: "challenged", at: T0 + 200_000, ownFlow: true };
    expect(run([notified, last, more])).toMatchObject({ deadline: T0 + 299_999 });
  });
  test("runs from the NOTIFY, too, when a challenge has overtaken it: N, or awaitSeconds from the challenge", () => {
    const start = request({ ...asked, deadline: T0 + 3_600_000 });
    const overtaking: ReauthenticationInput = { kind: "challenged", at: T0 - 10, ownFlow: true };
    expect(run([overtaking], start)).toMatchObject({ deadline: T0 + 3_600_000 });
    const state = run([overtaking, notified], start);
    expect(state).toMatchObject({ progress: "challenged", deadline: T0 + 239_990 });
    expect(run([overtaking, notified, { ...notified, at: T0 + 9000 }], start)).toEqual(state);
    expect(run([overtaking, notified, dueAt(T0 + 239_990)], start)).toMatchObject({
      end: "unanswered",
    });
  });
  test("is never put off by a NOTIFY that a challenge has overtaken", () => {
    const overtaking: ReauthenticationInput = { kind: "challenged", at: T0 - 10, ownFlow: true };
    const before = run([overtaking]);
    expect(run([overtaking, { ...notified, at: T0 + 200_000 }])).toMatchObject({
      deadline: before.deadline,
    });
  });
  test("is not moved by a challenge after it", () => {
    const after: ReauthenticationInput = { kind: "challenged", at: T0 + 60_000, ownFlow: true };
    expect(run([notified, after])).toEqual(run([notified]));
  });
  test("is not moved by joining", () => {
    const joined: ReauthenticationInput = {
      kind: "joined",
      asker: { cause: "pcscf", at: T0 + 5 },
    };
    const state = run([notified, joined]);
    expect(state).toMatchObject({ deadline: T0 + 60_000, cause: "operator" });
    expect(state.askers.map(({ cause }) => cause)).toEqual(["operator", "pcscf"]);
  });
  test("is what the first asker has named, in the place of N", () => {
    expect(run([notified], { ...asked, withinMs: 20_000 })).toMatchObject({
      deadline: T0 + 20_000,
    });
  });
  test("who joins may hurry it, and gives it no more time", () => {
    const joined = (at: number, withinMs: number): ReauthenticationInput => ({
      kind: "joined",
      asker: { cause: "operator", at },
      withinMs,
    });
    expect(run([notified, joined(T0 + 5_000, 20_000)])).toMatchObject({ deadline: T0 + 25_000 });
    expect(run([notified, joined(T0 + 5_000, 600_000)])).toMatchObject({ deadline: T0 + 60_000 });
    const waiting = run([joined(T0, 20_000), joined(T0, 30_000), notified]);
    expect(waiting).toMatchObject({ deadline: T0 + 20_000 });
    const challenged: ReauthenticationInput = { kind: "challenged", at: T0 + 100, ownFlow: true };
    expect(run([notified, challenged, joined(T0 + 200, 1_000)])).toMatchObject({
      deadline: T0 + 240_100,
    });
  });
  test("nothing ends before it", () => {
    expect(run([notified, dueAt(T0 + 59_999)])).toEqual(run([notified]));
  });
});

describe("a foreign flow never touches it", () => {
  const strangers: readonly ReauthenticationInput[] = [
    { kind: "challenged", at: T0 + 200, ownFlow: false },
    { ...failed, ownFlow: false },
  ];
  test.each(["requested", "notified", "acknowledged", "challenged"])("while %s", (progress) => {
    const inputs = [notified, acknowledged, challenged];
    const count = ["requested", "notified", "acknowledged", "challenged"].indexOf(progress);
    const before = run(inputs.slice(0, count));
    if (before.progress === "ended") throw new Error("ended early");
    expect(run(strangers, before)).toBe(before);
  });
});

test("reauthentication.onRefused: deregister ends it at the wrong answer", () => {
  const strict = { ...context, onRefused: "deregister" } as const;
  const state = run([notified, challenged]);
  if (state.progress === "ended") throw new Error("ended early");
  expect(stepReauthentication(strict, state, failed)).toMatchObject({
    end: "refused",
    deregisteredAt: T0 + 300,
  });
  const another = { ...failed, ownAttempt: false };
  expect(stepReauthentication(strict, state, another)).toMatchObject({ progress: "challenged" });
});

test("a REGISTER may overtake the 200 to the NOTIFY", () => {
  expect(run([notified, challenged, acknowledged])).toMatchObject({
    progress: "challenged",
    course: { notifiedAt: T0, acknowledgedAt: T0 + 100, challengedAt: T0 + 200 },
  });
});
