// Registrations and re-authentications as text for a terminal.
import type {
  AccessBindingView,
  BindingView,
  ReauthenticationView,
  RegistrationView,
} from "@ims-lab/common/admin-api/views";
import { printable } from "@ims-lab/common/platform/printable";
import { table, timeAgo, timeLeft } from "./table.ts";

export function registrationsTable(
  items: readonly RegistrationView[],
  now: number,
  width: number,
): string {
  if (items.length === 0) return "nobody is registered\n";
  const rows = items.flatMap((registration) =>
    registration.bindings.map((binding) => [
      registration.impu,
      binding.contact,
      timeLeft(binding.expiresAt, now),
      subscriptionText(binding, now),
      reauthenticationText(binding, now),
    ]),
  );
  return table(
    [["impu", "contact", "expires in", "subscription", "re-authentication"], ...rows],
    width,
  );
}

function subscriptionText(
  { subscription, subscriptionDeadlineAt }: BindingView,
  now: number,
): string {
  if (subscription !== null) {
    return `${subscription.package}, ${timeLeft(subscription.expiresAt, now)}`;
  }
  return subscriptionDeadlineAt === null
    ? "none"
    : `due in ${timeLeft(subscriptionDeadlineAt, now)}`;
}

function reauthenticationText({ reauthentication }: BindingView, now: number): string {
  if (reauthentication === null) return "-";
  const { progress, deadlineAt } = reauthentication;
  return deadlineAt === null ? progress : `${progress}, ${timeLeft(deadlineAt, now)} left`;
}

export function accessTable(
  items: readonly AccessBindingView[],
  now: number,
  width: number,
): string {
  if (items.length === 0) return "nobody is registered here\n";
  const rows = items.map((binding) => [
    binding.impu,
    binding.contact,
    binding.flow,
    timeLeft(binding.expiresAt, now),
    timeLeft(binding.subscriptionExpiresAt, now),
  ]);
  return table(
    [["impu", "contact", "flow", "expires in", "s-cscf subscribed for"], ...rows],
    width,
  );
}

export function reauthenticationsTable(
  items: readonly ReauthenticationView[],
  now: number,
  width: number,
): string {
  if (items.length === 0) return "no re-authentications\n";
  const rows = items.map((one) => [
    one.id,
    one.impu,
    one.contact,
    one.cause,
    timeAgo(one.requestedAt, now),
    one.end ?? one.progress,
    one.reason ?? "",
  ]);
  return table([["id", "impu", "contact", "cause", "asked", "state", "reason"], ...rows], width);
}

/** Everything about one registration. */
export function registrationText(registration: RegistrationView, now: number): string {
  const head = facts([
    ["impu", registration.impu],
    ["impi", registration.impi],
    ["state", registration.state],
    ["implicit set", registration.implicitSet.join(", ")],
  ]);
  return head + registration.bindings.map((binding) => `\n${bindingText(binding, now)}`).join("");
}

function bindingText(binding: BindingView, now: number): string {
  return facts([
    ["binding", binding.id],
    ["  contact", binding.contact],
    ["  call-id, cseq", `${binding.callId}, ${binding.cseq}`],
    ["  path", binding.path.join(", ")],
    ["  registered", timeAgo(binding.registeredAt, now)],
    ["  authenticated", timeAgo(binding.authenticatedAt, now)],
    ["  expires in", timeLeft(binding.expiresAt, now)],
    ["  user agent", binding.userAgent ?? "-"],
    ["  duty to subscribe", `${binding.duty}, by ${binding.dutyBy}`],
    ["  subscription", subscriptionText(binding, now)],
    ["  re-authentication", reauthenticationText(binding, now)],
  ]);
}

export function facts(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, value]) => `${name.padEnd(21)}${printable(value)}\n`).join("");
}

/** "sip:alice@… (sip:alice@192.0.2.1): ignored: NOTIFY answered, no REGISTER by the deadline". */
export function outcomeLine(one: ReauthenticationView): string {
  const state = one.end ?? `${one.progress}, not ended yet`;
  const took =
    one.end !== null && one.endedAt !== null
      ? ` after ${Math.max(0, Math.round(one.endedAt - one.requestedAt))} ms`
      : "";
  const why = one.reason === null ? "" : `: ${one.reason}`;
  return `${printable(`${one.impu} (${one.contact}): ${state}${took}${why}`)}\n`;
}
