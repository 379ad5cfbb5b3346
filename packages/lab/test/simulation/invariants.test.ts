// Each invariant of the simulation: what it lets pass, and what not.
import { describe, expect, test } from "vitest";
import * as invariants from "./invariants.ts";

const T0 = 1_000_000;
const SECOND = 1_000;

/** How many ways in which it does not hold. */
function broken<Facts>({ check }: invariants.Invariant<Facts>, facts: Facts): number {
  return check(facts).length;
}

describe("not registered past a deadline", () => {
  const facts: invariants.DeadlineFacts = {
    now: T0,
    contact: "sip:a@h",
    grantedUntil: T0 + 600 * SECOND,
    due: undefined,
    deadlineMs: 60 * SECOND,
    awaitMs: 240 * SECOND,
    graceUntil: undefined,
  };
  const due: invariants.DueFacts = {
    id: "r",
    askedAt: T0,
    notifiedAt: T0,
    challengedAt: undefined,
  };
  const challenged = { ...due, challengedAt: T0 + 50 * SECOND };
  const late = { ...due, challengedAt: T0 + 70 * SECOND };
  test.each([
    ["as long as its 200 said", {}, 600],
    ["told to re-authenticate: N", { due }, 60],
    ["not told yet: as long as its 200 said", { due: { ...due, notifiedAt: undefined } }, 600],
    ["challenged before N: reg-await-auth from there", { due: challenged }, 290],
    ["challenged after N: N", { due: late }, 60],
    ["the grace of a restart, after N", { due, graceUntil: T0 + 100 * SECOND }, 100],
  ])("%s", (_, more, seconds) => {
    const at = (after: number): number =>
      broken(invariants.NOT_PAST_DEADLINE, { ...facts, ...more, now: T0 + after * SECOND });
    expect(at(seconds)).toBe(0);
    expect(at(seconds + 2)).toBe(1);
  });
});

test("not registered without subscription", () => {
  const owed = (seconds: number): number =>
    broken(invariants.NOT_PAST_DUTY, {
      contact: "sip:a@h",
      owedMs: seconds * SECOND,
      dutyMs: 32 * SECOND,
    });
  expect([owed(32), owed(34)]).toEqual([0, 1]);
});

describe("authenticated by an answer alone", () => {
  const answer: invariants.AnswerFacts = {
    at: T0,
    issuedAt: T0 - SECOND,
    isAka: true,
    isAgain: false,
    isSpent: false,
  };
  test.each<[string, invariants.AnswerFacts | undefined, number]>([
    ["a fresh answer", answer, 0],
    ["none", undefined, 1],
    ["to nobody's challenge", { ...answer, issuedAt: undefined }, 1],
    ["too late", { ...answer, issuedAt: T0 - 300 * SECOND }, 1],
    ["AKA, used before", { ...answer, isAgain: true, isSpent: true }, 1],
    [
      "digest, used on",
      { ...answer, issuedAt: T0 - 300 * SECOND, isAka: false, isAgain: true, isSpent: true },
      0,
    ],
    ["long before", { ...answer, at: T0 - 60 * SECOND, issuedAt: T0 - 60 * SECOND }, 1],
  ])("%s", (_, given, count) => {
    const facts = { impi: "a@h", contact: "sip:a@h", authenticatedAt: T0, awaitMs: 240 * SECOND };
    expect(broken(invariants.AUTHENTICATED_BY_ANSWER, { ...facts, answer: given })).toBe(count);
  });
});

test("no binding changes hands", () => {
  const before = { impi: "a@h", place: "p", authenticatedAt: T0 };
  const move = (after: Partial<typeof before>): number =>
    broken(invariants.SAME_HOLDER, {
      node: "S-CSCF",
      contact: "sip:a@h",
      before,
      after: { ...before, ...after },
    });
  expect(move({})).toBe(0);
  expect(move({ place: "q", authenticatedAt: T0 + 1 })).toBe(0);
  expect(move({ place: "q" })).toBe(1);
  expect(move({ impi: "b@h", authenticatedAt: T0 + 1 })).toBe(1);
});

test("nothing acknowledged is lost", () => {
  const announced = [{ what: "sip:a@h", until: T0 + 60 * SECOND, callId: "c", cseq: 5 }];
  const kept = (found: readonly (readonly [string, invariants.FoundFacts])[], now = T0): number =>
    broken(invariants.NOTHING_LOST, { announced, found: new Map(found), now });
  expect(kept([["sip:a@h", { callId: "c", cseq: 5 }]])).toBe(0);
  expect(kept([["sip:a@h", { callId: "d", cseq: 1 }]])).toBe(0);
  expect(kept([["sip:a@h", { callId: "c", cseq: 4 }]])).toBe(1);
  expect(kept([])).toBe(1);
  expect(kept([], T0 + 61 * SECOND)).toBe(0);
});

