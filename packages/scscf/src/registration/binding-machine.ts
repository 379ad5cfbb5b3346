// The binding's transitions, pure. TS 24.229 §5.4.1, §5.4.1.5, §5.4.1.6; docs/state-machines.md.
import { isSameContact } from "@ims-lab/common/ims/registered-contacts";
import { parseUri } from "@ims-lab/common/sip/message/uri";
import type { Address } from "./address.ts";
import type {
  Accepted,
  Binding,
  BindingContext,
  BindingEffect,
  BindingInput,
  BindingStep,
  Duty,
  RemovalCause,
  SubscriptionDuty,
} from "./binding.ts";
import {
  type Ended,
  type ReauthenticationInput,
  request,
  stepReauthentication,
} from "./reauthentication.ts";

const NO_EFFECTS: readonly BindingEffect[] = [];
const FULFILLED: Duty = { state: "fulfilled" };
const OVERDUE: Duty = { state: "overdue" };
const NO_DUTY: Duty = { state: "none" };

/** The first 200 to a device: the duty to subscribe begins. */
export function bind(
  context: BindingContext,
  device: { readonly impi: string; readonly set: string; readonly token: string },
  accepted: Accepted,
): Binding {
  return {
    id: accepted.newId,
    token: device.token,
    impi: device.impi,
    set: device.set,
    impu: accepted.impu,
    mode: accepted.mode,
    address: accepted.address,
    userAgent: accepted.userAgent,
    callId: accepted.callId,
    cseq: accepted.cseq,
    registeredAt: accepted.at,
    authenticatedAt: accepted.at,
    expiresAt: accepted.expiresAt,
    event: "registered",
    duty: dutyWithoutSubscription(context, accepted.mode, accepted.at),
  };
}

export function step(context: BindingContext, state: Binding, input: BindingInput): BindingStep {
  switch (input.kind) {
    case "registered":
      return registered(context, state, input);
    case "challenged":
      return reauthenticate(context, state, input);
    case "failed":
      if (state.leavingBy !== undefined && input.ownFlow && input.ownAttempt) {
        return gone(context, state, input.at, { kind: "unregistered" });
      }
      return reauthenticate(context, state, input);
    case "leave-challenged":
      return leaveChallenged(context, state, input);
    case "subscribed":
      return subscribed(context, state);
    case "unsubscribed":
      return unsubscribed(context, state, input.at);
    case "asked":
      return asked(context, state, input);
    case "notified":
      return reauthenticate(context, state, { ...input, expiresAt: state.expiresAt });
    case "acknowledged":
    case "notify-failed":
      return reauthenticate(context, state, input);
    case "removed":
      return gone(context, state, input.at, input.cause);
    case "due":
      return due(context, state, input.at);
  }
}

/** When `due` must be put in next. */
export function dueAt(state: Binding): number {
  const { expiresAt, reauthentication, duty, leavingBy = Number.POSITIVE_INFINITY } = state;
  const end = Math.min(expiresAt, reauthentication?.deadline ?? expiresAt, leavingBy);
  return duty.state === "owed" && dutyRuns(state) ? Math.min(end, duty.by) : end;
}

/** Whether `due` at this time ends it. */
export function isOver(state: Binding, at: number): boolean {
  const { expiresAt, reauthentication, duty, leavingBy, mode } = state;
  if (expiresAt <= at || (leavingBy !== undefined && leavingBy <= at)) return true;
  if (reauthentication !== undefined && reauthentication.deadline <= at) return true;
  return mode === "enforce" && duty.state === "owed" && duty.by <= at && dutyRuns(state);
}

/** `shortened` is shown only while the re-authentication is due and was announced. */
export function isShortened(state: Binding): boolean {
  return state.reauthentication !== undefined && state.reauthentication.progress !== "requested";
}

/** From its first step on, the re-authentication's deadline stands in for the duty's. */
function dutyRuns(state: Binding): boolean {
  return !isShortened(state);
}

