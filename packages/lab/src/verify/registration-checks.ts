// Checks of registrations and de-registrations: initial, refreshed, refused for a while, ended. TS 24.229 §5.1.1.2-§5.1.1.7.
import { isRegistrationPackage } from "@ims-lab/common/ims/events";
import { renewalDelaySeconds } from "@ims-lab/common/sip/event/renewal";
import {
  type Course,
  type Exchange,
  exchanges,
  notifiesOf,
  registers,
  registersAfter,
  seconds,
} from "./course.ts";
import { challengeAnswer, judgeRenewal, notifyAnswer } from "./reauthentication-checks.ts";
import { type Check, type CheckOutcome, failed, notJudged, passed } from "./verdict.ts";

/** For what is to be done at once. */
const SOON_SECONDS = 30;

function toldOf(course: Course): Exchange | undefined {
  return notifiesOf(course, "deactivated")[0] ?? notifiesOf(course, "rejected")[0];
}

export const END_ACKNOWLEDGED: Check = {
  name: "notify",
  expected: "the NOTIFY of its end is answered with 200 within 3.5 s",
  rule: "RFC 6665 §4.1.3, RFC 4320 §4.1",
  judge: (course) => notifyAnswer(course, toldOf(course)),
};

/** The REGISTERs after it was told, or why there are none to judge. */
function afterEnd(course: Course): readonly Exchange[] | CheckOutcome {
  const told = toldOf(course);
  if (told === undefined) return notJudged("nobody could tell it: it has no subscription");
  if (told.answer?.status !== 200) return notJudged("it has not taken the NOTIFY");
  return registersAfter(course, told.answer);
}

export const COMES_BACK: Check = {
  name: "comes-back",
  expected: `after deactivated it registers anew within ${SOON_SECONDS} s`,
  rule: "TS 24.229 §5.1.1.7, RFC 3680 §4.1.1",
  judge(course) {
    const all = afterEnd(course);
    if ("verdict" in all) return all;
    const [first] = all;
    const told = toldOf(course)?.answer?.at ?? course.endedAt;
    if (first !== undefined) return passed(`REGISTER after ${seconds(first.request.at - told)}`);
    const watched = (course.endedAt - told) / 1000;
    const saw = `no REGISTER in ${Math.round(watched)} s`;
    return watched < SOON_SECONDS ? notJudged(saw) : failed("not-back", saw);
  },
};

export const INITIAL_NAMES_ITSELF: Check = {
  name: "authorization",
  expected: "its first REGISTER names the private identity in Authorization",
  rule: "TS 24.229 §5.1.1.2",
  applies: ({ scheme }) => scheme === "aka",
  judge(course) {
    const all = afterEnd(course);
    if ("verdict" in all) return all;
    const [first] = all;
    if (first === undefined) return notJudged("no REGISTER came");
    return first.request.credentials === "none"
      ? failed("no-authorization", "no Authorization")
      : passed("Authorization is there");
  },
};

export const INITIAL_CHALLENGE: Check = {
  name: "challenge",
  expected: "the 401 is answered rightly, and the REGISTER gets its 200",
  rule: "TS 24.229 §5.1.1.5.1, RFC 3310 §3.3",
  judge(course) {
    const all = afterEnd(course);
    return "verdict" in all ? all : challengeAnswer(all);
  },
};

function subscribes(course: Course): readonly Exchange[] {
  return exchanges(course, "from-device", "SUBSCRIBE").filter(({ request }) =>
    isRegistrationPackage(request.event ?? ""),
  );
}

export const SUBSCRIBES_AFTER: Check = {
  name: "subscribe",
  expected: `a SUBSCRIBE follows the registration within ${SOON_SECONDS} s`,
  rule: "TS 24.229 §5.1.1.3",
  judge(course) {
    const accepted = registers(course).find(({ answer }) => answer?.status === 200);
    if (accepted?.answer === undefined) return notJudged("it is not registered again");
    const { at } = accepted.answer;
    const first = subscribes(course).find(({ request }) => request.at >= at);
    if (first !== undefined) {
      const { event } = first.request;
      return passed(`${event} after ${seconds(first.request.at - at)}`);
    }
    const watched = (course.endedAt - at) / 1000;
    const saw = `no SUBSCRIBE in ${Math.round(watched)} s`;
    return watched < SOON_SECONDS ? notJudged(saw) : failed("no-subscribe", saw);
  },
};

