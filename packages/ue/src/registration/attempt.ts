// What each answer to a REGISTER leads to, and when a trigger is obeyed. TS 24.229 §5.1.1.4, §5.1.1.5.
import { deregister, refresh, registerAnew } from "./procedures.ts";
import type {
  Acceptance,
  Attempt,
  ChallengeAnswer,
  Granted,
  Memory,
  OutcomeInput,
  PendingState,
  RegistrationContext,
  RegistrationState,
  Step,
  Trigger,
} from "./state.ts";
import { backOffSeconds, reconnectSeconds, renewalDelaySeconds } from "./timing.ts";

type Registered = Extract<RegistrationState, { name: "registered" }>;

/** TS 24.229 §5.1.1.5.1: at most two consecutive invalid challenges are answered. */
const MOST_INVALID_CHALLENGES = 2;
/** Right answers that the network still challenges (stale nonces): more would be a loop. */
const MOST_ANSWERS = 3;
/** Enough for every subscription to repeat its trigger. */
const OBEYED_KEPT = 8;

/** The REGISTER under way has an outcome. */
export function settle(
  context: RegistrationContext,
  state: PendingState,
  input: OutcomeInput | { readonly kind: "flow-lost" },
): Step {
  switch (input.kind) {
    case "flow-lost":
      return failed(context, state, {
        why: CONNECTION_LOST,
        lasting: false,
        retryAfterSeconds: reconnectSeconds(state.memory.failures + 1, context.random),
      });
    case "accepted":
      return accepted(context, state, input.acceptance);
    case "challenged":
      return challenged(context, state, input.answer);
    case "too-brief":
      return tooBrief(context, state, input.minExpiresSeconds);
    case "refused":
      return failed(context, state, {
        why: `${input.status} ${input.reason}`.trim(),
        lasting: !mayPass(input.status),
        retryAfterSeconds: input.retryAfterSeconds,
      });
    case "unanswered":
      return failed(context, state, {
        why: input.why,
        lasting: false,
        retryAfterSeconds: undefined,
      });
  }
}

export const CONNECTION_LOST = "connection lost";

/** Answers that a later attempt may not meet again. */
function mayPass(status: number): boolean {
  return status === 408 || status === 480 || status === 430 || (status >= 500 && status < 600);
}

function challenged(
  context: RegistrationContext,
  state: PendingState,
  answer: ChallengeAnswer,
): Step {
  const { attempt } = state;
  const invalid = answer.verdict === "invalid" ? attempt.invalidChallenges + 1 : 0;
  const answers = attempt.answers + (answer.verdict === "valid" ? 1 : 0);
  if (
    answer.verdict === "unusable" ||
    invalid > MOST_INVALID_CHALLENGES ||
    answers > MOST_ANSWERS
  ) {
    const why = answer.verdict === "valid" ? "401 to every answer" : answer.why;
    return failed(context, state, { why, lasting: true, retryAfterSeconds: undefined });
  }
  return again(state, { invalidChallenges: invalid, answers }, answer.authorization);
}

/** RFC 3261 §10.2.8: 423 asks for more; less than we asked would be a loop. */
function tooBrief(context: RegistrationContext, state: PendingState, minSeconds: number): Step {
  if (minSeconds <= state.attempt.expiresSeconds) {
    return failed(context, state, {
      why: `423 with Min-Expires ${minSeconds}`,
      lasting: true,
      retryAfterSeconds: undefined,
    });
  }
  return again(state, { expiresSeconds: minSeconds }, undefined);
}

/** The next REGISTER of the same attempt: same Call-ID, CSeq one up. */
function again(
  state: PendingState,
  change: Partial<Attempt>,
  authorization: string | undefined,
): Step {
  const { callId, cseq } = state.attempt.order;
  const order = { callId, cseq: cseq + 1 };
  const attempt = { ...state.attempt, ...change, order };
  return {
    state: { ...state, memory: { ...state.memory, order }, attempt },
    effects: [{ kind: "send", order, expiresSeconds: attempt.expiresSeconds, authorization }],
  };
}

function accepted(context: RegistrationContext, state: PendingState, acceptance: Acceptance): Step {
  const memory: Memory = { ...state.memory, failures: 0, lastFailure: undefined };
  const { attempt } = state;
  if (state.name === "deregistering") return gone(context, { ...state, memory }, "asked to");
  if (acceptance.expiresSeconds <= 0) {
    const why = "200 that does not list this UE's contact";
    return failed(context, state, { why, lasting: false, retryAfterSeconds: undefined });
  }
  const granted: Granted = {
    order: attempt.order,
    ...lifetime(context.now, acceptance.expiresSeconds),
    serviceRoute: acceptance.serviceRoute,
    associatedUris: acceptance.associatedUris,
  };
  const effect = { kind: "registered", first: state.name === "registering", granted } as const;
  const then = afterwards(context, { name: "registered", memory, granted }, attempt);
  return { state: then.state, effects: [effect, ...then.effects] };
}

