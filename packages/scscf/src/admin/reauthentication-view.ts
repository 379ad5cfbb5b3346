// A re-authentication as the admin interface and the webhook tell it.
import type { ReauthenticationView } from "@ims-lab/common/admin-api/views";
import { reasonOf } from "../history/end-reasons.ts";
import type { Binding } from "../registration/binding.ts";
import type { Bindings } from "../registration/bindings.ts";
import type { Reauthentication } from "../registration/reauthentication.ts";

export function reauthenticationView(one: Reauthentication): ReauthenticationView {
  const { course } = one;
  const ended = one.progress === "ended" ? one : undefined;
  return {
    id: one.id,
    impi: one.impi,
    impu: one.impu,
    bindingId: one.bindingId,
    contact: one.contact,
    cause: one.cause,
    askers: one.askers.map(({ cause }) => cause),
    progress: one.progress === "ended" ? lastProgress(one) : one.progress,
    end: ended?.end ?? null,
    requestedAt: Math.round(one.requestedAt),
    notifiedAt: rounded(course.notifiedAt),
    acknowledgedAt: rounded(course.acknowledgedAt),
    challengedAt: rounded(course.challengedAt),
    endedAt: rounded(ended?.endedAt),
    deadlineAt: Math.round(one.deadline),
    deregisteredAt: rounded(ended?.deregisteredAt),
    reason: reasonOf(one) ?? null,
  };
}

/** The same, and what one waits for that nobody could be told of yet. */
export function reauthenticationOf(
  { bindings }: { readonly bindings: Bindings },
  one: Reauthentication,
): ReauthenticationView {
  return dueView(one, bindings.get(one.bindingId));
}

export function dueView(one: Reauthentication, binding: Binding | undefined): ReauthenticationView {
  const view = reauthenticationView(one);
  const waits = one.progress === "requested" && binding?.duty.state !== "fulfilled";
  return waits
    ? { ...view, reason: "has not subscribed: takes effect when it does, or at its next REGISTER" }
    : view;
}

/** How far it had come before its end. */
function lastProgress({ course }: Reauthentication): ReauthenticationView["progress"] {
  if (course.challengedAt !== undefined) return "challenged";
  if (course.acknowledgedAt !== undefined) return "acknowledged";
  return course.notifiedAt === undefined ? "requested" : "notified";
}

function rounded(time: number | undefined): number | null {
  return time === undefined ? null : Math.round(time);
}