test("what has ended stays ended", () => {
  const ended = new Set(["a"]);
  expect(broken(invariants.ENDED_STAYS_ENDED, { ended, found: ["b"] })).toBe(0);
  expect(broken(invariants.ENDED_STAYS_ENDED, { ended, found: ["a"] })).toBe(1);
});

test("numbers rise", () => {
  const last = { cseq: 4, branch: "b4", version: 3 };
  const next = (more: Partial<invariants.RequestNumbers>): number =>
    broken(invariants.NUMBERS_RISE, {
      dialog: "d",
      last,
      next: { ...last, cseq: 5, branch: "b5", version: 4, ...more },
    });
  expect(next({})).toBe(0);
  expect(next({ version: undefined })).toBe(0);
  expect(next({ cseq: 4 })).toBe(1);
  expect(next({ cseq: 3, version: 3 })).toBe(2);
  expect(next({ branch: "b4", cseq: 4, version: 3 })).toBe(0);
});

test("no sequence number twice", () => {
  const used = new Set([32]);
  expect(broken(invariants.NO_SQN_TWICE, { impi: "a@h", sqn: 65, used })).toBe(0);
  expect(broken(invariants.NO_SQN_TWICE, { impi: "a@h", sqn: 32, used })).toBe(1);
});

test("one end each", () => {
  const ends = (count: number, runs: boolean): number =>
    broken(invariants.ONE_END, {
      ends: new Map([["r", count]]),
      running: new Set(runs ? ["r"] : []),
    });
  expect([ends(1, false), ends(0, true)]).toEqual([0, 0]);
  expect([ends(0, false), ends(2, false), ends(1, true)]).toEqual([1, 1, 1]);
});

test("counts agree", () => {
  const of = (count: number): ReadonlyMap<string, number> => new Map([["ignored", count]]);
  const counts = (events: number, metrics: number, listed: number): number =>
    broken(invariants.COUNTS_AGREE, {
      events: of(events),
      metrics: of(metrics),
      listed: of(listed),
    });
  expect(counts(2, 2, 2)).toBe(0);
  expect([counts(2, 1, 2), counts(2, 2, 1), counts(1, 2, 2)]).toEqual([1, 1, 1]);
});

test("campaigns count all", () => {
  const counts = (saysAsked: number, saysEnded: number): number =>
    broken(invariants.CAMPAIGNS_COUNT, { id: "c", asked: 3, ended: 2, saysAsked, saysEnded });
  expect(counts(3, 2)).toBe(0);
  expect([counts(2, 2), counts(3, 1), counts(3, 3), counts(4, 3)]).toEqual([1, 1, 1, 2]);
});

test("both nodes agree", () => {
  const a = new Map([["a@h t", ["sip:a@h"]]]);
  const none = new Map<string, string[]>();
  const facts = { atScscf: a, atPcscf: a, told: "all", mayMissEnds: false } as const;
  const agree = (more: Partial<invariants.AgreementFacts>): number =>
    broken(invariants.BOTH_AGREE, { ...facts, ...more });
  expect(agree({})).toBe(0);
  expect([agree({ atPcscf: none }), agree({ atScscf: none })]).toEqual([1, 1]);
  expect(agree({ atPcscf: none, told: new Set() })).toBe(0);
  expect(agree({ atScscf: none, mayMissEnds: true })).toBe(0);
});

test("no end of another registration", () => {
  const facts = { contact: "sip:a@h", callId: "c", cseq: 3 };
  expect(broken(invariants.NO_FOREIGN_END, { ...facts, isAtScscf: false })).toBe(0);
  expect(broken(invariants.NO_FOREIGN_END, { ...facts, isAtScscf: true })).toBe(1);
});

test("comes to rest", () => {
  const device = { says: "u1", isRegistered: true, isSubscribed: true, ends: ["reauthenticated"] };
  const rest = (more: Partial<typeof device>): number =>
    broken(invariants.COMES_TO_REST, { devices: [{ ...device, ...more }] });
  expect(rest({})).toBe(0);
  expect([
    rest({ isRegistered: false }),
    rest({ isSubscribed: false }),
    rest({ ends: ["ignored"] }),
  ]).toEqual([1, 1, 1]);
});

test("nothing is left", () => {
  const left = (count: number): number =>
    broken(invariants.NOTHING_LEFT, { left: new Map([["timers", count]]) });
  expect([left(0), left(1)]).toEqual([0, 1]);
});

test("no error in the log", () => {
  expect(broken(invariants.NO_ERROR_LINE, { node: "S-CSCF", errors: [] })).toBe(0);
  expect(broken(invariants.NO_ERROR_LINE, { node: "S-CSCF", errors: ["x"] })).toBe(1);
});
