// TS 33.102 Annex C: the ISIM's window and the AuC's numbers.
import {
  acceptSqn,
  indOf,
  newSqnWindow,
  nextSqn,
  resynchronised,
  SQN_DELTA,
  type SqnWindow,
  seqOf,
  sqnFromOctets,
  sqnOf,
  sqnToOctets,
} from "@ims-lab/common/ims/sqn";
import { describe, expect, test } from "vitest";

const LAST = 2 ** 48 - 1;

function accepted(...sqns: number[]): SqnWindow {
  return sqns.reduce((window, sqn) => acceptSqn(window, sqn) ?? window, newSqnWindow());
}

describe("TS 33.102 §C.1.1.1: SQN = SEQ || IND", () => {
  test.each([0, 1, 31, 32, sqnOf(12345, 7), LAST])("%i as six octets and back", (sqn) => {
    expect(sqnFromOctets(sqnToOctets(sqn))).toBe(sqn);
    expect(sqnOf(seqOf(sqn), indOf(sqn))).toBe(sqn);
  });
  test("§C.3.2: the next has SEQ + 1 and the next IND", () => {
    expect(nextSqn(sqnOf(5, 31))).toBe(sqnOf(6, 0));
    expect(nextSqn(sqnOf(5, 3))).toBe(sqnOf(6, 4));
  });
  test("the last number of all wraps instead of failing", () => {
    expect(nextSqn(LAST)).toBe(0);
    expect(sqnToOctets(nextSqn(LAST))).toHaveLength(6);
  });
});

describe("TS 33.102 §C.2.2: the ISIM accepts", () => {
  const cases: [string, SqnWindow, number, boolean][] = [
    ["the first number", newSqnWindow(), sqnOf(1, 1), true],
    ["SEQ 0 never", newSqnWindow(), sqnOf(0, 3), false],
    ["a number once", accepted(sqnOf(5, 1)), sqnOf(5, 1), false],
    ["an older SEQ at another IND (out of order)", accepted(sqnOf(5, 1)), sqnOf(4, 0), true],
    ["an older SEQ at the same IND never", accepted(sqnOf(5, 1)), sqnOf(4, 1), false],
    ["a jump of delta", accepted(sqnOf(5, 1)), sqnOf(5 + SQN_DELTA, 2), true],
    ["a jump beyond delta never", accepted(sqnOf(5, 1)), sqnOf(6 + SQN_DELTA, 2), false],
  ];
  test.each(cases)("%s", (_name, window, sqn, isAccepted) => {
    expect(acceptSqn(window, sqn) !== undefined).toBe(isAccepted);
  });
  test("SQN_MS is the highest accepted, not the last", () => {
    expect(accepted(sqnOf(5, 1), sqnOf(4, 0)).highest).toBe(sqnOf(5, 1));
  });
  test("100 vectors in a row, each 32 apart in IND", () => {
    let sqn = 0;
    let window = newSqnWindow();
    for (let turn = 0; turn < 100; turn++) {
      sqn = nextSqn(sqn);
      const next = acceptSqn(window, sqn);
      expect(next).toBeDefined();
      window = next ?? window;
    }
  });
});

describe("TS 33.102 §6.3.5: after an AUTS the AuC", () => {
  test.each([
    ["takes a higher SQN_MS", sqnOf(3, 1), sqnOf(900, 4), sqnOf(900, 4)],
    ["keeps its own when that is ahead", sqnOf(900, 4), sqnOf(3, 1), sqnOf(900, 4)],
    ["comes back from beyond delta", sqnOf(SQN_DELTA * 2, 4), sqnOf(3, 1), sqnOf(3, 1)],
  ])("%s", (_name, auc, isim, expected) => {
    expect(resynchronised(auc, isim)).toBe(expected);
    expect(acceptSqn(newSqnWindow(isim), nextSqn(resynchronised(auc, isim)))).toBeDefined();
  });
});
