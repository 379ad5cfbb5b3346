// States, inputs and effects of the UE's registration machine. TS 24.229 §5.1.1.
import type { Random } from "@ims-lab/common/platform/random";
import type { ChallengeAnswer } from "./credentials.ts";

/** Names one REGISTER, and in reginfo the binding it made (RFC 3680 §5.3.2 callid, cseq). */
export interface Order {
  readonly callId: string;
  readonly cseq: number;
}

/** What the last 200 gave. Times in milliseconds since the epoch. */
export interface Granted {
  /** The REGISTER that was accepted. */
  readonly order: Order;
  readonly expiresAt: number;
  /** When to re-register; undefined after a refusal for good: the registration then runs out. */
  readonly renewAt: number | undefined;
  /** Route values, in order (RFC 3608); empty when the 200 had none. */
  readonly serviceRoute: readonly string[];
  /** The first is the default identity (TS 24.229 §5.1.1.2). */
  readonly associatedUris: readonly string[];
}

/** One REGISTER procedure, from the first request to the last answer. */
export interface RegistrationProcedure {
  /** The request under way. */
  readonly order: Order;
  readonly expiresSeconds: number;
  /** In place of a registration that stands here, but not in the network: nothing of that is used. */
  readonly anew: boolean;
  /** Challenges in a row that the ISIM did not accept. */
  readonly invalidChallenges: number;
  /** Challenges answered with a response. */
  readonly answers: number;
  /** What was asked meanwhile: no procedure starts while one runs (TS 24.229 §5.1.1.2). */
  readonly next: "nothing" | "register" | "deregister";
  /** Arrived meanwhile; obeyed afterwards if this very procedure made the binding it names. */
  readonly trigger: Trigger | undefined;
}

/** "Register again", as a NOTIFY says it: contact event `shortened`. */
export interface Trigger {
  /** At once (the lab's own package) or by the 600 s / half-time rule (`reg`). */
  readonly urgency: "at-once" | "by-expiry";
  readonly contactId: string;
  readonly callId: string | undefined;
  readonly cseq: number | undefined;
  readonly expiresSeconds: number | undefined;
}

/** Carried through every state. */
export interface Memory {
  /** The last REGISTER sent; the next of this Call-ID has a higher CSeq. */
  readonly order: Order | undefined;
  /** Failed attempts in a row (RFC 5626 §4.5). */
  readonly failures: number;
  /** The triggers already obeyed, latest last. */
  readonly obeyed: readonly ObeyedTrigger[];
  /** Why the last procedure failed; undefined after a success. */
  readonly lastFailure: string | undefined;
  /** Registrations that the network had lost, or ended and asked for, in a row. */
  readonly losses: number;
  /** When such a one may be got back at once again; milliseconds since the epoch. */
  readonly nextLossAt: number;
  /** A lost one has not been got back yet. */
  readonly isRecovering: boolean;
}

/** The values by which triggers differ (RFC 3680 §5.3: callid and cseq are optional). */
export interface ObeyedTrigger {
  readonly contactId: string;
  readonly callId: string | undefined;
  readonly cseq: number | undefined;
  /** The registration that it was about. */
  readonly order: Order;
  /** Milliseconds since the epoch; undefined where it named none. */
  readonly expiresAt: number | undefined;
}

export type RegistrationState =
  | { readonly name: "deregistered"; readonly memory: Memory; readonly why: string }
  | { readonly name: "waiting"; readonly memory: Memory; readonly retryAt: number }
  | {
      readonly name: "registering";
      readonly memory: Memory;
      readonly procedure: RegistrationProcedure;
    }
  | { readonly name: "registered"; readonly memory: Memory; readonly granted: Granted }
  | {
      readonly name: "refreshing";
      readonly memory: Memory;
      readonly procedure: RegistrationProcedure;
      readonly granted: Granted;
    }
  | {
      readonly name: "deregistering";
      readonly memory: Memory;
      readonly procedure: RegistrationProcedure;
      readonly granted: Granted;
    };

export type RegisteredState = Extract<RegistrationState, { name: "registered" }>;

/** The states in which a REGISTER waits for its answer. */
export type PendingState = Extract<
  RegistrationState,
  { readonly procedure: RegistrationProcedure }
>;

/** The values of a 200 that the UE needs. */
export interface Acceptance {
  /** Of the UE's own contact. */
  readonly expiresSeconds: number;
  readonly serviceRoute: readonly string[];
  readonly associatedUris: readonly string[];
}

/** The outcome of the REGISTER under way. */
export type OutcomeInput =
  | { readonly kind: "accepted"; readonly acceptance: Acceptance }
  | { readonly kind: "challenged"; readonly answer: ChallengeAnswer }
  | { readonly kind: "too-brief"; readonly minExpiresSeconds: number }
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly reason: string;
      readonly retryAfterSeconds: number | undefined;
    }
  | { readonly kind: "unanswered"; readonly why: string };

export type RegistrationInput =
  | { readonly kind: "register" }
  | { readonly kind: "deregister" }
  /** `nextDeadline` has come. */
  | { readonly kind: "due" }
  /** The connection the P-CSCF reached the UE over is gone (RFC 5626 §4.5). */
  | { readonly kind: "flow-lost" }
  /** The network answers a request of this UE as it answers strangers: it has lost the registration. */
  | { readonly kind: "lost"; readonly why: string }
  | { readonly kind: "triggered"; readonly trigger: Trigger }
  /** The network shows the contact without asking for anything: the next trigger is another one. */
  | { readonly kind: "settled" }
  | {
      readonly kind: "contact-ended";
      readonly event: string;
      readonly retryAfterSeconds: number | undefined;
    }
  | OutcomeInput;

export type RegistrationEffect =
  /** `authorization` undefined: what the credentials offer unasked. */
  | {
      readonly kind: "send";
      readonly order: Order;
      readonly expiresSeconds: number;
      readonly authorization: string | undefined;
    }
  | { readonly kind: "registered"; readonly first: boolean; readonly granted: Granted }
  /** A registration that stood stands no more. */
  | { readonly kind: "ended"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

export interface RegistrationContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly random: Random;
  /** Asked for in each REGISTER (TS 24.229 §5.1.1.2: 600 000). */
  readonly expiresSeconds: number;
}

export interface Step {
  readonly state: RegistrationState;
  readonly effects: readonly RegistrationEffect[];
}

export const initialState: RegistrationState = {
  name: "deregistered",
  memory: {
    order: undefined,
    failures: 0,
    obeyed: [],
    lastFailure: undefined,
    losses: 0,
    nextLossAt: 0,
    isRecovering: false,
  },
  why: "not registered yet",
};

/** When the machine wants `due`, in milliseconds since the epoch. */
export function nextDeadline(state: RegistrationState): number | undefined {
  switch (state.name) {
    case "deregistered":
    case "registering":
    case "deregistering":
      return undefined;
    case "waiting":
      return state.retryAt;
    case "registered":
      return Math.min(state.granted.renewAt ?? Number.POSITIVE_INFINITY, state.granted.expiresAt);
    case "refreshing":
      return state.granted.expiresAt;
  }
}
