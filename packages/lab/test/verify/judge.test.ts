// The judge: for each check a course that passes, those that fail with their finding, and those that say nothing.
import { describe, expect, test } from "vitest";
import { CALL_KEPT, CALL_RELEASED } from "../../src/verify/call-checks.ts";
import { REJECTS_FORGED, RESYNCHRONISES } from "../../src/verify/challenge-checks.ts";
import type { Course } from "../../src/verify/course.ts";
import {
  CHALLENGE_ANSWERED,
  NAMES_ITSELF,
  NEXT_CSEQ,
  NOTIFY_ANSWERED,
  OBEYED_ONCE,
  REAUTHENTICATION_CHECKS,
  REGISTERS_IN_TIME,
  REGISTERS_SOONER,
  SAME_CALL_ID,
  SAME_CONTACT,
} from "../../src/verify/reauthentication-checks.ts";
import {
  ASKS_FOR_MORE,
  COMES_BACK,
  IS_SUBSCRIBED,
  REFRESHES_IN_TIME,
  REGISTERED_IN_THE_END,
  STAYS_AWAY,
  SUBSCRIBES_AFTER,
  WAITS_FOR_RETRY_AFTER,
} from "../../src/verify/registration-checks.ts";
import { type Check, judgeAll } from "../../src/verify/verdict.ts";
import { answer, course, DEVICE, good, message, notify, register, subscribe } from "./messages.ts";

const trigger = notify(10, "shortened", 60);
const taken = answer(10.1, trigger, 200);
const other = "sip:alice@192.0.2.9:5060";
const byReg = { device: { ...DEVICE, package: "reg" } };
const unsubscribed = { device: { ...DEVICE, package: undefined } };

/** Messages of a REGISTER and its answer. */
function exchange(
  at: number,
  cseq: number,
  credentials: Parameters<typeof register>[2],
  status: number,
  more = {},
  answered = {},
) {
  const request = register(at, cseq, credentials, more);
  return [request, answer(at + 0.1, request, status, answered)];
}
function told(event: string) {
  const sent = notify(10, event, 0);
  return [sent, answer(10.1, sent, 200)];
}
const bye = (direction: "from-device" | "to-device") =>
  message({ at: 11_000, direction, method: "BYE", callId: "call" });
const wholeBye = [bye("to-device"), answer(11.1, bye("to-device"), 200)];
const first = exchange(10.2, 8, "unanswered", 401);
const subscribed503 = [subscribe(10), answer(10.1, subscribe(10), 503, { retryAfter: 6 })];

/** The trigger finds it in the middle of a registration of its own. */
function begun(more: object) {
  const rest = exchange(10.2, 9, "answer", 200, more);
  return [...exchange(9.8, 8, "unanswered", 401, more), trigger, taken, ...rest];
}
const LEAVES = { expires: 0 };
function left() {
  const rest = exchange(10.4, 9, "answer", 200, LEAVES);
  return [trigger, taken, ...exchange(10.2, 8, "unanswered", 401, LEAVES), ...rest];
}
/** It has registered by itself just before the trigger left. */
function crossed() {
  const own = exchange(9.8, 8, "answer", 200);
  const asked = [...exchange(10.2, 9, "unanswered", 401), ...exchange(10.4, 10, "answer", 200)];
  return course([...own, trigger, taken, ...asked], 12);
}

/** It had sent 8 and heard its challenge before anybody looked. @param next its REGISTER behind the trigger */
function lookedAtLate(next: number) {
  const rest = exchange(9.8, 9, "answer", 200, { nonce: "unseen" });
  return course([...rest, trigger, taken, ...exchange(10.2, next, "unanswered", 401)], 12);
}

type Row = readonly [what: string, check: Check, course: Course, expected: string];

