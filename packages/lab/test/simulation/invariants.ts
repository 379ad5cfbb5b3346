// The invariants of a simulation: pure functions over what has been seen, each with the reason it holds for.

/** Times are milliseconds since the epoch. */
export interface Invariant<Facts> {
  readonly name: string;
  /** Where it is written. */
  readonly clause: string;
  /** What must hold. */
  readonly holds: string;
  /** Each way in which it does not, in words; empty: it holds. */
  check(facts: Facts): readonly string[];
}

/** A 200 says whole seconds, and a commit takes its time. */
const SLACK_MS = 1_100;

function unless(holds: boolean, otherwise: () => string): readonly string[] {
  return holds ? [] : [otherwise()];
}

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

export interface AuthenticationFacts {
  readonly impi: string;
  readonly contact: string;
  /** When the S-CSCF says that it has authenticated. */
  readonly authenticatedAt: number;
  /** The REGISTER that it stands on, when it had a response. */
  readonly answer: AnswerFacts | undefined;
  readonly awaitMs: number;
}

export interface AnswerFacts {
  readonly at: number;
  /** When its nonce was issued; undefined: never, as far as was seen. */
  readonly issuedAt: number | undefined;
  readonly isAka: boolean;
  /** The nonce was answered before. */
  readonly isAgain: boolean;
  /** That answer was accepted. */
  readonly isSpent: boolean;
}

/** An answer may wait for a commit of its user, and that for a store that fails. */
const MAY_WAIT_MS = 40_000;

export const AUTHENTICATED_BY_ANSWER: Invariant<AuthenticationFacts> = {
  name: "authenticated by an answer alone",
  clause: "TS 24.229 §5.4.1.2; RFC 3310 §3.3; RFC 7616 §3.3",
  holds:
    "a binding counts as authenticated only by a REGISTER that answers a challenge of this S-CSCF, within reg-await-auth when it is the first answer, and no AKA challenge twice",
  check: ({ impi, contact, authenticatedAt, answer, awaitMs }) => {
    const what = `${contact} of ${impi} counts as authenticated`;
    if (answer === undefined) return [`${what} by a REGISTER without response`];
    const { at, issuedAt, isAka, isAgain, isSpent } = answer;
    if (issuedAt === undefined) return [`${what} by an answer to nobody's challenge`];
    const isSoon = at <= authenticatedAt && authenticatedAt - at <= MAY_WAIT_MS;
    const isFresh = at - issuedAt <= awaitMs + SLACK_MS;
    return [
      ...unless(isSoon, () => `${what} ${inSeconds(authenticatedAt - at)} after its answer`),
      ...unless(isFresh || (isAgain && !isAka), () => `${what} by an answer that came too late`),
      ...unless(!isSpent || !isAka, () => `${what} by a challenge that was answered before`),
    ];
  },
};

export interface MoveFacts {
  readonly node: "S-CSCF" | "P-CSCF";
  readonly contact: string;
  readonly before: HolderFacts | undefined;
  readonly after: HolderFacts;
}

export interface HolderFacts {
  readonly impi: string;
  /** Path or flow, and address. */
  readonly place: string;
  readonly authenticatedAt: number | undefined;
}

export const SAME_HOLDER: Invariant<MoveFacts> = {
  name: "no binding changes hands",
  clause: "TS 24.229 §5.4.1.2.2; RFC 3261 §10.3",
  holds: "no binding changes its IMPI, nor its place without that IMPI's own authentication",
  check: ({ node, contact, before, after }) => {
    if (before === undefined) return [];
    const what = `${node}: ${contact}`;
    if (before.impi !== after.impi) return [`${what} was ${before.impi}'s and is ${after.impi}'s`];
    const isProven = (after.authenticatedAt ?? 0) > (before.authenticatedAt ?? 0);
    return unless(
      before.place === after.place || isProven,
      () => `${what} of ${after.impi} has moved without authentication`,
    );
  },
};

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
  /** It left although the store refused to keep it: a NOTIFY does. */
  readonly isUnsaved: boolean;
}

export const NUMBERS_RISE: Invariant<NumberFacts> = {
  name: "numbers rise",
  clause: "RFC 3261 §12.2.1.1; RFC 3680 §5.1",
  holds: "CSeq of a node's requests and version of its reginfo rise within a dialog, over restarts",
  check: ({ dialog, last, next }) => {
    if (last.branch === next.branch || last.isUnsaved) return [];
    const isRisen =
      next.version === undefined || last.version === undefined || next.version > last.version;
    return [
      ...unless(next.cseq > last.cseq, () => `${dialog}: CSeq ${next.cseq} after ${last.cseq}`),
      ...unless(isRisen, () => `${dialog}: version ${next.version} after ${last.version}`),
    ];
  },
};

export interface SqnFacts {
  readonly impi: string;
  readonly sqn: number;
  readonly used: ReadonlySet<number>;
}

export const NO_SQN_TWICE: Invariant<SqnFacts> = {
  name: "no sequence number twice",
  clause: "TS 33.102 annex C.1",
  holds:
    "no two AKA challenges of a user have one SQN, over restarts with a store that keeps marks",
  check: ({ impi, sqn, used }) =>
    unless(!used.has(sqn), () => `${impi} was challenged twice with SQN ${sqn.toString(16)}`),
};