function dutyWithoutSubscription(
  context: BindingContext,
  mode: SubscriptionDuty,
  at: number,
): Duty {
  if (mode === "optional") return NO_DUTY;
  return { state: "owed", by: at + context.subscriptionDeadlineMs };
}

function registered(
  context: BindingContext,
  state: Binding,
  accepted: { readonly kind: "registered" } & Accepted,
): BindingStep {
  const { leavingBy: _, hadGrace: __, reauthentication: running, ...kept } = state;
  const hasMoved = isElsewhere(accepted.address, state.address);
  const after: Binding = {
    ...kept,
    id: hasMoved ? accepted.newId : state.id,
    impu: accepted.impu,
    mode: accepted.mode,
    address: accepted.address,
    userAgent: accepted.userAgent,
    callId: accepted.callId,
    cseq: accepted.cseq,
    authenticatedAt: accepted.authenticated ? accepted.at : state.authenticatedAt,
    expiresAt: accepted.expiresAt,
    event: hasMoved ? "registered" : "refreshed",
  };
  const notice: BindingEffect[] = hasMoved ? [{ kind: "moved", from: state }] : [];
  if (running === undefined) return { state: after, effects: notice };
  if (!accepted.authenticated)
    return { state: { ...after, reauthentication: running }, effects: notice };
  const ended = stepReauthentication(context.reauthentication, running, {
    kind: "authenticated",
    at: accepted.at,
  });
  const duty = dutyAfterSuccess(context, state, accepted.at);
  const effects: BindingEffect[] = [hasMoved ? { kind: "moved", from: state } : { kind: "show" }];
  if (ended.progress === "ended") effects.push({ kind: "ended", reauthentication: ended });
  return { state: { ...after, duty }, effects };
}

/** An equal URI written otherwise is the same place (RFC 3261 §19.1.4). */
function isElsewhere({ contact }: Address, before: Address): boolean {
  if (contact === before.contact) return false;
  const uri = parseUri(contact);
  return uri === undefined || !isSameContact(before.contact, contact, uri);
}

/** The duty stood still meanwhile: what was left of it when that began is left now. */
function dutyAfterSuccess(
  { subscriptionDeadlineMs }: BindingContext,
  { duty, reauthentication }: Binding,
  at: number,
): Duty {
  const { notifiedAt, challengedAt } = reauthentication?.course ?? {};
  const stoodFrom = notifiedAt ?? challengedAt;
  if (duty.state !== "owed" || stoodFrom === undefined) return duty;
  const began = duty.by - subscriptionDeadlineMs;
  return { state: "owed", by: duty.by + at - Math.max(stoodFrom, began) };
}

function leaveChallenged(
  context: BindingContext,
  state: Binding,
  input: { readonly at: number; readonly ownFlow: boolean },
): BindingStep {
  const { at, ownFlow } = input;
  if (!ownFlow || state.reauthentication === undefined) return same(state);
  const { awaitMs } = context.reauthentication;
  return same({ ...state, leavingBy: Math.min(state.leavingBy ?? at + awaitMs, dueAt(state)) });
}

function subscribed(context: BindingContext, state: Binding): BindingStep {
  if (state.duty.state === "fulfilled") return same(state);
  const after = limited(context, { ...state, duty: FULFILLED });
  const progress = after.reauthentication?.progress;
  // One that was announced but not heard is announced in the new subscription too.
  return progress === "requested" || progress === "notified" ? trigger(after) : same(after);
}

function unsubscribed(context: BindingContext, state: Binding, at: number): BindingStep {
  if (state.duty.state !== "fulfilled") return same(state);
  return same(
    limited(context, { ...state, duty: dutyWithoutSubscription(context, state.mode, at) }),
  );
}

/** How long a re-authentication that nobody has been told of may wait. */
function limited(context: BindingContext, state: Binding): Binding {
  const { reauthentication } = state;
  if (reauthentication?.progress !== "requested") return state;
  const next = stepReauthentication(context.reauthentication, reauthentication, {
    kind: "limited",
    deadline: waitingDeadline(state),
  });
  return next.progress === "ended" ? state : { ...state, reauthentication: next };
}

