// Invariants of a restart: what must be there, and which numbers may follow. RFC 3261 §10.3, §12.2.1.1.
import { type Invariant, inSeconds, SLACK_MS, unless } from "./invariant.ts";

export interface KeptFacts {
  /** What was announced before the restart, by name: a Contact, a subscription, a re-authentication. */
  readonly announced: readonly AnnouncedFacts[];
  /** What is there after it. */
  readonly found: ReadonlyMap<string, FoundFacts>;
  readonly now: number;
}

export interface AnnouncedFacts {
  readonly what: string;
  readonly until: number;
  /** Its last accepted REGISTER or SUBSCRIBE. */
  readonly callId: string;
  readonly cseq: number;
}

export interface FoundFacts {
  readonly callId: string;
  readonly cseq: number;
}

export const NOTHING_LOST: Invariant<KeptFacts> = {
  name: "nothing acknowledged is lost",
  clause: "RFC 3261 §10.3 step 8; RFC 6665 §4.2.1",
  holds:
    "after a restart with a store that keeps them, every registration and subscription is there whose 200 has left, and every re-authentication whose NOTIFY has",
  check: ({ announced, found, now }) =>
    announced.flatMap(({ what, until, callId, cseq }) => {
      if (until <= now + SLACK_MS) return [];
      const there = found.get(what);
      if (there === undefined) return [`${what} is gone, ${inSeconds(until - now)} before its end`];
      const isOlder = there.callId === callId && there.cseq < cseq;
      return unless(!isOlder, () => `${what} is as it was before CSeq ${cseq} of ${callId}`);
    }),
};

export interface EndedFacts {
  /** Whose end was announced before the restart. */
  readonly ended: ReadonlySet<string>;
  readonly found: Iterable<string>;
}

export const ENDED_STAYS_ENDED: Invariant<EndedFacts> = {
  name: "what has ended stays ended",
  clause: "TS 24.229 §5.4.1.5",
  holds: "no registration whose end was told comes back with a restart",
  check: ({ ended, found }) =>
    [...found].filter((what) => ended.has(what)).map((what) => `${what} has come back`),
};

export interface NumberFacts {
  readonly dialog: string;
  readonly last: RequestNumbers;
  readonly next: RequestNumbers;
}

export interface RequestNumbers {
  readonly cseq: number;
  /** Top branch: the same in a retransmission. */
  readonly branch: string;
  /** Of the reginfo document in it. */
  readonly version: number | undefined;
}

export const NUMBERS_RISE: Invariant<NumberFacts> = {
  name: "numbers rise",
  clause: "RFC 3261 §12.2.1.1; RFC 3680 §5.1",
  holds: "CSeq of a node's requests and version of its reginfo rise within a dialog, over restarts",
  check: ({ dialog, last, next }) => {
    if (last.branch === next.branch) return [];
    const isRisen =
      next.version === undefined || last.version === undefined || next.version > last.version;
    return [
      ...unless(next.cseq > last.cseq, () => `${dialog}: CSeq ${next.cseq} after ${last.cseq}`),
      ...unless(isRisen, () => `${dialog}: version ${next.version} after ${last.version}`),
    ];
  },
};
