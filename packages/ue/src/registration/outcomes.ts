// Outcomes of a REGISTER: registered, challenged, refused, failed. TS 24.229 §5.1.1.2, §5.1.1.4, §5.1.1.5; RFC 3261 §10.2.
import type { ChallengeAnswer } from "./credentials.ts";
import { deregister, recover, registerAnew } from "./procedures.ts";
import type {
  Acceptance,
  Granted,
  Memory,
  OutcomeInput,
  PendingState,
  RegisteredState,
  RegistrationContext,
  RegistrationProcedure,
  RegistrationState,
  Step,
} from "./state.ts";
import {
  backOffSeconds,
  lifetime,
  obeyedSeconds,
  reconnectSeconds,
  recoverySeconds,
} from "./timing.ts";
import { obey } from "./triggers.ts";

/** TS 24.229 §5.1.1.5.1: at most two consecutive invalid challenges are answered. */
const MOST_INVALID_CHALLENGES = 2;
/** Right answers that the network still challenges (stale nonces): more would be a loop. */
const MOST_ANSWERS = 3;

/** The next state after the outcome of the REGISTER under way. */
export function applyOutcome(
  context: RegistrationContext,
  state: PendingState,
  input: OutcomeInput | { readonly kind: "flow-lost" },
): Step {
  switch (input.kind) {
    case "flow-lost":
      return failed(context, state, {
        why: CONNECTION_LOST,
        lasting: false,
        waitSeconds: reconnectSeconds(state.memory.failures + 1, context.random),
      });
    case "accepted":
      return accepted(context, state, input.acceptance);
    case "challenged":
      return challenged(context, state, input.answer);
    case "too-brief":
      return tooBrief(context, state, input.minExpiresSeconds);
    case "refused":
      return refused(context, state, input);
    case "unanswered":
      return failed(context, state, {
        why: input.why,
        lasting: false,
        waitSeconds: undefined,
      });
  }
}

export const CONNECTION_LOST = "connection lost";

function refused(
  context: RegistrationContext,
  state: PendingState,
  input: Extract<OutcomeInput, { kind: "refused" }>,
): Step {
  const { status, reason, retryAfterSeconds } = input;
  const { memory } = state;
  const why = `${status} ${reason}`.trim();
  // 403 or 404 to a refresh: the network has lost the registration, a new one is tried once.
  const isForgotten = (status === 403 || status === 404) && state.name === "refreshing";
  if (isForgotten && mayRecover(context, state)) {
    const told = { ...memory, failures: memory.failures + 1, lastFailure: why };
    const { state: anew, effects } = recover(context, told, state.granted);
    return { state: anew, effects: [{ kind: "failed", why }, ...effects] };
  }
  return failed(context, state, {
    why,
    lasting: !mayPass(status, retryAfterSeconds),
    waitSeconds:
      retryAfterSeconds === undefined
        ? undefined
        : obeyedSeconds(retryAfterSeconds, memory.failures + 1, context.random),
  });
}

function mayRecover({ now }: RegistrationContext, { procedure, memory }: PendingState): boolean {
  return !procedure.anew && procedure.next === "nothing" && now >= memory.nextLossAt;
}

/** Answers that a later procedure may not meet again. */
function mayPass(status: number, retryAfterSeconds: number | undefined): boolean {
  // RFC 3261 §20.33: with 404, 413, 486, 600 and 603 it says when to ask again.
  if (retryAfterSeconds !== undefined && status !== 403) return true;
  return status === 408 || status === 480 || status === 430 || (status >= 500 && status < 600);
}

function challenged(
  context: RegistrationContext,
  state: PendingState,
  answer: ChallengeAnswer,
): Step {
  const { procedure } = state;
  const invalid = answer.verdict === "invalid" ? procedure.invalidChallenges + 1 : 0;
  const answers = procedure.answers + (answer.verdict === "valid" ? 1 : 0);
  if (
    answer.verdict === "unusable" ||
    invalid > MOST_INVALID_CHALLENGES ||
    answers > MOST_ANSWERS
  ) {
    const why = answer.verdict === "valid" ? "401 to every answer" : answer.why;
    return failed(context, state, { why, lasting: true, waitSeconds: undefined });
  }
  return again(state, { invalidChallenges: invalid, answers }, answer.authorization);
}

/** RFC 3261 §10.2.8: 423 asks for more; less than we asked would be a loop. */
function tooBrief(context: RegistrationContext, state: PendingState, minSeconds: number): Step {
  if (minSeconds <= state.procedure.expiresSeconds) {
    return failed(context, state, {
      why: `423 with Min-Expires ${minSeconds}`,
      lasting: true,
      waitSeconds: undefined,
    });
  }
  return again(state, { expiresSeconds: minSeconds }, undefined);
}

