// Invariants of authentication: who may be registered, and where. TS 24.229 §5.4.1.2.
import { type Invariant, inSeconds, SLACK_MS, unless } from "./invariant.ts";

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
