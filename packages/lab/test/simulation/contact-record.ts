// A registered Contact, as the messages of its S-CSCF told it: until when it may stand. TS 24.229 §5.4.1.5, §5.4.1.6.
import { type DeadlineFacts, type DueFacts, latestEnd } from "./invariants.ts";

export interface ContactRecord {
  readonly contact: string;
  readonly impi: string;
  /** By its last 200. */
  grantedUntil: number;
  callId: string;
  cseq: number;
  due: { -readonly [K in keyof DueFacts]: DueFacts[K] } | undefined;
  /** How long it has had no subscription, where it must. */
  owedMs: number;
  /** What a restart gave it once. */
  graceUntil: number | undefined;
  lastChallengeAt: number;
  isSubscribed: boolean;
}

export function newContactRecord(contact: string, impi: string): ContactRecord {
  return {
    contact,
    impi,
    grantedUntil: 0,
    callId: "",
    cseq: 0,
    due: undefined,
    owedMs: 0,
    graceUntil: undefined,
    lastChallengeAt: 0,
    isSubscribed: false,
  };
}

/** From its first step on the re-authentication's deadline stands in for the duty's. */
export function isAnnounced({ due }: ContactRecord): boolean {
  return due?.notifiedAt !== undefined || due?.challengedAt !== undefined;
}

/** A 200 says whole seconds. */
export const WHOLE_SECOND_MS = 1_000;

/** What was due while the node was down gets its time once, until something is accepted again. */
export function moveDeadline(
  record: ContactRecord,
  { now, downSince }: { readonly now: number; readonly downSince: number },
  times: Pick<DeadlineFacts, "deadlineMs" | "awaitMs"> & {
    readonly graceMs: number;
    readonly dutyMs: number;
  },
): void {
  const { graceMs, dutyMs } = times;
  // A subscription that ran out meanwhile ends now.
  const stood = record.isSubscribed || isAnnounced(record);
  const owed = stood ? record.owedMs : record.owedMs + (now - downSince);
  const isOverdue = latestEnd({ ...times, ...record, now }) <= now + WHOLE_SECOND_MS;
  if (isOverdue) record.graceUntil = record.graceUntil === undefined ? now + graceMs : now; // once; then at once
  record.owedMs = owed >= dutyMs ? Math.min(owed, dutyMs - graceMs) : owed;
}
