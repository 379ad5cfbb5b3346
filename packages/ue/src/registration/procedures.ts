// How each registration procedure starts: initial, refresh, de-registration. TS 24.229 §5.1.1.2, §5.1.1.4, §5.1.1.6.
import type { Attempt, Granted, Memory, Order, RegistrationContext, Step } from "./state.ts";

/** An initial registration: new Call-ID, so that nothing of an abandoned one is mixed in. */
export function registerAnew(context: RegistrationContext, memory: Memory): Step {
  const order = { callId: context.random.hex(16), cseq: 1 };
  const { expiresSeconds } = context;
  return {
    state: {
      name: "registering",
      memory: { ...memory, order },
      attempt: newAttempt(order, expiresSeconds),
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
      attempt: newAttempt(order, expiresSeconds),
      granted,
    },
    effects: [{ kind: "send", order, expiresSeconds, authorization: undefined }],
  };
}

export function deregister(memory: Memory, granted: Granted): Step {
  const order = nextOrder(memory, granted);
  return {
    state: {
      name: "deregistering",
      memory: { ...memory, order },
      attempt: newAttempt(order, 0),
      granted,
    },
    effects: [{ kind: "send", order, expiresSeconds: 0, authorization: undefined }],
  };
}

function newAttempt(order: Order, expiresSeconds: number): Attempt {
  return {
    order,
    expiresSeconds,
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
