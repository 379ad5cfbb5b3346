// Checks of a network-initiated re-authentication: NOTIFY, REGISTER, challenge. TS 24.229 §5.1.1.5; RFC 6665 §4.1.3; RFC 3261 §10.2.
import {
  answersUnseen,
  attempts,
  type Course,
  type Exchange,
  isOneContact,
  notifiesOf,
  registers,
  registersAfter,
  registersCausedBy,
  seconds,
  shortenedTo,
  triggerOf,
} from "./course.ts";
import {
  explainRenewal,
  latestSeconds,
  punctuality,
  type Renewal,
  triggerDueSeconds,
} from "./timers.ts";
import { type Check, type CheckOutcome, failed, notJudged, passed } from "./verdict.ts";

/** RFC 4320 §4.1: by then Timer E has reached T2, and a request without an answer is in trouble. */
const LATE_MS = 3_500;

export const NOTIFY_ANSWERED: Check = {
  name: "notify",
  expected: "the NOTIFY is answered with 200 within 3.5 s",
  rule: "RFC 6665 §4.1.3, RFC 4320 §4.1",
  judge: (course) => notifyAnswer(course, triggerOf(course)),
};

/** 64*T1 */
const TRANSACTION_MS = 32_000;
/** Of a proxy, for a device that is silent or gone (RFC 5626 §5.3.1: 430). */
const NO_ANSWER: ReadonlySet<number> = new Set([408, 430, 480]);

export function notifyAnswer(course: Course, notify: Exchange | undefined): CheckOutcome {
  if (notify === undefined) return notJudged("no NOTIFY left");
  const { request, answer } = notify;
  if (answer === undefined) {
    const isOver = course.endedAt - request.at >= TRANSACTION_MS;
    return isOver
      ? failed("notify-unanswered", "no answer came")
      : notJudged("no answer has come yet");
  }
  const status = answer.status ?? 0;
  if (NO_ANSWER.has(status)) return failed("notify-unanswered", `${status} came`);
  if (status >= 500) return failed("notify-failed", `${status} came`);
  if (status >= 300) return failed("notify-refused", `${status} came`);
  const took = answer.at - request.at;
  const saw = `200 after ${seconds(took)}`;
  return took > LATE_MS ? failed("notify-late", saw) : passed(saw);
}

export const REGISTERS_IN_TIME: Check = {
  name: "register",
  expected: "a REGISTER comes: at once in the own package, else by the 600 s or half-time rule",
  rule: "TS 24.229 §5.1.1.5.2, §5.1.1.4; docs/events.md",
  judge: (course) => registersInTime(course, triggerOf(course)),
};

export const REGISTERS_SOONER: Check = {
  name: "register",
  expected: "the earlier end of the second NOTIFY counts",
  rule: "TS 24.229 §5.1.1.5.2, §5.1.1.4",
  judge(course) {
    const [, second] = notifiesOf(course, "shortened");
    return second === undefined
      ? notJudged("it had registered before it was asked for sooner")
      : registersInTime(course, second);
  },
};

/** @param trigger the NOTIFY that counts */
function registersInTime(course: Course, trigger: Exchange | undefined): CheckOutcome {
  const granted = shortenedTo(course, trigger);
  if (trigger === undefined || granted === undefined)
    return notJudged("nothing asked it to register");
  const { request, answer } = trigger;
  const [first] = registersCausedBy(course, request);
  if (answer?.status !== 200 && first === undefined)
    return notJudged("it has not taken the NOTIFY");
  const from = answer?.status === 200 ? answer.at : request.at;
  const dueAfter = triggerDueSeconds(course.device.package, granted);
  const renewal = {
    granted,
    dueAfter,
    cameAfter: first && Math.max(0, first.request.at - from) / 1000,
    watched: (course.endedAt - from) / 1000,
  };
  return judgeRenewal(renewal, (saw) => failed("no-register", saw));
}

/** @param missing what it is where nothing has come */
export function judgeRenewal(
  renewal: Renewal,
  missing: (saw: string) => CheckOutcome,
): CheckOutcome {
  const saw = explainRenewal(renewal);
  switch (punctuality(renewal)) {
    case "early":
    case "in time":
      return passed(saw);
    case "late":
    case "too late":
      return failed("register-late", saw);
    case "missing":
      return missing(saw);
    case "not due yet":
      return notJudged(`${saw}; --timeout ${Math.ceil(latestSeconds(renewal)) + 5} waits for it`);
  }
}

/** The first REGISTER that a run is about: after its trigger, or at all where nobody could be asked. */
function firstRegister(course: Course): Exchange | undefined {
  const trigger = triggerOf(course);
  const [first] =
    trigger === undefined ? registers(course) : registersCausedBy(course, trigger.request);
  return first;
}

const NO_REGISTER = notJudged("no REGISTER came");

