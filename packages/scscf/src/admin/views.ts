// Registrations and re-authentications as the admin interface shows them. admin-api/views.
import type {
  BindingView,
  ReauthenticationView,
  RegistrationView,
  SubscriptionView,
} from "@ims-lab/common/admin-api/views";
import { isLive } from "@ims-lab/common/sip/event/notifier";
import { reasonOf } from "../history/end-reasons.ts";
import type { Scscf } from "../node.ts";
import type { Binding } from "../registration/binding.ts";
import type { Reauthentication } from "../registration/reauthentication.ts";
import type { RegistrationSet } from "../subscribers/registration-sets.ts";

export function registrationView(
  scscf: Scscf,
  set: RegistrationSet,
  impu: string,
): RegistrationView {
  const bindings = scscf.bindings.ofSet(set.name);
  const impi = bindings[0]?.impi ?? impiOf(scscf, set.name);
  return {
    impu,
    impi,
    implicitSet: set.impus.map(({ uri }) => uri),
    state: bindings.length > 0 ? "registered" : "not-registered",
    bindings: bindings.map((binding) => bindingView(scscf, binding)),
  };
}

/** Of a set that nobody has registered. */
function impiOf({ directory }: Scscf, set: string): string {
  return directory.byImpi(set)?.impi ?? "";
}

function bindingView({ notifier }: Scscf, binding: Binding): BindingView {
  const { address, duty, reauthentication } = binding;
  return {
    id: binding.token,
    contact: address.contact,
    callId: binding.callId,
    cseq: binding.cseq,
    path: address.path,
    expiresAt: Math.round(binding.expiresAt),
    registeredAt: Math.round(binding.registeredAt),
    authenticatedAt: Math.round(binding.authenticatedAt),
    subscription: subscriptionView(notifier, binding),
    subscriptionDeadlineAt: duty.state === "owed" ? Math.round(duty.by) : null,
    reauthentication: reauthentication === undefined ? null : dueView(reauthentication, binding),
  };
}

function subscriptionView(notifier: Scscf["notifier"], binding: Binding): SubscriptionView | null {
  const subscription = notifier.subscriptionsOf(binding)[0];
  if (subscription === undefined || !isLive(subscription.state)) return null;
  return {
    package: subscription.package,
    callId: subscription.dialog.callId,
    expiresAt: Math.round(subscription.state.expiresAt),
    version: Math.max(0, subscription.version - 1),
  };
}

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
  { bindings }: Scscf,
  one: Reauthentication,
): ReauthenticationView {
  return dueView(one, bindings.get(one.bindingId));
}

function dueView(one: Reauthentication, binding: Binding | undefined): ReauthenticationView {
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
