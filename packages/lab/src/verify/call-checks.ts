// Checks of calls beside registrations: kept through a challenge, released with the registration. TS 24.229 §5.1.1.5, §5.1.1.7.
import { exchanges } from "./course.ts";
import { type Check, failed, notJudged, passed } from "./verdict.ts";

export const CALL_KEPT: Check = {
  name: "call",
  expected: "the call stays up while it authenticates",
  rule: "TS 24.229 §5.1.1.5.1",
  judge(course) {
    if (!course.hasCall) return notJudged("no call was up");
    const [left] = exchanges(course, "from-device", "BYE");
    if (left !== undefined) return failed("call-lost", "the device sent BYE");
    const [ended] = exchanges(course, "to-device", "BYE");
    if (ended === undefined) return passed("no BYE");
    const { answer } = ended;
    return answer?.status === 200
      ? passed("it was up until the other side ended it")
      : failed("call-lost", `${answer?.status ?? "no answer"} to the other side's BYE`);
  },
};

export const CALL_RELEASED: Check = {
  name: "call",
  expected: "the call ends with the registration",
  rule: "TS 24.229 §5.1.1.7",
  judge(course) {
    if (!course.hasCall) return notJudged("no call was up");
    if (exchanges(course, "from-device", "BYE").length > 0) return passed("the device sent BYE");
    const [ended] = exchanges(course, "to-device", "BYE");
    if (ended?.answer?.status === 200) return passed("it answered the network's BYE with 200");
    return failed("call-kept", ended === undefined ? "no BYE" : "the network's BYE got no 200");
  },
};
