// The UE's registration as a pure machine: one function per state. TS 24.229 §5.1.1.2-§5.1.1.7.
import { applyOutcome, CONNECTION_LOST } from "./outcomes.ts";
import { countLoss, deregister, recover, refresh, registerAnew } from "./procedures.ts";
import type {
  Memory,
  PendingState,
  RegistrationContext,
  RegistrationInput,
  RegistrationState,
  Step,
  Trigger,
} from "./state.ts";
import { backOffSeconds, obeyedSeconds, recoverySeconds } from "./timing.ts";
import { obey } from "./triggers.ts";

/** The inputs that depend on the state. */
type OwnInput = Exclude<RegistrationInput, { kind: "settled" }>;
type ContactEnded = Extract<RegistrationInput, { kind: "contact-ended" }>;
type Of<Name extends RegistrationState["name"]> = Extract<RegistrationState, { name: Name }>;

export function step(
  context: RegistrationContext,
  state: RegistrationState,
  input: RegistrationInput,
): Step {
  if (input.kind === "settled") return stay({ ...state, memory: { ...state.memory, obeyed: [] } });
  switch (state.name) {
    case "deregistered":
      return input.kind === "register" ? registerAnew(context, state.memory) : stay(state);
    case "waiting":
      return whenWaiting(context, state, input);
    case "registered":
      return whenRegistered(context, state, input);
    case "registering":
    case "refreshing":
    case "deregistering":
      return whenPending(context, state, input);
  }
}

function stay(state: RegistrationState): Step {
  return { state, effects: [] };
}

function whenWaiting(context: RegistrationContext, state: Of<"waiting">, input: OwnInput): Step {
  if (input.kind === "register") return registerAnew(context, state.memory);
  if (input.kind === "due") {
    return context.now < state.retryAt ? stay(state) : registerAnew(context, state.memory);
  }
  if (input.kind === "deregister") {
    return stay({ name: "deregistered", memory: state.memory, why: "asked to" });
  }
  return stay(state);
}

function whenRegistered(
  context: RegistrationContext,
  state: Of<"registered">,
  input: OwnInput,
): Step {
  switch (input.kind) {
    case "register":
    case "flow-lost":
      return refresh(context, state.memory, state.granted);
    case "deregister":
      return deregister(state.memory, state.granted);
    case "due":
      return whenDue(context, state);
    case "lost":
      return whenLost(context, state, input.why);
    case "triggered":
      return obey(context, state, input.trigger);
    case "contact-ended":
      return whenContactEnded(context, state, input);
    case "accepted":
    case "challenged":
    case "too-brief":
    case "refused":
    case "unanswered":
      return stay(state); // answers to nothing we still wait for
  }
}

function whenDue(context: RegistrationContext, state: Of<"registered">): Step {
  const { granted, memory } = state;
  if (context.now >= granted.expiresAt) {
    const ended = { kind: "ended", why: "expired" } as const;
    if (granted.renewAt === undefined) {
      const why = memory.lastFailure ?? "expired";
      return { state: { name: "deregistered", memory, why }, effects: [ended] };
    }
    if (granted.renewAt > context.now) {
      return { state: { name: "waiting", memory, retryAt: granted.renewAt }, effects: [ended] };
    }
    return first(ended, registerAnew(context, memory));
  }
  if (granted.renewAt !== undefined && context.now >= granted.renewAt) {
    return refresh(context, memory, granted);
  }
  return stay(state);
}

/** What was lost a moment ago and got back is not lost again: the network refuses something else. */
function whenLost(context: RegistrationContext, state: Of<"registered">, why: string): Step {
  if (context.now < state.memory.nextLossAt) return stay(state);
  const told = { ...state.memory, lastFailure: why };
  return first({ kind: "failed", why }, recover(context, told, state.granted));
}