/** The next REGISTER of the same procedure: same Call-ID, CSeq one up. */
function again(
  state: PendingState,
  change: Partial<RegistrationProcedure>,
  authorization: string | undefined,
): Step {
  const { callId, cseq } = state.procedure.order;
  const order = { callId, cseq: cseq + 1 };
  const procedure = { ...state.procedure, ...change, order };
  return {
    state: { ...state, memory: { ...state.memory, order }, procedure },
    effects: [{ kind: "send", order, expiresSeconds: procedure.expiresSeconds, authorization }],
  };
}

function accepted(context: RegistrationContext, state: PendingState, acceptance: Acceptance): Step {
  const memory: Memory = {
    ...state.memory,
    failures: 0,
    lastFailure: undefined,
    isRecovering: false,
  };
  const { procedure } = state;
  if (state.name === "deregistering") return gone(context, { ...state, memory }, "asked to");
  if (acceptance.expiresSeconds <= 0) {
    return unlisted(context, state);
  }
  const granted: Granted = {
    order: procedure.order,
    ...lifetime(context.now, acceptance.expiresSeconds),
    serviceRoute: acceptance.serviceRoute,
    associatedUris: acceptance.associatedUris,
  };
  const first = state.name === "registering" || procedure.anew;
  const effect = { kind: "registered", first, granted } as const;
  const then = afterwards(context, { name: "registered", memory, granted }, procedure);
  return { state: then.state, effects: [effect, ...then.effects] };
}

/** RFC 3261 §10.2.4: what a 200 does not list is not bound, whatever was bound before. */
function unlisted(context: RegistrationContext, state: PendingState): Step {
  const why = "200 that does not list this UE's contact";
  const failure = { why, lasting: false, waitSeconds: undefined };
  if (state.name !== "refreshing") return failed(context, state, failure);
  const { memory, procedure } = state;
  const { state: next, effects } = failed(
    context,
    { name: "registering", memory, procedure },
    failure,
  );
  return { state: next, effects: [...effects, { kind: "ended", why }] };
}

/** What had to wait for the end of the procedure. */
function afterwards(
  context: RegistrationContext,
  state: RegisteredState,
  procedure: RegistrationProcedure,
): Step {
  if (procedure.next === "deregister") return deregister(state.memory, state.granted);
  const { trigger } = procedure;
  // A trigger on an older REGISTER than the one just accepted was met by that one.
  const isMet = trigger?.callId !== undefined && trigger.callId !== procedure.order.callId;
  if (trigger === undefined || isMet) return { state, effects: [] };
  return obey(context, state, trigger);
}

interface Failure {
  readonly why: string;
  /** Trying again by itself would lead to the same. */
  readonly lasting: boolean;
  /** Asked for, or due to the cause; undefined: as long as usual. */
  readonly waitSeconds: number | undefined;
}

function failed(context: RegistrationContext, state: PendingState, failure: Failure): Step {
  const failures = state.memory.failures + 1;
  const memory: Memory = { ...state.memory, failures, lastFailure: failure.why };
  const effect = { kind: "failed", why: failure.why } as const;
  if (state.name === "deregistering") {
    const end = gone(context, { ...state, memory }, "asked to");
    return { state: end.state, effects: [effect, ...end.effects] };
  }
  if (state.procedure.next === "deregister") {
    const end =
      state.name === "refreshing"
        ? deregister(memory, state.granted)
        : { state: deregistered(memory, "asked to"), effects: [] };
    return { state: end.state, effects: [effect, ...end.effects] };
  }
  const usual = memory.isRecovering ? recoverySeconds : backOffSeconds;
  const wait = failure.waitSeconds ?? usual(failures, context.random);
  const retryAt = context.now + wait * 1000;
  if (state.name === "refreshing" && state.procedure.anew) {
    const ended = { kind: "ended", why: failure.why } as const;
    const next: RegistrationState = failure.lasting
      ? deregistered(memory, failure.why)
      : { name: "waiting", memory, retryAt };
    return { state: next, effects: [effect, ended] };
  }
  if (state.name === "refreshing") {
    const granted = {
      ...state.granted,
      renewAt: retryWithin(context.now, state.granted, failure, wait),
    };
    return { state: { name: "registered", memory, granted }, effects: [effect] };
  }
  if (failure.lasting) return { state: deregistered(memory, failure.why), effects: [effect] };
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
  if (failure.waitSeconds !== undefined) return now + waitSeconds * 1000;
  return now + Math.min(waitSeconds * 1000, (granted.expiresAt - now) / 2);
}

/** The UE has de-registered; whatever the network answered, it considers itself so. */
function gone(
  context: RegistrationContext,
  state: Extract<PendingState, { readonly granted: Granted }>,
  why: string,
): Step {
  const ended = { kind: "ended", why } as const;
  if (state.procedure.next !== "register") {
    return { state: deregistered(state.memory, why), effects: [ended] };
  }
  const anew = registerAnew(context, state.memory);
  return { state: anew.state, effects: [ended, ...anew.effects] };
}

function deregistered(memory: Memory, why: string): RegistrationState {
  return { name: "deregistered", memory, why };
}
