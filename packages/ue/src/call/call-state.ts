// States, inputs and effects of the machine of one call. RFC 3261 §13, §14, §15.

/** What a UE does when it is called. */
export type IncomingPolicy = "answer" | "ring" | "busy" | "decline";

export type CallState =
  /** INVITE sent; `leaving`: given up meanwhile and why, CANCEL on its way. */
  | { readonly name: "inviting"; readonly ringing: boolean; readonly leaving: string | undefined }
  /** Called, 180 sent. */
  | { readonly name: "ringing" }
  /** 2xx sent, no ACK yet; a BYE has to wait for it (§15). */
  | { readonly name: "answered"; readonly interval: number; readonly leaving: boolean }
  | EstablishedCall
  /** BYE sent. */
  | { readonly name: "ending"; readonly why: string }
  | { readonly name: "over"; readonly why: string };

export interface EstablishedCall {
  readonly name: "up";
  readonly held: Held;
  readonly offer: Offer;
  /** A hold, or its end, that met an offer of the other side: it is offered again (§14.1). */
  readonly again: boolean | undefined;
}

/** Who has put the call on hold. */
export interface Held {
  readonly here: boolean;
  readonly there: boolean;
}

/** What a re-INVITE is waiting for: its answer, or the ACK of ours. */
export type Offer =
  | { readonly name: "none" }
  /** `refresh`: it changes nothing but the session's end (RFC 4028 §7.4). */
  | { readonly name: "sent"; readonly hold: boolean; readonly refresh: boolean }
  | { readonly name: "answered"; readonly interval: number };

export type CallInput =
  | { readonly kind: "dial" }
  | { readonly kind: "called"; readonly policy: IncomingPolicy; readonly engaged: boolean }
  | { readonly kind: "answer" }
  | { readonly kind: "hang-up" }
  | { readonly kind: "hold"; readonly on: boolean }
  /** To our INVITE, first or later. */
  | { readonly kind: "response"; readonly status: number }
  | { readonly kind: "no-response"; readonly why: string }
  /** A 2xx to our INVITE that makes no dialog: it names no target. */
  | { readonly kind: "unusable-answer"; readonly why: string }
  /** 422 with a Min-SE that we can meet (RFC 4028 §7.3). */
  | { readonly kind: "session-too-brief" }
  /** A session timer was agreed upon, or once more; `here`: we refresh (RFC 4028). */
  | { readonly kind: "session"; readonly seconds: number; readonly here: boolean }
  /** The session is to be refreshed by a re-INVITE: the other side takes no UPDATE. */
  | { readonly kind: "re-offer" }
  /** Our UPDATE has its answer, or none. */
  | { readonly kind: "refreshed"; readonly status: number }
  | { readonly kind: "refresh-failed"; readonly why: string }
  | { readonly kind: "cancelled" }
  /** `hold`: in the other side's description; undefined: the message had none. */
  | { readonly kind: "acknowledged"; readonly hold: boolean | undefined }
  | { readonly kind: "re-invited"; readonly hold: boolean | undefined }
  /** By an UPDATE that was answered 200 (RFC 3311). */
  | { readonly kind: "updated"; readonly hold: boolean | undefined }
  | { readonly kind: "bye" }
  /** The BYE was answered, or its transaction failed. */
  | { readonly kind: "left" }
  | { readonly kind: "timer"; readonly timer: CallTimer };

/**
 * `no-answer`: a call that rings here is not answered; `no-final`: no final response, or none after the CANCEL (§9.1); `repeat`, `no-ack`: a
 * 2xx waits for its ACK (§13.3.1.4); `again`: both sides had an offer under way (§14.1); `refresh`, `session`: it is
 * time to refresh, or the other side has not (RFC 4028 §10); `left`: the BYE has no end of its own.
 */
export type CallTimer =
  | "no-answer"
  | "no-final"
  | "repeat"
  | "no-ack"
  | "again"
  | "refresh"
  | "session"
  | "left";

export type CallEffect =
  | { readonly kind: "invite" }
  | { readonly kind: "cancel" }
  /** Nothing that comes of the INVITE counts any more. */
  | { readonly kind: "abandon" }
  /** Refreshes the session: UPDATE, or by way of `re-offer`. */
  | { readonly kind: "refresh" }
  | { readonly kind: "ack" }
  | { readonly kind: "bye" }
  | { readonly kind: "re-invite"; readonly hold: boolean }
  /** To the INVITE that came first, or to the last one. */
  | { readonly kind: "respond"; readonly status: number }
  | { readonly kind: "repeat" }
  | { readonly kind: "start"; readonly timer: CallTimer; readonly ms: number }
  /** Timer `again`, after a time that chance chooses. */
  | { readonly kind: "back-off" }
  | { readonly kind: "stop"; readonly timer: CallTimer };

export interface CallContext {
  /** Milliseconds. */
  readonly t1: number;
  readonly t2: number;
  readonly noAnswerMs: number;
}

export interface CallStep {
  readonly state: CallState;
  readonly effects: readonly CallEffect[];
}

export const IDLE: CallState = { name: "inviting", ringing: false, leaving: undefined };

export const ACKNOWLEDGED: readonly CallEffect[] = [
  { kind: "stop", timer: "repeat" },
  { kind: "stop", timer: "no-ack" },
];

/** @param there whether the other side holds the call from the start */
export function established(there = false): EstablishedCall {
  return { name: "up", held: { here: false, there }, offer: { name: "none" }, again: undefined };
}

export function awaitAck(t1: number): CallEffect[] {
  return [
    { kind: "start", timer: "repeat", ms: t1 },
    { kind: "start", timer: "no-ack", ms: 64 * t1 },
  ];
}

export function repeatAfter(ms: number): CallEffect[] {
  return [{ kind: "repeat" }, { kind: "start", timer: "repeat", ms }];
}

/** A BYE, and an end whatever becomes of it. */
export function leave(
  { t1 }: CallContext,
  why: string,
  before: readonly CallEffect[] = [],
): CallStep {
  return {
    state: { name: "ending", why },
    effects: [...before, { kind: "start", timer: "left", ms: 64 * t1 }, { kind: "bye" }],
  };
}

/**
 * RFC 4028 §10: who refreshes does so at half time; the other hangs up a third of the time, at most 32 s, before
 * the end. So does a refresher whose refreshes fail.
 */
export function agreeOnSession(seconds: number, here: boolean): readonly CallEffect[] {
  const last = seconds - Math.min(32, seconds / 3);
  return [
    { kind: "start", timer: "session", ms: 1000 * last },
    here
      ? { kind: "start", timer: "refresh", ms: 500 * seconds }
      : { kind: "stop", timer: "refresh" },
  ];
}

export function over(why: string, effects: readonly CallEffect[] = []): CallStep {
  return { state: { name: "over", why }, effects };
}

export function stay(state: CallState): CallStep {
  return { state, effects: [] };
}
