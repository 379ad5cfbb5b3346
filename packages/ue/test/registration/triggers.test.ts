// Triggers obeyed once: rounds of a network that names the REGISTER, or does not. RFC 3680 §5.3.
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { describe, expect, test } from "vitest";
import {
  type Granted,
  initialState,
  type Order,
  type Trigger,
} from "../../src/registration/state.ts";
import { obey } from "../../src/registration/triggers.ts";

interface Said {
  /** Seconds since the start. */
  readonly at: number;
  readonly expires?: number;
  readonly id?: string;
  readonly callId?: string;
  readonly cseq?: number;
  /** CSeq of the registration that stands then. */
  readonly own: number;
}

function obeyed(...said: readonly Said[]): readonly boolean[] {
  let { memory } = initialState;
  const random = seededRandom(1);
  return said.map(({ at, expires, id = "c1", callId, cseq, own }) => {
    const order: Order = { callId: "own", cseq: own };
    const granted: Granted = {
      order,
      expiresAt: 1e9,
      renewAt: undefined,
      serviceRoute: [],
      associatedUris: [],
    };
    const trigger: Trigger = {
      urgency: "at-once",
      contactId: id,
      callId,
      cseq,
      expiresSeconds: expires,
    };
    const context = { now: at * 1000, random, expiresSeconds: 600_000 };
    const { state, effects } = obey(context, { name: "registered", memory, granted }, trigger);
    memory = state.memory;
    return effects.some(({ kind }) => kind === "send");
  });
}

describe.each<[string, Partial<Said>, Partial<Said>]>([
  ["names Call-ID and CSeq", { callId: "own", cseq: 1 }, { callId: "own", cseq: 2 }],
  ["names the Call-ID alone", { callId: "own" }, { callId: "own" }],
  ["names the CSeq alone", { cseq: 1 }, { cseq: 2 }],
  ["names neither", {}, {}],
])("a network that %s", (_name, first, second) => {
  test("each round is obeyed", () => {
    expect(
      obeyed(
        { at: 0, expires: 6, own: 1, ...first },
        { at: 20, expires: 6, own: 2, ...second },
        { at: 40, expires: 6, own: 3, ...second, ...(second.cseq && { cseq: 3 }) },
      ),
    ).toEqual([true, true, true]);
  });

  test("the same state once more is not, however much of it is left", () => {
    expect(
      obeyed(
        { at: 0, expires: 60, own: 1, ...first },
        { at: 10, expires: 60, own: 1, ...first },
        { at: 20, expires: 40, own: 1, ...first },
        { at: 30, expires: 30, own: 1, ...first },
      ),
    ).toEqual([true, false, false, false]);
  });

  test("a lower expires is", () => {
    expect(
      obeyed(
        { at: 0, expires: 600, own: 1, ...first },
        { at: 10, expires: 60, own: 1, ...first },
        { at: 11, expires: 59, own: 1, ...first },
        { at: 12, expires: 6, own: 1, ...first },
      ),
    ).toEqual([true, true, false, true]);
  });

  test("said once more behind the REGISTER that obeyed it: not", () => {
    expect(
      obeyed({ at: 0, expires: 60, own: 1, ...first }, { at: 1, expires: 59, own: 2, ...first }),
    ).toEqual([true, false]);
  });

  test("said anew a second behind the REGISTER, to its full length: obeyed", () => {
    expect(
      obeyed({ at: 0, expires: 6, own: 1, ...first }, { at: 1, expires: 6, own: 2, ...second }),
    ).toEqual([true, true]);
  });

  test("of another contact id it is another", () => {
    expect(
      obeyed(
        { at: 0, expires: 60, own: 1, ...first },
        { at: 1, expires: 60, own: 1, ...first, id: "c2" },
      ),
    ).toEqual([true, true]);
  });

  test("without expires: once for each registration", () => {
    const later = second.callId !== undefined || second.cseq !== undefined ? second : {};
    expect(
      obeyed({ at: 0, own: 1, ...first }, { at: 5, own: 1, ...first }, { at: 9, own: 2, ...later }),
    ).toEqual([true, false, true]);
  });
});

test("what names an older REGISTER is out of date", () => {
  expect(obeyed({ at: 0, expires: 6, callId: "own", cseq: 1, own: 2 })).toEqual([false]);
});
