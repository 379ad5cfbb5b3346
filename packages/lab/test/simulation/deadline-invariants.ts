// Invariants of time: until when somebody may be registered. TS 24.229 §5.4.1.5, §5.4.1.6.
import { type Invariant, inSeconds, SLACK_MS, unless } from "./invariant.ts";

/** A re-authentication that is due, as it was seen from outside. */
export interface DueFacts {
  readonly id: string;
  readonly askedAt: number;
  /** First NOTIFY that shows the contact as `shortened`. */
  readonly notifiedAt: number | undefined;
  /** First challenge to its contact from then on. */
  readonly challengedAt: number | undefined;
}

export interface DeadlineFacts {
  readonly now: number;
  readonly contact: string;
  /** By the last 200 that left the S-CSCF. */
  readonly grantedUntil: number;
  readonly due: DueFacts | undefined;
  /** N. */
  readonly deadlineMs: number;
  /** reg-await-auth. */
  readonly awaitMs: number;
  /** A deadline that passed while the node was down was moved to here. */
  readonly graceUntil: number | undefined;
}

/** Until when a binding may stand whose device says nothing more. */
export function latestEnd(facts: DeadlineFacts): number {
  const { grantedUntil, due, deadlineMs, awaitMs, graceUntil = 0 } = facts;
  if (due === undefined) return Math.max(grantedUntil, graceUntil);
  const { notifiedAt, challengedAt } = due;
  const told =
    notifiedAt === undefined ? grantedUntil : Math.min(grantedUntil, notifiedAt + deadlineMs);
  const announced = Math.max(told, graceUntil);
  // Once, however often it has itself challenged.
  const isExtended = challengedAt !== undefined && challengedAt <= announced + SLACK_MS;
  return isExtended ? Math.max(announced, challengedAt + awaitMs) : announced;
}

export const NOT_PAST_DEADLINE: Invariant<DeadlineFacts> = {
  name: "not registered past a deadline",
  clause: "TS 24.229 §5.4.1.6, §5.4.1.5; RFC 3261 §10.3",
  holds:
    "no binding stands longer than its 200 said or, once its device was told to re-authenticate, than N; one challenge gives at most reg-await-auth more",
  check: (facts) => {
    const until = latestEnd(facts);
    return unless(
      facts.now <= until + SLACK_MS,
      () => `${facts.contact} should have gone ${inSeconds(facts.now - until)} ago`,
    );
  },
};

export interface DutyFacts {
  readonly contact: string;
  /** How long it has had no subscription, but for the time of a re-authentication that was announced. */
  readonly owedMs: number;
  readonly dutyMs: number;
}

export const NOT_PAST_DUTY: Invariant<DutyFacts> = {
  name: "not registered without subscription",
  clause: "S3z010092",
  holds: "where the duty to subscribe is enforced, no binding is without a subscription for longer",
  check: ({ contact, owedMs, dutyMs }) =>
    unless(
      owedMs <= dutyMs + SLACK_MS,
      () => `${contact} has had no subscription for ${inSeconds(owedMs)}`,
    ),
};