const ROWS: readonly Row[] = [
  ["200 at once", NOTIFY_ANSWERED, course(good(), 12), "pass"],
  ["200 after 3.5 s", NOTIFY_ANSWERED, course([trigger, answer(13.5, trigger, 200)], 20), "pass"],
  [
    "200 after 3.6 s",
    NOTIFY_ANSWERED,
    course([trigger, answer(13.6, trigger, 200)], 20),
    "notify-late",
  ],
  ["481", NOTIFY_ANSWERED, course([trigger, answer(10.1, trigger, 481)], 20), "notify-refused"],
  [
    "100 alone",
    NOTIFY_ANSWERED,
    course([trigger, answer(10.1, trigger, 100)], 50),
    "notify-unanswered",
  ],
  ["no answer", NOTIFY_ANSWERED, course([trigger], 50), "notify-unanswered"],
  [
    "another contact's NOTIFY",
    NOTIFY_ANSWERED,
    course([notify(10, "shortened", 60, 2, other)], 50),
    "not-judged",
  ],
  ["no answer yet", NOTIFY_ANSWERED, course([trigger], 41), "not-judged"],
  [
    "408 of a proxy",
    NOTIFY_ANSWERED,
    course([trigger, answer(41, trigger, 408)], 50),
    "notify-unanswered",
  ],
  ["500", NOTIFY_ANSWERED, course([trigger, answer(10.1, trigger, 500)], 50), "notify-failed"],
  ["no NOTIFY", NOTIFY_ANSWERED, course([], 50), "not-judged"],

  ["at once", REGISTERS_IN_TIME, course(good(), 12), "pass"],
  [
    "own package, half time",
    REGISTERS_IN_TIME,
    course([trigger, taken, register(40, 8, "unanswered")], 50),
    "register-late",
  ],
  ["own package, nothing", REGISTERS_IN_TIME, course([trigger, taken], 20), "no-register"],
  ["own package, nothing yet", REGISTERS_IN_TIME, course([trigger, taken], 12), "not-judged"],
  ["reg, at once: early, allowed", REGISTERS_IN_TIME, course(good(), 12, byReg), "pass"],
  [
    "reg, half time",
    REGISTERS_IN_TIME,
    course([trigger, taken, register(40, 8, "unanswered")], 50, byReg),
    "pass",
  ],
  [
    "reg, shortly before the end",
    REGISTERS_IN_TIME,
    course([trigger, taken, register(65, 8, "unanswered")], 70, byReg),
    "register-late",
  ],
  [
    "reg, after the end",
    REGISTERS_IN_TIME,
    course([trigger, taken, register(71, 8, "unanswered")], 80, byReg),
    "register-late",
  ],
  [
    "reg, nothing at half time yet",
    REGISTERS_IN_TIME,
    course([trigger, taken], 30, byReg),
    "not-judged",
  ],
  ["reg, nothing", REGISTERS_IN_TIME, course([trigger, taken], 60, byReg), "no-register"],
  ["NOTIFY not taken", REGISTERS_IN_TIME, course([trigger], 60), "not-judged"],
  [
    "NOTIFY answered late: counted from there",
    REGISTERS_IN_TIME,
    course([trigger, answer(30, trigger, 200), register(30.1, 8, "unanswered")], 60),
    "pass",
  ],

  [
    "sooner obeyed",
    REGISTERS_SOONER,
    course(
      [
        trigger,
        taken,
        notify(11, "shortened", 20, 3),
        answer(11.1, notify(11, "shortened", 20, 3), 200),
        register(21, 8, "unanswered"),
      ],
      50,
      byReg,
    ),
    "pass",
  ],
  [
    "sooner ignored",
    REGISTERS_SOONER,
    course(
      [
        trigger,
        taken,
        notify(11, "shortened", 20, 3),
        answer(11.1, notify(11, "shortened", 20, 3), 200),
        register(40, 8, "unanswered"),
      ],
      50,
      byReg,
    ),
    "register-late",
  ],
  ["registered before", REGISTERS_SOONER, course(good(), 50, byReg), "not-judged"],

  ["kept", SAME_CALL_ID, course(good(), 12), "pass"],
  [
    "another",
    SAME_CALL_ID,
    course([trigger, taken, register(10.2, 1, "unanswered", { callId: "new" })], 12),
    "call-id-changed",
  ],
  ["none", SAME_CALL_ID, course([trigger, taken], 12), "not-judged"],

  ["8, 9 after 7", NEXT_CSEQ, course(good(), 12), "pass"],
  ["9, 10 after a refresh of its own, 8", NEXT_CSEQ, crossed(), "pass"],
  ["10 after the rest of one that nobody saw begin, 9", NEXT_CSEQ, lookedAtLate(10), "pass"],
  ["11 after the same", NEXT_CSEQ, lookedAtLate(11), "cseq-not-next"],
  [
    "its farewell, begun before anybody looked",
    NEXT_CSEQ,
    course(exchange(9.8, 9, "answer", 200, { nonce: "unseen", ...LEAVES }), 12),
    "not-judged",
  ],
  ["no REGISTER but the rest of a refresh", REGISTERS_IN_TIME, course(begun({}), 12), "not-judged"],
  ["no challenge but the refresh's", CHALLENGE_ANSWERED, course(begun({}), 12), "not-judged"],
  ["leaves, and asked meanwhile", REGISTERS_IN_TIME, course(begun(LEAVES), 12), "not-judged"],
  ["leaves, and asked meanwhile", NEXT_CSEQ, course(begun(LEAVES), 12), "not-judged"],
  ["leaves when asked", REGISTERS_IN_TIME, course(left(), 12), "not-judged"],
  ["leaves when asked", CHALLENGE_ANSWERED, course(left(), 12), "not-judged"],
  [
    "a gap before",
    NEXT_CSEQ,
    course([trigger, taken, register(10.2, 9, "unanswered")], 12),
    "cseq-not-next",
  ],
  [
    "a gap between",
    NEXT_CSEQ,
    course([trigger, taken, register(10.2, 8, "unanswered"), register(10.3, 10, "answer")], 12),
    "cseq-not-next",
  ],
  [
    "the same again",
    NEXT_CSEQ,
    course([trigger, taken, register(10.2, 7, "unanswered")], 12),
    "cseq-not-next",
  ],
  [
    "repeated: no REGISTER of its own",
    NEXT_CSEQ,
    course(
      [
        trigger,
        taken,
        register(10.2, 8, "unanswered"),
        register(10.7, 8, "unanswered", { isRepeated: true }),
      ],
      12,
    ),
    "pass",
  ],
  [
    "another Call-ID begins anew",
    NEXT_CSEQ,
    course([trigger, taken, register(10.2, 1, "unanswered", { callId: "new" })], 12),
    "pass",
  ],

  ["kept", SAME_CONTACT, course(good(), 12), "pass"],
  [
    "written otherwise",
    SAME_CONTACT,
    course(
      [
        trigger,
        taken,
        register(10.2, 8, "unanswered", { contact: "sip:alice@192.0.2.1:5060;transport=UDP" }),
      ],
      12,
      { device: { ...DEVICE, contact: "sip:alice@192.0.2.1:5060;transport=udp" } },
    ),
    "pass",
  ],
  [
    "another",
    SAME_CONTACT,
    course([trigger, taken, register(10.2, 8, "unanswered", { contact: other })], 12),
    "contact-changed",
  ],
  [
    "none",
    SAME_CONTACT,
    course([trigger, taken, register(10.2, 8, "unanswered", { contact: null })], 12),
    "contact-changed",
  ],

  ["named", NAMES_ITSELF, course(good(), 12), "pass"],
  [
    "not named",
    NAMES_ITSELF,
    course([trigger, taken, register(10.2, 8, "none")], 12),
    "no-authorization",
  ],

  ["answered", CHALLENGE_ANSWERED, course(good(), 12), "pass"],
  [
    "stale once, then right",
    CHALLENGE_ANSWERED,
    course(
      [
        trigger,
        taken,
        ...first,
        ...exchange(10.4, 9, "answer", 401),
        ...exchange(10.6, 10, "answer", 200),
      ],
      12,
    ),
    "pass",
  ],
  [
    "403",
    CHALLENGE_ANSWERED,
    course([trigger, taken, ...first, ...exchange(10.4, 9, "answer", 403)], 12),
    "wrong-response",
  ],
  [
    "401 again and again",
    CHALLENGE_ANSWERED,
    course(
      [
        trigger,
        taken,
        ...first,
        ...exchange(10.4, 9, "answer", 401),
        ...exchange(10.6, 10, "answer", 401),
        ...exchange(10.8, 11, "answer", 401),
      ],
      12,
    ),
    "wrong-response",
  ],
  [
    "rejected",
    CHALLENGE_ANSWERED,
    course([trigger, taken, ...first, ...exchange(10.4, 9, "rejection", 403)], 12),
    "autn-rejected",
  ],
  [
    "AUTS",
    CHALLENGE_ANSWERED,
    course([trigger, taken, ...first, ...exchange(10.4, 9, "auts", 401)], 12),
    "auts-unasked",
  ],
  ["silence", CHALLENGE_ANSWERED, course([trigger, taken, ...first], 50), "challenge-unanswered"],
  [
    "a new REGISTER instead",
    CHALLENGE_ANSWERED,
    course(
      [trigger, taken, ...first, ...exchange(20, 1, "unanswered", 401, { callId: "new" })],
      50,
    ),
    "challenge-unanswered",
  ],
  [
    "not challenged",
    CHALLENGE_ANSWERED,
    course([trigger, taken, ...exchange(10.2, 8, "answer", 200)], 12),
    "not-judged",
  ],

  ["once", OBEYED_ONCE, course(good(), 14), "pass"],
  [
    "once more",
    OBEYED_ONCE,
    course(
      [...good(), ...exchange(12, 10, "unanswered", 401), ...exchange(12.2, 11, "answer", 200)],
      14,
    ),
    "obeyed-twice",
  ],

  [
    "rejected",
    REJECTS_FORGED,
    course(
      [
        trigger,
        taken,
        ...first,
        ...exchange(10.4, 9, "rejection", 401),
        ...exchange(10.6, 10, "rejection", 401),
        ...exchange(10.8, 11, "answer", 200),
      ],
      12,
    ),
    "pass",
  ],
  [
    "the second answered",
    REJECTS_FORGED,
    course(
      [
        trigger,
        taken,
        ...first,
        ...exchange(10.4, 9, "rejection", 401),
        ...exchange(10.6, 10, "answer", 403),
      ],
      12,
    ),
    "bad-autn-answered",
  ],
  [
    "answered",
    REJECTS_FORGED,
    course([trigger, taken, ...first, ...exchange(10.4, 9, "answer", 403)], 12),
    "bad-autn-answered",
  ],
  ["silence", REJECTS_FORGED, course([trigger, taken, ...first], 50), "bad-autn-unanswered"],
  [
    "AUTS",
    REJECTS_FORGED,
    course([trigger, taken, ...first, ...exchange(10.4, 9, "auts", 401)], 50),
    "auts-unasked",
  ],

  [
    "AUTS",
    RESYNCHRONISES,
    course([trigger, taken, ...first, ...exchange(10.4, 9, "auts", 401)], 12),
    "pass",
  ],
  [
    "answered",
    RESYNCHRONISES,
    course([trigger, taken, ...first, ...exchange(10.4, 9, "answer", 403)], 12),
    "old-sqn-answered",
  ],
  ["silence", RESYNCHRONISES, course([trigger, taken, ...first], 50), "old-sqn-unanswered"],
  [
    "rejected",
    RESYNCHRONISES,
    course([trigger, taken, ...first, ...exchange(10.4, 9, "rejection", 403)], 12),
    "autn-rejected",
  ],

  [
    "asked for more",
    ASKS_FOR_MORE,
    course(
      [
        ...exchange(10, 8, "unanswered", 423, {}, { minExpires: 700_000 }),
        ...exchange(11, 9, "unanswered", 401, { expires: 700_000 }),
      ],
      12,
    ),
    "pass",
  ],
  [
    "asked for the same",
    ASKS_FOR_MORE,
    course(
      [
        ...exchange(10, 8, "unanswered", 423, {}, { minExpires: 700_000 }),
        ...exchange(11, 9, "unanswered", 423, {}, { minExpires: 700_000 }),
      ],
      12,
    ),
    "min-expires-ignored",
  ],
  [
    "gave up",
    ASKS_FOR_MORE,
    course(exchange(10, 8, "unanswered", 423, {}, { minExpires: 700_000 }), 50),
    "min-expires-ignored",
  ],

  ["registered", REGISTERED_IN_THE_END, course(good(), 12), "pass"],
  ["not registered", REGISTERED_IN_THE_END, course(first, 50), "not-recovered"],

  [
    "back",
    COMES_BACK,
    course([...told("deactivated"), register(11, 1, "unanswered", { callId: "new" })], 12),
    "pass",
  ],
  ["not back", COMES_BACK, course(told("deactivated"), 41), "not-back"],
  ["not back yet", COMES_BACK, course(told("deactivated"), 30), "not-judged"],
  ["not told", COMES_BACK, course([], 41, unsubscribed), "not-judged"],
  ["NOTIFY not taken", COMES_BACK, course(told("deactivated").slice(0, 1), 60), "not-judged"],

  ["subscribed", SUBSCRIBES_AFTER, course([...good(), subscribe(11)], 12), "pass"],
  ["not subscribed", SUBSCRIBES_AFTER, course(good(), 41), "no-subscribe"],
  ["found subscribed", IS_SUBSCRIBED, course([], 12), "pass"],
  ["subscribes meanwhile", IS_SUBSCRIBED, course([subscribe(11)], 12, unsubscribed), "pass"],
  ["never", IS_SUBSCRIBED, course([], 50, unsubscribed), "no-subscribe"],

  [
    "after Retry-After",
    WAITS_FOR_RETRY_AFTER,
    course([...subscribed503, subscribe(16.2, 2)], 20),
    "pass",
  ],
  [
    "before it",
    WAITS_FOR_RETRY_AFTER,
    course([...subscribed503, subscribe(15.9, 2)], 20),
    "retry-after-ignored",
  ],
  ["never", WAITS_FOR_RETRY_AFTER, course(subscribed503, 47), "not-retried"],
  ["not yet", WAITS_FOR_RETRY_AFTER, course(subscribed503, 20), "not-judged"],

  ["away", STAYS_AWAY, course(told("rejected"), 25), "pass"],
  [
    "back",
    STAYS_AWAY,
    course([...told("rejected"), register(12, 1, "unanswered")], 25),
    "came-back",
  ],
  ["NOTIFY not taken", STAYS_AWAY, course(told("rejected").slice(0, 1), 25), "not-judged"],

  [
    "half time",
    REFRESHES_IN_TIME,
    course(
      [...exchange(10, 8, "answer", 200, {}, { expires: 40 }), register(30, 9, "unanswered")],
      40,
    ),
    "pass",
  ],
  [
    "late",
    REFRESHES_IN_TIME,
    course(
      [...exchange(10, 8, "answer", 200, {}, { expires: 40 }), register(40, 9, "unanswered")],
      50,
    ),
    "register-late",
  ],
  [
    "never",
    REFRESHES_IN_TIME,
    course(exchange(10, 8, "answer", 200, {}, { expires: 40 }), 60),
    "register-late",
  ],
  [
    "not due yet",
    REFRESHES_IN_TIME,
    course(exchange(10, 8, "answer", 200, {}, { expires: 3600 }), 60),
    "not-judged",
  ],

  ["no BYE", CALL_KEPT, course(good(), 12, { hasCall: true }), "pass"],
  [
    "the other side's BYE",
    CALL_KEPT,
    course([...good(), ...wholeBye], 12, { hasCall: true }),
    "pass",
  ],
  [
    "its own BYE",
    CALL_KEPT,
    course([...good(), bye("from-device")], 12, { hasCall: true }),
    "call-lost",
  ],
  [
    "BYE to a call it does not know",
    CALL_KEPT,
    course([bye("to-device"), answer(11.1, bye("to-device"), 481)], 12, { hasCall: true }),
    "call-lost",
  ],
  ["no call", CALL_KEPT, course(good(), 12), "not-judged"],
  ["its own BYE", CALL_RELEASED, course([bye("from-device")], 12, { hasCall: true }), "pass"],
  ["the network's BYE", CALL_RELEASED, course(wholeBye, 12, { hasCall: true }), "pass"],
  ["no BYE", CALL_RELEASED, course(told("rejected"), 25, { hasCall: true }), "call-kept"],
  ["no call", CALL_RELEASED, course(wholeBye, 12), "not-judged"],
];