/** What had to wait for the end of the procedure. */
function afterwards(context: RegistrationContext, state: Registered, attempt: Attempt): Step {
  if (attempt.next === "deregister") return deregister(state.memory, state.granted);
  const { trigger } = attempt;
  // A trigger on an older REGISTER than the one just accepted was met by that one.
  if (trigger?.callId === attempt.order.callId && (trigger.cseq ?? 0) >= attempt.order.cseq) {
    return obey(context, state, trigger);
  }
  return { state, effects: [] };
}

interface Failure {
  readonly why: string;
  /** Trying again by itself would lead to the same. */
  readonly lasting: boolean;
  readonly retryAfterSeconds: number | undefined;
}

function failed(context: RegistrationContext, state: PendingState, failure: Failure): Step {
  const failures = state.memory.failures + 1;
  const memory: Memory = { ...state.memory, failures, lastFailure: failure.why };
  const effect = { kind: "failed", why: failure.why } as const;
  if (state.name === "deregistering") {
    const end = gone(context, { ...state, memory }, "asked to");
    return { state: end.state, effects: [effect, ...end.effects] };
  }
  if (state.attempt.next === "deregister") {
    const end =
      state.name === "refreshing"
        ? deregister(memory, state.granted)
        : { state: deregistered(memory, "asked to"), effects: [] };
    return { state: end.state, effects: [effect, ...end.effects] };
  }
  const wait = failure.retryAfterSeconds ?? backOffSeconds(failures, context.random);
  if (state.name === "refreshing") {
    const granted = {
      ...state.granted,
      renewAt: retryWithin(context.now, state.granted, failure, wait),
    };
    return { state: { name: "registered", memory, granted }, effects: [effect] };
  }
  if (failure.lasting) return { state: deregistered(memory, failure.why), effects: [effect] };
  const retryAt = context.now + wait * 1000;
  return { state: { name: "waiting", memory, retryAt }, effects: [effect] };
}

/** A registration that still stands is tried again while it does: half of what is left at the latest. */
function retryWithin(
  now: number,
  granted: Granted,
  failure: Failure,
  waitSeconds: number,
): number | undefined {
  if (failure.lasting) return undefined;
  if (failure.retryAfterSeconds !== undefined) return now + waitSeconds * 1000;
  return now + Math.min(waitSeconds * 1000, (granted.expiresAt - now) / 2);
}

/** The UE has de-registered; whatever the network answered, it considers itself so. */
function gone(
  context: RegistrationContext,
  state: Extract<PendingState, { readonly granted: Granted }>,
  why: string,
): Step {
  const ended = { kind: "ended", why } as const;
  if (state.attempt.next !== "register") {
    return { state: deregistered(state.memory, why), effects: [ended] };
  }
  const anew = registerAnew(context, state.memory);
  return { state: anew.state, effects: [ended, ...anew.effects] };
}

function deregistered(memory: Memory, why: string): RegistrationState {
  return { name: "deregistered", memory, why };
}

/** TS 24.229 §5.1.1.5.2: once per trigger; one that names an older REGISTER is out of date. */
export function obey(context: RegistrationContext, state: Registered, trigger: Trigger): Step {
  const { granted, memory } = state;
  const key = `${trigger.contactId} ${trigger.callId ?? ""} ${trigger.cseq ?? ""}`;
  if (memory.obeyed.includes(key) || outdated(trigger, granted)) return { state, effects: [] };
  const obeyed = [...memory.obeyed, key].slice(-OBEYED_KEPT);
  const shortened = shorten(context.now, granted, trigger.expiresSeconds);
  const remembered = { ...memory, obeyed };
  if (trigger.urgency === "at-once") return refresh(context, remembered, shortened);
  return { state: { ...state, memory: remembered, granted: shortened }, effects: [] };
}

function outdated(trigger: Trigger, granted: Granted): boolean {
  const { callId, cseq } = granted.order;
  return trigger.callId === callId && trigger.cseq !== undefined && trigger.cseq < cseq;
}

/** The event shortens; a longer value changes nothing. */
function shorten(now: number, granted: Granted, expiresSeconds: number | undefined): Granted {
  if (expiresSeconds === undefined) return granted;
  const times = lifetime(now, expiresSeconds);
  return times.expiresAt < granted.expiresAt ? { ...granted, ...times } : granted;
}

function lifetime(now: number, seconds: number): { expiresAt: number; renewAt: number } {
  return {
    expiresAt: now + seconds * 1000,
    renewAt: now + renewalDelaySeconds(seconds) * 1000,
  };
}
