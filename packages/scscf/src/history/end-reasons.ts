// Ends of bindings and of re-authentications in one plain sentence each.
import type { ReauthenticationEnd } from "@ims-lab/common/admin-api/views";
import type { RemovalCause } from "../registration/binding.ts";
import type { Ended, Reauthentication } from "../registration/reauthentication.ts";

const ENDS: Readonly<Record<ReauthenticationEnd, string>> = {
  reauthenticated: "answered a fresh challenge",
  refused: "the last answer was wrong",
  unanswered: "challenged, no answer",
  ignored: "NOTIFY acknowledged, no REGISTER",
  unreachable: "NOTIFY not answered, no REGISTER",
  unsubscribed: "nobody to notify by the deadline",
  withdrawn: "de-registered meanwhile",
};

/** Undefined while it runs and nothing has gone wrong. */
export function reasonOf(one: Reauthentication): string | undefined {
  return one.progress === "ended"
    ? reasonOfEnd(one)
    : (one.course.refusal ?? one.course.notifyFailure);
}

export function reasonOfEnd({ end, course }: Ended): string {
  const detail = course.refusal ?? course.notifyFailure;
  const explains = end === "refused" || end === "unreachable";
  return explains && detail !== undefined ? detail : ENDS[end];
}

/** @param missed the re-authentication that ended with the binding; @param dutySeconds time to subscribe */
export function whyRemoved(
  cause: RemovalCause,
  missed: Ended | undefined,
  dutySeconds: number,
): string {
  switch (cause.kind) {
    case "deadline":
      return missed === undefined
        ? "did not authenticate again by the deadline"
        : `asked to authenticate again, ${missed.end}: ${reasonOfEnd(missed)}`;
    case "not-subscribed":
      return `no SUBSCRIBE (Event: reg or network-initiated-reregistration) within ${dutySeconds} s`;
    case "expired":
      return "its time was over and it did not register again";
    case "unregistered":
      return "it left (Expires 0)";
    case "displaced":
      return "made room for a newer device (contacts.maxPerImpi)";
    case "deactivated":
    case "rejected":
      return `by an operator (${cause.kind})`;
    case "probation":
      return `by an operator (probation, may come back after ${cause.retryAfterSeconds} s)`;
  }
}