test.each(ROWS.map(([what, check, ...rest]) => [check.name, what, check, ...rest] as const))(
  "%s: %s",
  (_name, _what, check, observed, expected) => {
    const outcome = check.judge(observed);
    expect(outcome.verdict === "fail" ? outcome.finding : outcome.verdict).toBe(expected);
  },
);

describe("of a procedure", () => {
  const verdictOf = (observed: Course): string =>
    judgeAll(REAUTHENTICATION_CHECKS, observed).verdict;

  test("all pass: pass; one fails: fail, whatever was not judged; else inconclusive, with why", () => {
    expect(verdictOf(course(good(), 12))).toBe("pass");
    expect(verdictOf(course([trigger], 60))).toBe("fail");
    expect(verdictOf(course([trigger], 20))).toBe("inconclusive");
    expect(judgeAll(REAUTHENTICATION_CHECKS, course([trigger, taken], 12))).toMatchObject({
      verdict: "inconclusive",
      why: expect.stringContaining("not due yet"),
    });
  });

  test("a NOTIFY that nobody takes is one finding, not three", () => {
    const { checks } = judgeAll(REAUTHENTICATION_CHECKS, course([trigger], 60));
    expect(checks.filter(({ verdict }) => verdict === "fail").map(({ name }) => name)).toEqual([
      "notify",
    ]);
  });

  test("what an ISIM does is not asked of a password", () => {
    const device = { ...DEVICE, scheme: "digest" as const };
    const { checks } = judgeAll(REAUTHENTICATION_CHECKS, course(good(), 12, { device }));
    expect(checks.map(({ name }) => name)).not.toContain("authorization");
  });
});