/** RFC 3680 §4.1.1, TS 24.229 §5.1.1.7: what each contact event asks of the UE. */
function whenContactEnded(
  context: RegistrationContext,
  state: Of<"registered">,
  input: ContactEnded,
): Step {
  const { memory, granted } = state;
  const ended = { kind: "ended", why: input.event } as const;
  if (input.event === "deactivated") return first(ended, comeBack(context, memory));
  // Without a time to renew, the UE was refused for good.
  const isMissed = input.event === "expired" && granted.renewAt !== undefined;
  if (input.event === "probation" || isMissed) {
    const asked = input.event === "probation" ? input.retryAfterSeconds : undefined;
    const seconds =
      asked === undefined
        ? backOffSeconds(memory.failures + 1, context.random)
        : obeyedSeconds(asked, 1, context.random);
    const retryAt = context.now + seconds * 1000;
    return { state: { name: "waiting", memory, retryAt }, effects: [ended] };
  }
  return { state: { name: "deregistered", memory, why: input.event }, effects: [ended] };
}

/** `deactivated`: at once, unless the network repeats it again and again. */
function comeBack(context: RegistrationContext, memory: Memory): Step {
  const isAgain = context.now < memory.nextLossAt;
  const counted = countLoss(context, memory);
  if (!isAgain) return registerAnew(context, counted);
  const retryAt = context.now + recoverySeconds(counted.losses - 1, context.random) * 1000;
  return stay({ name: "waiting", memory: counted, retryAt });
}

function whenPending(context: RegistrationContext, state: PendingState, input: OwnInput): Step {
  switch (input.kind) {
    case "register":
    case "deregister":
      return stay(queue(state, input.kind));
    case "triggered":
      return stay(defer(state, input.trigger));
    case "lost": // its answer says whether it is
      return stay(state);
    case "due":
      return whenOverdue(context, state);
    case "contact-ended":
      return whenContactEndedMeanwhile(context, state, input);
    case "flow-lost":
      return whenFlowLost(context, state);
    case "accepted":
    case "challenged":
    case "too-brief":
    case "refused":
    case "unanswered":
      return applyOutcome(context, state, input);
  }
}

/**
 * RFC 5626 §4.4.1: the answer went with the connection; Timer F would be longer than many a deadline.
 * A refresh starts over at once, and after ever longer pauses when the network hangs up each time.
 */
function whenFlowLost(context: RegistrationContext, state: PendingState): Step {
  const { memory, procedure } = state;
  if (state.name !== "refreshing" || memory.failures > 0) {
    return applyOutcome(context, state, { kind: "flow-lost" });
  }
  const counted = { ...memory, failures: 1, lastFailure: CONNECTION_LOST };
  const { state: anew, effects } = refresh(context, counted, state.granted);
  if (anew.name !== "refreshing") return { state: anew, effects };
  const { next, trigger } = procedure;
  return { state: { ...anew, procedure: { ...anew.procedure, next, trigger } }, effects };
}

/** No procedure starts while one runs; the one asked for last comes next. */
function queue(state: PendingState, asked: "register" | "deregister"): PendingState {
  const underWay = state.name === "deregistering" ? "deregister" : "register";
  const next = asked === underWay ? "nothing" : asked;
  return { ...state, procedure: { ...state.procedure, next } };
}

function defer(state: PendingState, trigger: Trigger): PendingState {
  if (state.name !== "refreshing") return state;
  return { ...state, procedure: { ...state.procedure, trigger } };
}

function whenOverdue(context: RegistrationContext, state: PendingState): Step {
  if (state.name !== "refreshing" || context.now < state.granted.expiresAt) return stay(state);
  return forget(state, "expired");
}

/** `rejected` and `probation` forbid the REGISTER under way as well: its answer counts no more. */
function whenContactEndedMeanwhile(
  context: RegistrationContext,
  state: PendingState,
  input: ContactEnded,
): Step {
  if (state.name !== "refreshing") return stay(state);
  const { event } = input;
  if (event !== "rejected" && event !== "probation") return forget(state, event);
  const { memory, granted } = state;
  return whenContactEnded(context, { name: "registered", memory, granted }, input);
}

/** The old registration is gone; the REGISTER under way goes on as an initial one. */
function forget(state: Of<"refreshing">, why: string): Step {
  const { memory, procedure } = state;
  return {
    state: { name: "registering", memory, procedure: { ...procedure, trigger: undefined } },
    effects: [{ kind: "ended", why }],
  };
}

function first(effect: Step["effects"][number], then: Step): Step {
  return { state: then.state, effects: [effect, ...then.effects] };
}