export const SAME_CALL_ID: Check = {
  name: "call-id",
  expected: "its Call-ID is that of the registration",
  rule: "RFC 3261 §10.2",
  judge(course) {
    const first = firstRegister(course);
    if (first === undefined) return NO_REGISTER;
    const { callId } = first.request;
    if (callId === course.device.callId) return passed(callId);
    return failed("call-id-changed", `${callId} instead of ${course.device.callId}`);
  },
};

export const NEXT_CSEQ: Check = {
  name: "cseq",
  expected: "each REGISTER's CSeq is one above that before",
  rule: "RFC 3261 §10.2",
  judge(course) {
    const first = firstRegister(course);
    if (first === undefined) return NO_REGISTER;
    const { callId, cseq } = course.device;
    // A registration of its own may have come before the trigger, and begun before anybody looked.
    const judged = registers(course).filter(
      ({ request }) => request.callId === first.request.callId,
    );
    const numbers = judged.map(({ request }) => request.cseq);
    const isCut = answersUnseen(course, judged[0]?.request);
    const all = first.request.callId === callId && !isCut ? [cseq, ...numbers] : numbers;
    const saw = all.join(", ");
    if (isCut && all.length < 2) return notJudged(`${saw} alone`);
    const isNext = all.every((number, at) => at === 0 || number === (all[at - 1] ?? 0) + 1);
    return isNext ? passed(saw) : failed("cseq-not-next", saw);
  },
};

export const SAME_CONTACT: Check = {
  name: "contact",
  expected: "its Contact is that of the registration",
  rule: "TS 24.229 §5.1.1.4",
  judge(course) {
    const first = firstRegister(course);
    if (first === undefined) return NO_REGISTER;
    const { contact } = first.request;
    const known = course.device.contact;
    if (contact !== null && known !== undefined && isOneContact(contact, known))
      return passed(contact);
    return failed("contact-changed", `${contact ?? "none"} instead of ${known}`);
  },
};

export const NAMES_ITSELF: Check = {
  name: "authorization",
  expected: "its first REGISTER names the private identity in Authorization",
  rule: "TS 24.229 §5.1.1.2, §5.1.1.4",
  applies: ({ scheme }) => scheme === "aka",
  judge(course) {
    const first = firstRegister(course);
    if (first === undefined) return NO_REGISTER;
    const { credentials } = first.request;
    return credentials === "none"
      ? failed("no-authorization", "no Authorization")
      : passed("Authorization is there");
  },
};

export const CHALLENGE_ANSWERED: Check = {
  name: "challenge",
  expected: "the 401 is answered rightly, and the REGISTER gets its 200",
  rule: "TS 24.229 §5.1.1.5.1, RFC 3310 §3.3",
  judge(course) {
    const first = firstRegister(course);
    if (first === undefined) return NO_REGISTER;
    return challengeAnswer(registersAfter(course, first.request));
  },
};

/** RFC 7616 §3.3: with `stale` a right answer is challenged once more. */
const MOST_ANSWERS = 3;

/** Of the REGISTERs of one procedure; the first of them not yet an answer. */
export function challengeAnswer(all: readonly Exchange[]): CheckOutcome {
  const challenged = all.findIndex(({ answer }) => answer?.status === 401);
  const { request: asked, answer: challenge } = all[challenged] ?? {};
  if (asked === undefined || challenge === undefined) return notJudged("nothing was challenged");
  const answers = all
    .slice(challenged + 1)
    .filter(({ request }) => request.callId === asked.callId)
    .slice(0, MOST_ANSWERS);
  const [first] = answers;
  if (first === undefined || first.request.nonce === null)
    return failed("challenge-unanswered", "no REGISTER answered the 401");
  const { credentials } = first.request;
  if (credentials === "rejection") return failed("autn-rejected", "an empty response without AUTS");
  if (credentials === "auts") return failed("auts-unasked", "AUTS");
  const accepted = answers.find(({ answer }) => answer?.status === 200);
  const took = first.request.at - challenge.at;
  if (accepted !== undefined) return passed(`answered after ${seconds(took)}, 200`);
  return failed("wrong-response", `${first.answer?.status ?? "no answer"} to its answer`);
}

export const OBEYED_ONCE: Check = {
  name: "once",
  expected: "it registers once for one trigger, however often it is said",
  rule: "RFC 3680 §5.3, docs/events.md",
  judge(course) {
    const trigger = triggerOf(course);
    if (trigger === undefined) return notJudged("nothing asked it to register");
    const began = attempts(registersCausedBy(course, trigger.request));
    if (began.length === 0) return NO_REGISTER;
    const saw = `${began.length} ${began.length === 1 ? "registration" : "registrations"}`;
    return began.length === 1 ? passed(saw) : failed("obeyed-twice", saw);
  },
};

/** Of each trigger in every run. */
export const REAUTHENTICATION_CHECKS: readonly Check[] = [
  NOTIFY_ANSWERED,
  REGISTERS_IN_TIME,
  SAME_CALL_ID,
  NEXT_CSEQ,
  SAME_CONTACT,
  NAMES_ITSELF,
  CHALLENGE_ANSWERED,
];