/** `warn` and `optional` de-register nobody for not subscribing: there the lifetime is the limit. */
function waitingDeadline({ duty, mode, expiresAt }: Binding): number {
  const enforced = duty.state === "owed" && mode === "enforce";
  return enforced ? Math.min(duty.by, expiresAt) : expiresAt;
}

function asked(
  context: BindingContext,
  state: Binding,
  input: BindingInput & { readonly kind: "asked" },
): BindingStep {
  const { at, id, requestId, cause, withinMs } = input;
  if (state.reauthentication !== undefined) {
    const asker = { cause, at };
    const joined = reauthenticate(context, state, { kind: "joined", asker, withinMs });
    const isSooner = joined.state !== undefined && joined.state.expiresAt < state.expiresAt;
    return isSooner && state.duty.state === "fulfilled" ? trigger(joined.state) : joined;
  }
  if (input.joins === true) return same(state);
  const reauthentication = request({
    id,
    requestId,
    cause,
    impi: state.impi,
    impu: state.impu,
    bindingId: state.token,
    contact: state.address.contact,
    requestedAt: at,
    deadline: waitingDeadline(state),
    ...(withinMs !== undefined && { withinMs }),
  });
  const after: Binding = { ...state, reauthentication };
  const isToBeTold = state.duty.state === "fulfilled" && input.isHere !== true;
  return isToBeTold ? trigger(after) : same(after);
}

function trigger(state: Binding): BindingStep {
  return { state, effects: [{ kind: "trigger" }] };
}

/** Steps the re-authentication; once announced, the binding expires with it. */
function reauthenticate(
  context: BindingContext,
  state: Binding,
  input: ReauthenticationInput,
): BindingStep {
  if (state.reauthentication === undefined) return same(state);
  const next = stepReauthentication(context.reauthentication, state.reauthentication, input);
  if (next === state.reauthentication) return same(state);
  if (next.progress === "ended") {
    const isUnsubscribed = next.end === "unsubscribed" && state.mode === "enforce";
    return goneWith(next, { kind: isUnsubscribed ? "not-subscribed" : "deadline" });
  }
  const expiresAt = next.progress === "requested" ? state.expiresAt : next.deadline;
  return same({ ...state, expiresAt, reauthentication: next });
}

function due(context: BindingContext, state: Binding, at: number): BindingStep {
  const { leavingBy, reauthentication, expiresAt, duty } = state;
  if (leavingBy !== undefined && leavingBy <= at) {
    return gone(context, state, at, { kind: "unregistered" });
  }
  if (reauthentication !== undefined && reauthentication.deadline <= at) {
    return reauthenticate(context, state, { kind: "due", at });
  }
  if (expiresAt <= at) return gone(context, state, at, { kind: "expired" });
  if (duty.state !== "owed" || duty.by > at || !dutyRuns(state)) return same(state);
  if (state.mode === "enforce") return gone(context, state, at, { kind: "not-subscribed" });
  return { state: { ...state, duty: OVERDUE }, effects: [{ kind: "overdue" }] };
}

function gone(
  context: BindingContext,
  state: Binding,
  at: number,
  cause: RemovalCause,
): BindingStep {
  const { reauthentication } = state;
  if (reauthentication === undefined) {
    return { state: undefined, effects: [{ kind: "gone", cause }] };
  }
  const ended = stepReauthentication(context.reauthentication, reauthentication, {
    kind: "withdrawn",
    at,
  });
  if (ended.progress !== "ended") return { state: undefined, effects: [{ kind: "gone", cause }] };
  return goneWith({ ...ended, deregisteredAt: at }, cause);
}

function goneWith(ended: Ended, cause: RemovalCause): BindingStep {
  return {
    state: undefined,
    effects: [
      { kind: "ended", reauthentication: ended },
      { kind: "gone", cause },
    ],
  };
}

function same(state: Binding): BindingStep {
  return { state, effects: NO_EFFECTS };
}