/** Of the device as it is found. */
export const IS_SUBSCRIBED: Check = {
  name: "subscribe",
  expected: "it subscribes to its registration",
  rule: "TS 24.229 §5.1.1.3",
  judge(course) {
    const { package: eventPackage } = course.device;
    if (eventPackage !== undefined) return passed(`it is subscribed to ${eventPackage}`);
    const [first] = subscribes(course);
    if (first !== undefined) return passed(`SUBSCRIBE to ${first.request.event}`);
    return failed("no-subscribe", "it is registered and has no subscription");
  },
};

export const WAITS_FOR_RETRY_AFTER: Check = {
  name: "retry-after",
  expected: "after 503 it asks again, and not before Retry-After is over",
  rule: "TS 24.229 §5.1.1.3, RFC 3261 §20.33",
  judge(course) {
    const all = subscribes(course);
    const refused = all.findIndex(({ answer }) => answer?.status === 503);
    const answer = all[refused]?.answer;
    if (answer === undefined) return notJudged("no SUBSCRIBE came that could be answered 503");
    const wait = answer.retryAfter ?? 0;
    const next = all[refused + 1];
    if (next === undefined) {
      const watched = (course.endedAt - answer.at) / 1000;
      const saw = `no SUBSCRIBE in ${Math.round(watched)} s after a 503 with Retry-After ${wait}`;
      return watched < wait + SOON_SECONDS ? notJudged(saw) : failed("not-retried", saw);
    }
    const after = next.request.at - answer.at;
    const saw = `asked again after ${seconds(after)}, Retry-After was ${wait} s`;
    return after < wait * 1000 ? failed("retry-after-ignored", saw) : passed(saw);
  },
};

export const STAYS_AWAY: Check = {
  name: "stays-away",
  expected: "after rejected no REGISTER comes",
  rule: "TS 24.229 §5.1.1.7, RFC 3680 §4.1.1",
  judge(course) {
    const all = afterEnd(course);
    if ("verdict" in all) return all;
    const [first] = all;
    const watched = course.endedAt - (toldOf(course)?.answer?.at ?? course.endedAt);
    if (first === undefined) return passed(`none in ${seconds(watched)}`);
    return failed(
      "came-back",
      `REGISTER after ${seconds(watched - (course.endedAt - first.request.at))}`,
    );
  },
};

export const ASKS_FOR_MORE: Check = {
  name: "min-expires",
  expected: "after 423 it asks for Min-Expires or more",
  rule: "TS 24.229 §5.1.1.2, RFC 3261 §10.2.8",
  judge(course) {
    const all = registers(course);
    const refused = all.findIndex(({ answer }) => answer?.status === 423);
    const answer = all[refused]?.answer;
    if (answer === undefined) return notJudged("no REGISTER came that could be answered 423");
    const least = answer.minExpires ?? 0;
    const next = all[refused + 1];
    if (next === undefined) return failed("min-expires-ignored", "no REGISTER followed the 423");
    const { expires } = next.request;
    const saw = `asked for ${expires ?? "no"} s, Min-Expires was ${least}`;
    return expires !== null && expires >= least ? passed(saw) : failed("min-expires-ignored", saw);
  },
};

/** After whatever the network did wrong. */
export const REGISTERED_IN_THE_END: Check = {
  name: "registered",
  expected: "once the network is right the device is registered again",
  rule: "TS 24.229 §5.1.1.5",
  follows: true,
  judge(course) {
    const all = registers(course);
    if (all.length === 0) return notJudged("no REGISTER came");
    const last = all.findLast(({ answer }) => answer?.status === 200);
    if (last !== undefined) return passed("200");
    const { request, answer } = all[all.length - 1] ?? {};
    return failed(
      "not-recovered",
      `${answer?.status ?? "no answer"} to its last ${request?.method}`,
    );
  },
};

/** Of what was granted in the last 200 before the one that is judged. */
export const REFRESHES_IN_TIME: Check = {
  name: "refresh",
  expected: "it is refreshed 600 s before its end, or at half time of 1200 s and less",
  rule: "TS 24.229 §5.1.1.4",
  judge(course) {
    const all = registers(course);
    const granted = all.findIndex(
      ({ answer }) => answer?.status === 200 && (answer.expires ?? 0) > 0,
    );
    const answer = all[granted]?.answer;
    if (answer?.expires === undefined || answer.expires === null)
      return notJudged("no REGISTER came that something could be granted to");
    const next = all[granted + 1];
    const renewal = {
      granted: answer.expires,
      dueAfter: renewalDelaySeconds(answer.expires),
      cameAfter: next && (next.request.at - answer.at) / 1000,
      watched: (course.endedAt - answer.at) / 1000,
    };
    return judgeRenewal(renewal, (saw) => failed("register-late", saw));
  },
};
