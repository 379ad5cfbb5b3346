// Registration procedures and their first REGISTER: initial, refresh, de-registration. TS 24.229 §5.1.1.2, §5.1.1.4, §5.1.1.6.
import type {
  Granted,
  Memory,
  Order,
  RegistrationContext,
  RegistrationProcedure,
  Step,
} from "./state.ts";
import { lossSeconds } from "./timing.ts";

/** An initial registration: new Call-ID, so that nothing of an abandoned one is mixed in. */
export function registerAnew(context: RegistrationContext, memory: Memory): Step {
  const order = { callId: context.random.hex(16), cseq: 1 };
  const { expiresSeconds } = context;
  return {
    state: {
      name: "registering",
      memory: { ...memory, order },
      procedure: newProcedure(order, expiresSeconds),
    },
    effects: [{ kind: "send", order, expiresSeconds, authorization: undefined }],
  };
}

export function refresh(context: RegistrationContext, memory: Memory, granted: Granted): Step {
  const order = nextOrder(memory, granted);
  const { expiresSeconds } = context;
  return {
    state: {
      name: "refreshing",
      memory: { ...memory, order },
      procedure: newProcedure(order, expiresSeconds),
      granted,
    },
    effects: [{ kind: "send", order, expiresSeconds, authorization: undefined }],
  };
}

/**
 * An initial registration in place of one that only this side believes in. What was granted counts until that
 * has failed: the suspicion may be wrong, and calls need not end for it.
 */
export function recover(context: RegistrationContext, memory: Memory, granted: Granted): Step {
  const counted = countLoss(context, memory);
  const { state, effects } = registerAnew(context, { ...counted, isRecovering: true });
  if (state.name !== "registering") return { state, effects };
  const procedure = { ...state.procedure, anew: true };
  return { state: { ...state, name: "refreshing", procedure, granted }, effects };
}

/** Milliseconds without a loss after which the next one is the first. */
const FORGIVEN_MS = 3_600_000;

/** A network that loses or ends registrations all the time is asked ever more seldom. */
export function countLoss({ now, random }: RegistrationContext, memory: Memory): Memory {
  const losses = now - memory.nextLossAt > FORGIVEN_MS ? 1 : memory.losses + 1;
  return { ...memory, losses, nextLossAt: now + lossSeconds(losses, random) * 1000 };
}

export function deregister(memory: Memory, granted: Granted): Step {
  const order = nextOrder(memory, granted);
  return {
    state: {
      name: "deregistering",
      memory: { ...memory, order },
      procedure: newProcedure(order, 0),
      granted,
    },
    effects: [{ kind: "send", order, expiresSeconds: 0, authorization: undefined }],
  };
}

function newProcedure(order: Order, expiresSeconds: number): RegistrationProcedure {
  return {
    order,
    expiresSeconds,
    anew: false,
    invalidChallenges: 0,
    answers: 0,
    next: "nothing",
    trigger: undefined,
  };
}

/** RFC 3261 §10.2: the same Call-ID, CSeq one up. */
function nextOrder(memory: Memory, granted: Granted): Order {
  const { callId, cseq } = memory.order ?? granted.order;
  return { callId, cseq: cseq + 1 };
}
