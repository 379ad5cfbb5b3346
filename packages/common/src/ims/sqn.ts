// AKA sequence numbers: SQN = SEQ (43 bits) || IND (5 bits), the ISIM's window, the AuC's next. TS 33.102 Annex C.

/** 48 bits fit a number exactly. */
export type Sqn = number;

/** C.1.2: entries of the ISIM's array, one per IND. */
export const SQN_ENTRIES = 32;
const SEQ_LIMIT = 2 ** 43;

/** C.2.1: how far SEQ may jump ahead, so that nobody can wear the numbers out. */
export const SQN_DELTA: number = 2 ** 28;

export function seqOf(sqn: Sqn): number {
  return Math.floor(sqn / SQN_ENTRIES);
}

export function indOf(sqn: Sqn): number {
  return sqn % SQN_ENTRIES;
}

export function sqnOf(seq: number, ind: number): Sqn {
  return (seq % SEQ_LIMIT) * SQN_ENTRIES + (ind % SQN_ENTRIES);
}

export function sqnToOctets(sqn: Sqn): Buffer {
  const octets = Buffer.allocUnsafe(6);
  octets.writeUIntBE(sqn, 0, 6);
  return octets;
}

/** `octets`: the six of AUTN or AUTS, AK taken off. */
export function sqnFromOctets(octets: Buffer): Sqn {
  return octets.readUIntBE(0, 6);
}

/** C.3.2, not time-based: SEQ rises by one per vector and IND goes round. Wraps rather than fails. */
export function nextSqn(last: Sqn): Sqn {
  return sqnOf(seqOf(last) + 1, indOf(last) + 1);
}

/**
 * The AuC's last SQN after a valid AUTS (TS 33.102 §6.3.5): unchanged when its next number would
 * have been accepted anyway, else the ISIM's.
 */
export function resynchronised(auc: Sqn, isim: Sqn): Sqn {
  const ahead = seqOf(auc) - seqOf(isim);
  return ahead >= 0 && ahead < SQN_DELTA ? auc : isim;
}

/** What an ISIM remembers. */
export interface SqnWindow {
  /** SEQ_MS(i), one per IND. */
  readonly seqs: readonly number[];
  /** SQN_MS: the highest accepted, which AUTS reports. */
  readonly highest: Sqn;
}

export function newSqnWindow(highest: Sqn = 0): SqnWindow {
  return { seqs: Array.from({ length: SQN_ENTRIES }, () => seqOf(highest)), highest };
}

/** C.2.2: the window after accepting `sqn`; undefined is a synchronisation failure. */
export function acceptSqn(window: SqnWindow, sqn: Sqn): SqnWindow | undefined {
  const seq = seqOf(sqn);
  const ind = indOf(sqn);
  if (seq <= (window.seqs[ind] ?? 0)) return undefined;
  if (seq - seqOf(window.highest) > SQN_DELTA) return undefined;
  return { seqs: window.seqs.with(ind, seq), highest: Math.max(window.highest, sqn) };
}
