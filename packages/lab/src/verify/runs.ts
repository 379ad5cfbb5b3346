// Runs: what is done to a device, step by step, and what is waited for. As data; `runner.ts` carries them out.
import type { ScscfFaultName } from "@ims-lab/common/admin-api/faults";
import { isRegistrationPackage } from "@ims-lab/common/ims/events";
import { renewalDelaySeconds } from "@ims-lab/common/sip/event/renewal";
import {
  type Course,
  exchanges,
  notifiesOf,
  registers,
  registersAfter,
  shortenedTo,
  triggerOf,
} from "./course.ts";
import { latestSeconds, triggerDueSeconds } from "./timers.ts";

export type RunName =
  | "as-found"
  | "unasked"
  | "asked"
  | "asked-again"
  | "told-twice"
  | "without-callid"
  | "asked-sooner"
  | "short-grant"
  | "too-brief"
  | "forged"
  | "old-sqn"
  | "in-call"
  | "deactivated"
  | "rejected";

export type RunStep =
  /** Off again when the run is over. */
  | {
      readonly do: "fault";
      readonly name: ScscfFaultName;
      readonly times?: number;
      readonly parameters?: Readonly<Record<string, number | string>>;
    }
  /** Within the order's time, or within this share of it. */
  | { readonly do: "reauthenticate"; readonly share?: number }
  | { readonly do: "deregister"; readonly cause: "deactivated" | "rejected" }
  /** The lab's caller calls the device, where there is one. */
  | { readonly do: "call" }
  | { readonly do: "hang-up" }
  | Wait
  /** Nothing more may come. */
  | { readonly do: "quiet"; readonly seconds: number };

export interface Wait {
  readonly do: "await";
  /** For the line of progress. */
  readonly what: string;
  isThere(course: Course): boolean;
  /** When waiting on is pointless, seconds from the step on. */
  most(course: Course): number;
}

/** 64*T1: nothing answers later. */
const TRANSACTION_SECONDS = 32;
/** For what a device is to do at once, and a moment more. */
const SOON_SECONDS = 35;
/** For what would come too often. */
const QUIET_SECONDS = 3;
/** After `rejected`. */
const AWAY_SECONDS = 15;
/** NOTIFYs: the trigger, sent again, and the one after it. Should verify be killed, the fault ends by itself. */
const MOST_SPOILT = 4;
/** In a 200 that is to be refreshed while somebody waits. */
const SHORT_GRANT_SECONDS = 40;
const RETRY_AFTER_SECONDS = 6;

/** It waits for the answer to an earlier one. */
const NOTIFY_SENT: Wait = {
  do: "await",
  what: "the NOTIFY to leave",
  isThere: (course) => triggerOf(course) !== undefined || registers(course).length > 0,
  most: () => TRANSACTION_SECONDS,
};

const NOTIFY_TAKEN: Wait = {
  do: "await",
  what: "its answer to the NOTIFY",
  isThere: (course) => triggerOf(course)?.answer !== undefined || registers(course).length > 0,
  most: () => TRANSACTION_SECONDS,
};

/** Of the time given first: so that it would come too late without the second NOTIFY. */
const SOONER_SHARE = 0.4;

const SECOND_NOTIFY_TAKEN: Wait = {
  do: "await",
  what: "its answer to the second NOTIFY",
  isThere: (course) => notifiesOf(course, "shortened")[1]?.answer !== undefined,
  most: (course) => (triggerOf(course)?.answer?.status === 200 ? TRANSACTION_SECONDS : 0),
};

/** Until the device would be late; nothing more is due of one that has not taken the NOTIFY. */
const REGISTER_BEGUN: Wait = {
  do: "await",
  what: "its REGISTER",
  isThere: (course) => registers(course).length > 0,
  most(course) {
    const granted = shortenedTo(course);
    if (granted === undefined || triggerOf(course)?.answer?.status !== 200) return 1;
    const dueAfter = triggerDueSeconds(course.device.package, granted);
    return latestSeconds({ granted, dueAfter }) + 1;
  },
};

/** Accepted after a challenge, or finally not. */
const REGISTER_OVER: Wait = {
  do: "await",
  what: "the end of its registration",
  isThere: isAccepted,
  most: (course) => (registers(course).length === 0 ? 0 : TRANSACTION_SECONDS),
};

function isAccepted(course: Course): boolean {
  return registers(course).some(
    ({ request, answer }) => answer?.status === 200 && request.credentials === "answer",
  );
}

