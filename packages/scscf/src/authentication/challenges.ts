// Challenges that wait for an answer and nonces that were used, per IMPI. Bounded.
import { PackedTable } from "@ims-lab/common/platform/packed-table";
import { hasCredentialsSince, packChallenges, unpackChallenges } from "./packed-challenges.ts";
import type { Outstanding, Used, UserChallenges } from "./user-challenges.ts";

const MOST_USED = 2;
/** Above every nc, which has eight hexadecimal digits. */
export const NO_MORE_USES: number = 2 ** 32;

export const NO_CHALLENGES: UserChallenges = { outstanding: [], used: [], forgottenUpTo: 0 };

/**
 * Replaces the attempt's earlier challenge; somebody else's never goes for it. Above `most` nothing
 * is remembered: the nonce proves itself.
 */
export function withChallenge(
  state: UserChallenges,
  challenge: Outstanding,
  most: number,
): UserChallenges {
  const outstanding = state.outstanding.filter(({ key }) => key !== challenge.key);
  if (outstanding.length >= most) return state;
  outstanding.push(challenge);
  return { ...state, outstanding };
}

/** Notes a use and takes the challenge away that it answered. */
export function withUse(state: UserChallenges, use: Used): UserChallenges {
  const used = state.used.filter(({ nonce }) => nonce !== use.nonce);
  used.push(use);
  const dropped = used.length > MOST_USED ? used.shift() : undefined;
  return {
    outstanding: state.outstanding.filter(({ nonce }) => nonce !== use.nonce),
    used,
    forgottenUpTo: Math.max(state.forgottenUpTo, dropped?.issuedAt ?? 0),
  };
}

/** Nothing that was issued so far counts any more: the user's registration has ended. */
function withNothing(now: number): UserChallenges {
  return { ...NO_CHALLENGES, forgottenUpTo: now };
}

function packedNothing(now: number): { readonly text: string; readonly forgottenUpTo: number } {
  return { text: packChallenges(withNothing(now)), forgottenUpTo: now };
}

/** Without what has expired; undefined when nothing is left. `usedLifeMs`: a nonce's longest life. */
function swept(state: UserChallenges, now: number, usedLifeMs: number): UserChallenges | undefined {
  const outstanding = state.outstanding.filter(({ expiresAt }) => expiresAt > now);
  const used = state.used.filter(({ issuedAt }) => issuedAt + usedLifeMs > now);
  const isForgotten = state.forgottenUpTo + usedLifeMs <= now;
  if (outstanding.length + used.length === 0 && isForgotten) return undefined;
  return { ...state, outstanding, used };
}

export interface ChallengeLimit {
  /** Challenges of one IMPI. */
  readonly most: number;
  /** IMPIs; for one more, the one known longest is forgotten. */
  readonly mostUsers?: number;
  onFull?(): void;
}

/** All IMPIs' attempts; the expired ones go as others come, without a timer. */
export class ChallengeTable {
  readonly #byImpi = new PackedTable<UserChallenges>({
    pack: packChallenges,
    unpack: unpackChallenges,
  });
  readonly #lifeMs: number;
  readonly #limit: ChallengeLimit;
  /** In the order of their time: IMPIs, and when to look at each. */
  #due: string[] = [];
  #dueAt: number[] = [];
  #next = 0;
  /** What is left of users whose registrations end at one time. */
  #nothing = packedNothing(0);

  /** `lifeMs`: after that nothing of an attempt counts any more. */
  constructor(lifeMs: number, limit: ChallengeLimit) {
    this.#lifeMs = lifeMs;
    this.#limit = limit;
  }

  get size(): number {
    return this.#byImpi.size;
  }

  get(impi: string): UserChallenges {
    return this.#byImpi.get(impi) ?? NO_CHALLENGES;
  }

  challenged(impi: string, challenge: Outstanding, now: number): void {
    const before = this.get(impi);
    const after = withChallenge(before, challenge, this.#limit.most);
    if (after === before) this.#limit.onFull?.();
    this.set(impi, after, now);
  }

  /** Where nothing is remembered nothing is held: every nonce that still counts leaves a trace here. */
  endNonces(impi: string, now: number): void {
    // Many registrations may end at once: of those at rest nothing else has to be known.
    if (this.#byImpi.rewrite(impi, (text) => this.#withoutNonces(text, now))) return;
    if (!this.#byImpi.has(impi)) return;
    const { credentialsSince } = this.get(impi);
    const since = credentialsSince !== undefined && { credentialsSince };
    this.#byImpi.set(impi, { ...withNothing(now), ...since });
  }

  #withoutNonces(text: string, now: number): string | undefined {
    if (hasCredentialsSince(text)) return undefined;
    if (now !== this.#nothing.forgottenUpTo) this.#nothing = packedNothing(now);
    return this.#nothing.text;
  }

  /** The same, for nonces that the present credentials did not make. */
  credentialsChanged(impi: string, now: number): void {
    if (!this.#byImpi.has(impi)) return;
    this.#byImpi.set(impi, { ...withNothing(now), credentialsSince: now });
  }

  set(impi: string, attempts: UserChallenges, now: number): void {
    if (!this.#byImpi.has(impi)) {
      if (this.#byImpi.size >= (this.#limit.mostUsers ?? Number.POSITIVE_INFINITY)) this.#drop();
      this.#lookAgain(impi, now);
    }
    this.#byImpi.set(impi, attempts);
    // Two for one, so that the queue shrinks even while new ones come.
    this.#sweepOne(now);
    this.#sweepOne(now);
  }

  #sweepOne(now: number): void {
    const impi = this.#due[this.#next];
    if (impi === undefined || (this.#dueAt[this.#next] ?? 0) > now) return;
    this.#advance();
    const left = swept(this.get(impi), now, this.#lifeMs);
    if (left === undefined) {
      this.#byImpi.delete(impi);
      return;
    }
    this.#byImpi.set(impi, left);
    this.#lookAgain(impi, now);
  }

  #lookAgain(impi: string, now: number): void {
    this.#due.push(impi);
    this.#dueAt.push(now + this.#lifeMs);
  }

  #drop(): void {
    const impi = this.#due[this.#next];
    if (impi === undefined) return;
    this.#advance();
    this.#byImpi.delete(impi);
  }

  #advance(): void {
    this.#next++;
    if (this.#next <= 1024 || this.#next * 2 <= this.#due.length) return;
    this.#due = this.#due.slice(this.#next);
    this.#dueAt = this.#dueAt.slice(this.#next);
    this.#next = 0;
  }
}
