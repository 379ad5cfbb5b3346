// The procedures that a device is taken through: what each needs, what is done, what is judged. docs/verify.md.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { CALL_KEPT, CALL_RELEASED } from "./call-checks.ts";
import { FORGED_CHALLENGES, REJECTS_FORGED, RESYNCHRONISES } from "./challenge-checks.ts";
import { conformanceChapter, conformanceTest } from "./clauses.ts";
import type { DeviceFacts } from "./course.ts";
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
} from "./reauthentication-checks.ts";
import {
  ASKS_FOR_MORE,
  COMES_BACK,
  END_ACKNOWLEDGED,
  INITIAL_CHALLENGE,
  INITIAL_NAMES_ITSELF,
  IS_SUBSCRIBED,
  REFRESHES_IN_TIME,
  REGISTERED_IN_THE_END,
  STAYS_AWAY,
  SUBSCRIBES_AFTER,
  WAITS_FOR_RETRY_AFTER,
} from "./registration-checks.ts";
import type { RunName } from "./runs.ts";
import type { Check } from "./verdict.ts";

export interface Procedure {
  readonly name: string;
  readonly title: string;
  /** Of the conformance tests, or of the core standard where those have none. */
  readonly clause: string;
  /** What is done for it; several procedures may judge one run. */
  readonly run: RunName;
  /** Why it cannot be judged with this device; undefined: it can. */
  lacks(device: DeviceFacts, extras: Extras): string | undefined;
  readonly checks: readonly Check[];
}

/** What the operator lends. */
export interface Extras {
  /** A UE of the lab that can call the device. */
  readonly caller: string | undefined;
}

const NO_SUBSCRIPTION = "it has no subscription: nothing can be asked of it";
const NO_AKA = "it has a password: there is no AUTN";
const NO_CALLER = "nobody can call it: --caller IMPU names a UE of the lab";

function subscription({ package: eventPackage }: DeviceFacts): string | undefined {
  return eventPackage === undefined ? NO_SUBSCRIPTION : undefined;
}

function aka(device: DeviceFacts): string | undefined {
  return device.scheme === "aka" ? subscription(device) : NO_AKA;
}

function caller(device: DeviceFacts, extras: Extras): string | undefined {
  return extras.caller === undefined ? NO_CALLER : subscription(device);
}

/** In the order in which they are taken: what leaves the device unregistered comes last. */
export const PROCEDURES: readonly Procedure[] = [
  {
    name: "subscription",
    title: "Subscription to the registration's state",
    clause: conformanceTest("8.1"),
    run: "as-found",
    lacks: () => undefined,
    checks: [IS_SUBSCRIBED],
  },
  {
    name: "next-register",
    title: "Challenge at the next REGISTER of a device that cannot be asked",
    clause: "TS 24.229 §5.1.1.5.1",
    run: "unasked",
    lacks: ({ package: eventPackage }) =>
      eventPackage === undefined ? undefined : "it has a subscription: it can be asked",
    checks: [SAME_CALL_ID, NEXT_CSEQ, SAME_CONTACT, NAMES_ITSELF, CHALLENGE_ANSWERED],
  },
  {
    name: "reauthentication",
    title: "Network-initiated re-authentication",
    clause: conformanceTest("11.2"),
    run: "asked",
    lacks: subscription,
    checks: REAUTHENTICATION_CHECKS,
  },
  {
    name: "asked-again",
    title: "Re-authentication asked for once more",
    clause: conformanceTest("11.2"),
    run: "asked-again",
    lacks: subscription,
    checks: REAUTHENTICATION_CHECKS,
  },
  {
    name: "asked-twice",
    title: "One request to re-register that is told twice",
    clause: conformanceTest("11.2"),
    run: "told-twice",
    lacks: subscription,
    checks: [NOTIFY_ANSWERED, REGISTERS_IN_TIME, CHALLENGE_ANSWERED, OBEYED_ONCE],
  },
  {
    name: "without-callid",
    title: "Request to re-register without callid and cseq",
    clause: conformanceTest("11.2"),
    run: "without-callid",
    lacks: subscription,
    checks: REAUTHENTICATION_CHECKS,
  },
  {
    name: "asked-sooner",
    title: "Request to re-register sooner than first said",
    clause: conformanceTest("11.2"),
    run: "asked-sooner",
    lacks: (device) =>
      device.package === OWN_PACKAGE
        ? "in this package it registers at once: there is no sooner"
        : subscription(device),
    checks: [NOTIFY_ANSWERED, REGISTERS_SOONER, CHALLENGE_ANSWERED, OBEYED_ONCE],
  },
  {
    name: "refresh",
    title: "Re-registration by the device itself",
    clause: conformanceTest("C.46"),
    run: "short-grant",
    lacks: subscription,
    checks: [REFRESHES_IN_TIME, SAME_CALL_ID, NEXT_CSEQ, SAME_CONTACT],
  },
  {
    name: "interval-too-brief",
    title: "423 to a REGISTER",
    clause: conformanceChapter(8),
    run: "too-brief",
    lacks: subscription,
    checks: [ASKS_FOR_MORE, REGISTERED_IN_THE_END],
  },
  {
    name: "forged-challenge",
    title: `${FORGED_CHALLENGES} challenges with a wrong AUTN, then a right one`,
    clause: conformanceChapter(9),
    run: "forged",
    lacks: aka,
    checks: [REJECTS_FORGED, REGISTERED_IN_THE_END],
  },
  {
    name: "resynchronisation",
    title: "Challenge whose SQN is out of range",
    clause: conformanceChapter(9),
    run: "old-sqn",
    lacks: aka,
    checks: [RESYNCHRONISES, REGISTERED_IN_THE_END],
  },
  {
    name: "challenge-in-call",
    title: "Challenge while a call is up",
    clause: "TS 24.229 §5.1.1.5.1",
    run: "in-call",
    lacks: caller,
    checks: [CHALLENGE_ANSWERED, CALL_KEPT],
  },
  {
    name: "deactivated",
    title: "Network-initiated de-registration, to come back",
    clause: conformanceTest("11.1"),
    run: "deactivated",
    lacks: subscription,
    checks: [END_ACKNOWLEDGED, COMES_BACK],
  },
  {
    name: "registration",
    title: "Initial registration",
    clause: conformanceTest("8.1"),
    run: "deactivated",
    lacks: subscription,
    checks: [INITIAL_NAMES_ITSELF, INITIAL_CHALLENGE, SUBSCRIBES_AFTER],
  },
  {
    name: "subscribe-unavailable",
    title: "503 with Retry-After to SUBSCRIBE",
    clause: conformanceChapter(10),
    run: "deactivated",
    lacks: subscription,
    checks: [WAITS_FOR_RETRY_AFTER],
  },
  {
    name: "rejected",
    title: "Network-initiated de-registration, to stay away",
    clause: conformanceTest("11.1"),
    run: "rejected",
    lacks: subscription,
    checks: [END_ACKNOWLEDGED, STAYS_AWAY],
  },
  {
    name: "rejected-in-call",
    title: "Calls of a registration that the network ends",
    clause: conformanceTest("11.1"),
    run: "rejected",
    lacks: caller,
    checks: [CALL_RELEASED],
  },
];