const ASKED: readonly RunStep[] = [
  { do: "reauthenticate" },
  NOTIFY_SENT,
  NOTIFY_TAKEN,
  REGISTER_BEGUN,
  REGISTER_OVER,
];

const SUBSCRIBED_AGAIN: Wait = {
  do: "await",
  what: "its SUBSCRIBE",
  isThere: (course) =>
    exchanges(course, "from-device", "SUBSCRIBE").some(
      ({ request, answer }) => isRegistrationPackage(request.event ?? "") && answer?.status === 200,
    ),
  most: () => SOON_SECONDS + RETRY_AFTER_SECONDS,
};

const BACK_AGAIN: Wait = {
  do: "await",
  what: "its initial registration",
  isThere: (course) => {
    const [told] = notifiesOf(course, "deactivated");
    return (
      told !== undefined &&
      registersAfter(course, told.request).some(({ answer }) => answer?.status === 200)
    );
  },
  most: () => SOON_SECONDS,
};

const REFRESHED: Wait = {
  do: "await",
  what: "its refresh",
  isThere: (course) => {
    const all = registers(course);
    const granted = all.findIndex(({ answer }) => answer?.status === 200);
    return granted >= 0 && all.slice(granted + 1).some(({ answer }) => answer?.status === 200);
  },
  most: (course) =>
    isAccepted(course)
      ? latestSeconds({
          granted: SHORT_GRANT_SECONDS,
          dueAfter: renewalDelaySeconds(SHORT_GRANT_SECONDS),
        }) + 2
      : 0,
};

const END_TOLD: Wait = {
  do: "await",
  what: "its answer to the NOTIFY",
  isThere: (course) =>
    [...notifiesOf(course, "deactivated"), ...notifiesOf(course, "rejected")].some(
      ({ answer }) => answer !== undefined,
    ),
  most: () => TRANSACTION_SECONDS,
};

export const RUNS: Readonly<Record<RunName, readonly RunStep[]>> = {
  "as-found": [
    {
      ...SUBSCRIBED_AGAIN,
      isThere: (course) => course.device.package !== undefined || SUBSCRIBED_AGAIN.isThere(course),
      most: () => SOON_SECONDS,
    },
  ],
  unasked: [
    { do: "reauthenticate" },
    {
      do: "await",
      what: "its next REGISTER",
      isThere: (course) => registers(course).length > 0,
      most: () => Number.POSITIVE_INFINITY,
    },
    REGISTER_OVER,
  ],
  asked: ASKED,
  "asked-again": ASKED,
  "told-twice": [
    { do: "fault", name: "notify-twice", times: MOST_SPOILT },
    ...ASKED,
    { do: "quiet", seconds: QUIET_SECONDS },
  ],
  "without-callid": [{ do: "fault", name: "trigger-without-callid", times: MOST_SPOILT }, ...ASKED],
  "asked-sooner": [
    { do: "reauthenticate" },
    NOTIFY_SENT,
    NOTIFY_TAKEN,
    { do: "reauthenticate", share: SOONER_SHARE },
    SECOND_NOTIFY_TAKEN,
    REGISTER_BEGUN,
    REGISTER_OVER,
    { do: "quiet", seconds: QUIET_SECONDS },
  ],
  "short-grant": [
    {
      do: "fault",
      name: "short-grant",
      times: 1,
      parameters: { seconds: SHORT_GRANT_SECONDS },
    },
    ...ASKED,
    REFRESHED,
  ],
  "too-brief": [{ do: "fault", name: "interval-too-brief", times: 1 }, ...ASKED],
  forged: [{ do: "fault", name: "bad-autn", times: 2 }, ...ASKED],
  "old-sqn": [{ do: "fault", name: "old-sqn", times: 1 }, ...ASKED],
  "in-call": [{ do: "call" }, ...ASKED, { do: "hang-up" }],
  deactivated: [
    {
      do: "fault",
      name: "unavailable",
      times: 1,
      parameters: { method: "SUBSCRIBE", retryAfterSeconds: RETRY_AFTER_SECONDS },
    },
    { do: "deregister", cause: "deactivated" },
    END_TOLD,
    BACK_AGAIN,
    SUBSCRIBED_AGAIN,
  ],
  rejected: [
    { do: "call" },
    { do: "deregister", cause: "rejected" },
    END_TOLD,
    { do: "quiet", seconds: AWAY_SECONDS },
    { do: "hang-up" },
  ],
};
