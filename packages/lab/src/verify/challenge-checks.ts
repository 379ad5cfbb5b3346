// Checks of what a device does about challenges that are wrong: forged, or out of step. TS 33.102 §6.3.3; RFC 3310 §3.3, §3.4.
import { type Course, type Exchange, registers } from "./course.ts";
import { type Check, type CheckOutcome, failed, notJudged, passed } from "./verdict.ts";

/** Challenges that the fault spoils in one run. */
export const FORGED_CHALLENGES = 2;

export const REJECTS_FORGED: Check = {
  name: "rejects",
  expected: "a challenge with a wrong MAC is answered with an empty response and without AUTS",
  rule: "TS 24.229 §5.1.1.5.3, RFC 3310 §3.3",
  judge(course) {
    const outcomes = challenged(course).slice(0, FORGED_CHALLENGES).map(toForged);
    return (
      outcomes.find(({ verdict }) => verdict === "fail") ??
      outcomes[0] ??
      notJudged("nothing was challenged")
    );
  },
};

export const RESYNCHRONISES: Check = {
  name: "auts",
  expected: "a challenge whose SQN is out of range is answered with AUTS",
  rule: "TS 24.229 §5.1.1.5.3, RFC 3310 §3.4",
  judge(course) {
    const [first] = challenged(course);
    if (first === undefined) return notJudged("nothing was challenged");
    const { next } = first;
    if (next === undefined) return failed("old-sqn-unanswered", "no REGISTER followed");
    switch (next.request.credentials) {
      case "auts":
        return passed("AUTS");
      case "rejection":
        return failed("autn-rejected", "an empty response without AUTS");
      case "answer":
        return failed("old-sqn-answered", "an answer");
      case "none":
      case "malformed":
      case "unanswered":
      case null:
        return failed("old-sqn-unanswered", "a REGISTER that answers nothing");
    }
  },
};

interface Challenged {
  readonly asked: Exchange;
  /** The device's next REGISTER of this procedure. */
  readonly next: Exchange | undefined;
}

function challenged(course: Course): readonly Challenged[] {
  const all = registers(course);
  return all.flatMap((asked, at) => {
    if (asked.answer?.status !== 401) return [];
    const next = all[at + 1];
    const isSame = next?.request.callId === asked.request.callId;
    return [{ asked, next: isSame ? next : undefined }];
  });
}

function toForged({ next }: Challenged): CheckOutcome {
  switch (next?.request.credentials) {
    case "rejection":
      return passed("an empty response without AUTS");
    case "answer":
      return failed("bad-autn-answered", "an answer");
    case "auts":
      return failed("auts-unasked", "AUTS, though the MAC was wrong");
    case "none":
    case "malformed":
    case "unanswered":
    case null:
    case undefined:
      return failed("bad-autn-unanswered", "no REGISTER said so");
  }
}
