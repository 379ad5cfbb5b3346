// The timers of transactions and their values: RFC 3261 table 4, RFC 6026 (L, M), RFC 4320.

/** Milliseconds. */
export interface TimerSettings {
  /** Round-trip time estimate. */
  readonly t1: number;
  /** Longest interval between retransmissions of non-INVITE requests and INVITE responses. */
  readonly t2: number;
  /** Longest time a message stays in the network. */
  readonly t4: number;
}

export const RFC_TIMERS: TimerSettings = { t1: 500, t2: 4_000, t4: 5_000 };
/** At the UE and towards it (TS 24.229 table 7.7.1). */
export const IMS_TIMERS: TimerSettings = { t1: 2_000, t2: 16_000, t4: 17_000 };

/** `trying`: a 100 becomes due; `late`: the client has given up by now (RFC 4320 §4.2). */
export type TimerName =
  | "A"
  | "B"
  | "D"
  | "E"
  | "F"
  | "G"
  | "H"
  | "I"
  | "J"
  | "K"
  | "L"
  | "M"
  | "trying"
  | "late";

/** Where the TU is slower than this with INVITE, a 100 goes out (RFC 3261 §17.2.1). */
const INVITE_TRYING_MS = 200;

/** First (A, E, G) or only values, in milliseconds, on an unreliable transport. */
export type TimerValues = Readonly<Record<Exclude<TimerName, "trying">, number>> & {
  readonly t2: number;
  readonly inviteTrying: number;
  readonly nonInviteTrying: number;
};

export function timerValues(settings: Partial<TimerSettings> = {}): TimerValues {
  const { t1, t2, t4 } = { ...RFC_TIMERS, ...settings };
  const whole = 64 * t1;
  const nonInviteTrying = untilT2(t1, t2);
  return {
    A: t1,
    B: whole,
    D: Math.max(32_000, whole), // RFC 3261 §17.1.1.2: at least 32 s
    E: t1,
    F: whole,
    G: t1,
    H: whole,
    I: t4,
    J: whole,
    K: t4,
    L: whole,
    M: whole,
    late: whole - nonInviteTrying,
    t2,
    inviteTrying: INVITE_TRYING_MS,
    nonInviteTrying,
  };
}

/** RFC 4320 §4.1: how long it takes a client's Timer E to reach T2 (3.5 s by default). */
function untilT2(t1: number, t2: number): number {
  let elapsed = 0;
  for (let interval = t1; interval < t2; interval *= 2) elapsed += interval;
  return elapsed;
}
