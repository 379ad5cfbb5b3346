// One re-authentication of one binding as a pure machine. TS 24.229 §5.4.1.6; docs/state-machines.md.

import type { ReauthenticationCause, ReauthenticationEnd } from "@ims-lab/common/admin-api/views";

export interface Asker {
  readonly cause: ReauthenticationCause;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Set at the asking, never changed after it but for `askers`. Times are milliseconds since the epoch. */
interface Request {
  readonly id: string;
  /** Shared by all bindings that one asking reached. */
  readonly requestId: string;
  readonly impi: string;
  readonly impu: string;
  /** Service-Route token of the binding. */
  readonly bindingId: string;
  readonly contact: string;
  readonly cause: ReauthenticationCause;
  readonly askers: readonly Asker[];
  readonly requestedAt: number;
  /** In the place of N, where an asker has named a time of his own, milliseconds. */
  readonly withinMs?: number;
}

interface Course {
  readonly notifiedAt?: number;
  readonly acknowledgedAt?: number;
  readonly challengedAt?: number;
  /** Why the NOTIFY did not reach the UE; recorded, the deadline decides. */
  readonly notifyFailure?: string;
  /** Why the last attempt failed; cleared by the next challenge. */
  readonly refusal?: string;
}

type Progress = "requested" | "notified" | "acknowledged" | "challenged";

interface Step<P extends Progress, K extends keyof Course> extends Request {
  readonly progress: P;
  /** Absolute; only a challenge over the binding's own flow moves it, once. */
  readonly deadline: number;
  readonly course: Course & Required<Pick<Course, K>>;
}

/** A re-authentication that is due: until it succeeds or the deadline comes. */
export type Due =
  | Step<"requested", never>
  | Step<"notified", "notifiedAt">
  | Step<"acknowledged", "notifiedAt" | "acknowledgedAt">
  | Step<"challenged", "challengedAt">;

export interface Ended extends Request {
  readonly progress: "ended";
  readonly end: ReauthenticationEnd;
  readonly endedAt: number;
  /** The one that held at the end. */
  readonly deadline: number;
  readonly course: Course;
  /** The moment the binding went because of this end. */
  readonly deregisteredAt?: number;
}

export type Reauthentication = Due | Ended;

export interface ReauthenticationContext {
  /** N: from the first transmission of the NOTIFY to the end. */
  readonly deadlineMs: number;
  /** reg-await-auth: one challenge's life. */
  readonly awaitMs: number;
  readonly onRefused: "wait" | "deregister";
}

export type ReauthenticationInput =
  /** `withinMs`: it is to be over so soon. */
  | { readonly kind: "joined"; readonly asker: Asker; readonly withinMs?: number | undefined }
  /** Who can be notified has changed: until then nobody need be, at most the binding's life. */
  | { readonly kind: "limited"; readonly deadline: number }
  /** The NOTIFY went out for the first time; the binding would expire at `expiresAt`. */
  | { readonly kind: "notified"; readonly at: number; readonly expiresAt: number }
  | { readonly kind: "acknowledged"; readonly at: number }
  | { readonly kind: "notify-failed"; readonly why: string }
  | { readonly kind: "challenged"; readonly at: number; readonly ownFlow: boolean }
  | {
      readonly kind: "failed";
      readonly at: number;
      readonly ownFlow: boolean;
      /** Of a challenge that the device itself has caused, not somebody in its name. */
      readonly ownAttempt: boolean;
      readonly why: string;
    }
  | { readonly kind: "authenticated"; readonly at: number }
  | { readonly kind: "withdrawn"; readonly at: number }
  | { readonly kind: "due"; readonly at: number };

/** `deadline` is when nobody could be notified: the duty's or the binding's end. */
export function request(
  asked: Omit<Request, "askers"> & { readonly deadline: number },
): Due & { readonly progress: "requested" } {
  const asker = { cause: asked.cause, at: asked.requestedAt };
  return { ...asked, askers: [asker], progress: "requested", course: {} };
}

export function stepReauthentication(
  context: ReauthenticationContext,
  state: Due,
  input: ReauthenticationInput,
): Reauthentication {
  switch (input.kind) {
    case "joined":
      return joined(state, input.asker, input.withinMs);
    case "limited":
      return state.progress === "requested" ? { ...state, deadline: input.deadline } : state;
    case "notified":
      return notified(context, state, input);
    case "acknowledged":
      return acknowledged(state, input.at);
    case "notify-failed":
      return { ...state, course: { ...state.course, notifyFailure: input.why } } as Due;
    case "challenged":
      return input.ownFlow ? challenged(context, state, input.at) : state;
    case "failed":
      return input.ownFlow ? failed(context, state, input) : state;
    case "authenticated":
      return end(state, "reauthenticated", input.at);
    case "withdrawn":
      return end(state, "withdrawn", input.at);
    case "due":
      return input.at < state.deadline ? state : end(state, endAtDeadline(state), input.at);
  }
}

/** Who joins may hurry it, until the UE has come; nobody gives it more time. */
function joined(state: Due, asker: Asker, withinMs: number | undefined): Due {
  const next: Due = { ...state, askers: [...state.askers, asker] };
  if (withinMs === undefined || next.progress === "challenged") return next;
  if (next.progress === "requested")
    return { ...next, withinMs: Math.min(withinMs, next.withinMs ?? withinMs) };
  return { ...next, deadline: Math.min(next.deadline, asker.at + withinMs) };
}

function notified(
  context: ReauthenticationContext,
  state: Due,
  input: { readonly at: number; readonly expiresAt: number },
): Due {
  const { at, expiresAt } = input;
  const deadline = Math.min(expiresAt, at + (state.withinMs ?? context.deadlineMs));
  if (state.progress === "challenged") return notifiedBehind(context, state, at, deadline);
  if (state.progress !== "requested") return state; // N runs from the first transmission alone
  return { ...state, progress: "notified", deadline, course: { ...state.course, notifiedAt: at } };
}

/** A 401 has overtaken the NOTIFY: the device has N, or reg-await-auth where that is longer. */
function notifiedBehind(
  context: ReauthenticationContext,
  state: Due & { readonly progress: "challenged" },
  at: number,
  announced: number,
): Due {
  const { notifiedAt, challengedAt } = state.course;
  if (notifiedAt !== undefined) return state;
  const extended = Math.max(announced, challengedAt + context.awaitMs);
  const deadline = Math.min(state.deadline, extended);
  return { ...state, deadline, course: { ...state.course, notifiedAt: at } };
}

function acknowledged(state: Due, at: number): Due {
  switch (state.progress) {
    case "requested":
    case "acknowledged":
      return state;
    case "notified":
      return {
        ...state,
        progress: "acknowledged",
        course: { ...state.course, acknowledgedAt: at },
      };
    case "challenged": // the REGISTER overtook the 200 to the NOTIFY
      return { ...state, course: { acknowledgedAt: at, ...state.course } };
  }
}

function challenged(context: ReauthenticationContext, state: Due, at: number): Due {
  if (at >= state.deadline) return state;
  const { refusal: _, ...before } = state.course;
  const first = state.progress !== "challenged";
  // Extended once, so that a UE cannot stretch its time by asking for challenges it never answers.
  const deadline = first ? Math.max(state.deadline, at + context.awaitMs) : state.deadline;
  const challengedAt = before.challengedAt ?? at;
  return { ...state, progress: "challenged", deadline, course: { ...before, challengedAt } };
}

function failed(
  context: ReauthenticationContext,
  state: Due,
  input: { readonly at: number; readonly ownAttempt: boolean; readonly why: string },
): Reauthentication {
  if (state.progress !== "challenged") return state;
  const refused: Due = { ...state, course: { ...state.course, refusal: input.why } };
  const isTheEnd = context.onRefused === "deregister" && input.ownAttempt;
  return isTheEnd ? end(refused, "refused", input.at) : refused;
}

function endAtDeadline(state: Due): ReauthenticationEnd {
  switch (state.progress) {
    case "requested":
      return "unsubscribed";
    case "notified":
      return "unreachable";
    case "acknowledged":
      return "ignored";
    case "challenged":
      return state.course.refusal === undefined ? "unanswered" : "refused";
  }
}

function end(state: Due, how: ReauthenticationEnd, at: number): Ended {
  const ended: Ended = { ...state, progress: "ended", end: how, endedAt: at };
  return deregisters(how) ? { ...ended, deregisteredAt: at } : ended;
}

/** Whether the binding goes with it. `withdrawn` comes after the binding has gone by other means. */
function deregisters(how: ReauthenticationEnd): boolean {
  return how !== "reauthenticated" && how !== "withdrawn";
}