export interface EndFacts {
  /** Re-authentications that began, and how many ends each has had. */
  readonly ends: ReadonlyMap<string, number>;
  /** Known to run still. */
  readonly running: ReadonlySet<string>;
}

export const ONE_END: Invariant<EndFacts> = {
  name: "one end each",
  clause: "TS 24.229 §5.4.1.6",
  holds: "each re-authentication that was asked for runs, or has ended in exactly one end",
  check: ({ ends, running }) =>
    [...ends].flatMap(([id, count]) => {
      const expected = running.has(id) ? 0 : 1;
      return unless(count === expected, () => `re-authentication ${id} has ended ${count} times`);
    }),
};

export interface CountFacts {
  /** Of one life of an S-CSCF: by end, as its events said and as its metrics and its list say. */
  readonly events: ReadonlyMap<string, number>;
  readonly metrics: ReadonlyMap<string, number>;
  readonly listed: ReadonlyMap<string, number>;
}

export const COUNTS_AGREE: Invariant<CountFacts> = {
  name: "counts agree",
  clause: "docs/operations.md, metrics",
  holds: "events, metrics and the list of re-authentications name the same ends equally often",
  check: ({ events, metrics, listed }) =>
    [...new Set([...events.keys(), ...metrics.keys(), ...listed.keys()])].flatMap((end) => {
      const [said, counted, shown] = [events, metrics, listed].map((one) => one.get(end) ?? 0);
      return unless(
        said === counted && counted === shown,
        () => `${end}: ${said} events, ${counted} in the metrics, ${shown} in the list`,
      );
    }),
};

export interface AgreementFacts {
  /** Contacts of all that is registered, by IMPI and Path. */
  readonly atScscf: ReadonlyMap<string, readonly string[]>;
  readonly atPcscf: ReadonlyMap<string, readonly string[]>;
  /** Contacts that devices have registered since something was lost. */
  readonly told: ReadonlySet<string> | "all";
  /** The S-CSCF may have given up the subscription by which the P-CSCF hears of ends (RFC 6665 §4.2.2). */
  readonly mayMissEnds: boolean;
}

export const BOTH_AGREE: Invariant<AgreementFacts> = {
  name: "both nodes agree",
  clause: "TS 24.229 §5.2.2.1, §5.2.3",
  holds:
    "once the wire is quiet, both CSCFs have the same devices; where something was lost, those that have registered since",
  check: ({ atScscf, atPcscf, told, mayMissEnds }) => {
    const lone = [...atScscf].filter(
      ([key, contacts]) =>
        !atPcscf.has(key) && (told === "all" || contacts.some((one) => told.has(one))),
    );
    const late = mayMissEnds ? [] : [...atPcscf].filter(([key]) => !atScscf.has(key));
    return [
      ...lone.map(([key, contacts]) => `${key} (${contacts.join(", ")}): S-CSCF alone`),
      ...late.map(([key, contacts]) => `${key} (${contacts.join(", ")}): P-CSCF alone`),
    ];
  },
};

export interface RestFacts {
  readonly devices: readonly {
    readonly says: string;
    readonly isRegistered: boolean;
    readonly isSubscribed: boolean;
    /** Ends of the re-authentications it was asked for over a fair network. */
    readonly ends: readonly string[];
  }[];
}

export const COMES_TO_REST: Invariant<RestFacts> = {
  name: "comes to rest",
  clause: "TS 24.229 §5.1.1; RFC 5626 §4.5",
  holds:
    "once the network is fair, every device that wants to is registered and subscribed, and re-authenticates when asked",
  check: ({ devices }) =>
    devices.flatMap(({ says, isRegistered, isSubscribed, ends }) => [
      ...unless(isRegistered, () => `${says}: not registered`),
      ...unless(isSubscribed, () => `${says}: not subscribed`),
      ...ends.filter((end) => end !== "reauthenticated").map((end) => `${says}: ${end}`),
    ]),
};

export interface LeftoverFacts {
  /** By name: what there is more than in a node that has just started. */
  readonly left: ReadonlyMap<string, number>;
}

export const NOTHING_LEFT: Invariant<LeftoverFacts> = {
  name: "nothing is left",
  clause: "RFC 3261 §17; RFC 6665 §4.2.1.4",
  holds:
    "when all devices are off and everything has expired, no binding, subscription, dialog, transaction or timer is left",
  check: ({ left }) =>
    [...left].flatMap(([what, count]) => unless(count === 0, () => `${count} ${what}`)),
};

export interface LogFacts {
  readonly node: string;
  readonly errors: readonly string[];
}

export const NO_ERROR_LINE: Invariant<LogFacts> = {
  name: "no error in the log",
  clause: "docs/operations.md, log",
  holds: "no node logs at level error, which is for its own faults, and none throws",
  check: ({ node, errors }) => errors.map((line) => `${node}: ${line}`),
};

/** All of them, in the order of docs/simulation.md. */
export const INVARIANTS: readonly Pick<Invariant<never>, "name" | "clause" | "holds">[] = [
  NOT_PAST_DEADLINE,
  NOT_PAST_DUTY,
  AUTHENTICATED_BY_ANSWER,
  SAME_HOLDER,
  NOTHING_LOST,
  ENDED_STAYS_ENDED,
  NUMBERS_RISE,
  NO_SQN_TWICE,
  ONE_END,
  COUNTS_AGREE,
  BOTH_AGREE,
  COMES_TO_REST,
  NOTHING_LEFT,
  NO_ERROR_LINE,
];

function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
