// Registrations and re-authentications as the admin interface shows them. admin-api/views.
import type {
  BindingView,
  RegistrationView,
  SubscriptionView,
} from "@ims-lab/common/admin-api/views";
import { isLive } from "@ims-lab/common/sip/event/notifier";
import type { Scscf } from "../node.ts";
import type { Binding } from "../registration/binding.ts";
import type { RegistrationSet } from "../subscribers/registration-sets.ts";
import { dueView } from "./reauthentication-view.ts";

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

function bindingView(scscf: Scscf, binding: Binding): BindingView {
  const { address, duty, reauthentication, userAgent } = binding;
  const { notifier, directory, duties } = scscf;
  return {
    id: binding.token,
    contact: address.contact,
    callId: binding.callId,
    cseq: binding.cseq,
    path: address.path,
    userAgent: userAgent ?? null,
    duty: binding.mode,
    dutyBy: duties.of(directory.byImpi(binding.impi) ?? {}, userAgent).by,
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
