// Challenges as they leave: AKA vectors and signed nonces, and what is remembered of them. TS 24.229 §5.4.1.2.1.
import type { Clock } from "@ims-lab/common/platform/clock";
import { akaSessionKeys, packNonce } from "@ims-lab/common/sip/auth/aka";
import { type AuthAlgorithm, formatChallenge } from "@ims-lab/common/sip/auth/challenge";
import type { DigestAlgorithm, Qop } from "@ims-lab/common/sip/auth/digest";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { AkaCredentials, Subscriber } from "../subscribers/subscriber.ts";
import type { AkaVector, AuthenticationCentre } from "./auc.ts";
import type { ChallengeTable } from "./challenges.ts";
import type { NonceGenerator } from "./nonce-generator.ts";
import type { IssuedChallenge } from "./outcome.ts";
import type { Prober } from "./prober.ts";

export interface ChallengeFactoryOptions {
  /** Home domain (TS 24.229 §5.4.1.2.1). */
  readonly realm: string;
  readonly qop: readonly Qop[];
  /** reg-await-auth. */
  readonly awaitMs: number;
  /** Taken in turn instead of drawn ones; empty: drawn. */
  readonly fixedNonces: readonly string[];
}

interface ChallengeFactoryParts {
  readonly clock: Clock;
  readonly nonces: NonceGenerator;
  readonly auc: AuthenticationCentre;
  readonly attempts: ChallengeTable;
  /** Undefined: `authentication.probe` is off. */
  readonly prober: Prober | undefined;
}

export interface IssueOptions {
  /** Of this attempt so far. */
  readonly failures: number;
  readonly stale: boolean;
}

export class ChallengeFactory {
  readonly #options: ChallengeFactoryOptions;
  readonly #parts: ChallengeFactoryParts;
  #fixedTaken = 0;

  constructor(options: ChallengeFactoryOptions, parts: ChallengeFactoryParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** `key`: the attempt's within the subscriber's. */
  issue(subscriber: Subscriber, key: string, options: IssueOptions): IssuedChallenge {
    const { attempts, clock } = this.#parts;
    const { impi, auth } = subscriber;
    const now = clock.now();
    const { nonce, values } =
      auth.scheme === "aka"
        ? this.#aka(impi, auth, options.stale)
        : this.#digest(impi, auth.algorithms, options.stale);
    const expiresAt = now + this.#options.awaitMs;
    const { failures } = options;
    const challenge = { key: ownCopy(key), nonce, expiresAt, failures, isOver: false };
    attempts.challenged(impi, challenge, now);
    return { values };
  }

  /** Asks the device about a mix-up; the prober remembers it. Undefined where it is off. */
  probe(
    impi: string,
    auth: AkaCredentials,
    key: string,
    isFirst: boolean,
  ): IssuedChallenge | undefined {
    const probe = this.#parts.prober?.probe(impi, auth, ownCopy(key), isFirst);
    if (probe === undefined) return undefined;
    const { vector, nonce, question } = probe;
    return { values: [this.#akaValue(auth, vector, nonce, false)], question };
  }

  #aka(impi: string, auth: AkaCredentials, stale: boolean): Made {
    const vector = this.#parts.auc.vector({ impi, auth });
    const nonce = packNonce(vector.rand, vector.autn);
    return { nonce, values: [this.#akaValue(auth, vector, nonce, stale)] };
  }

  #akaValue(
    { algorithm }: AkaCredentials,
    vector: AkaVector,
    nonce: string,
    stale: boolean,
  ): string {
    const { ik, ck } = akaSessionKeys(algorithm, vector);
    const keys = { ik: ik.toString("hex"), ck: ck.toString("hex") };
    return this.#value(algorithm, nonce, stale, keys);
  }

  #digest(impi: string, algorithms: readonly DigestAlgorithm[], stale: boolean): Made {
    const nonce = this.#fixedNonce() ?? this.#parts.nonces.nonce(impi, this.#parts.clock.now());
    const values = algorithms.map((algorithm) => this.#value(algorithm, nonce, stale, NO_KEYS));
    return { nonce, values };
  }

  #value(
    algorithm: AuthAlgorithm,
    nonce: string,
    stale: boolean,
    keys: { readonly ik?: string; readonly ck?: string },
  ): string {
    const { realm, qop } = this.#options;
    const { ik, ck } = keys;
    return formatChallenge({ realm, nonce, algorithm, qop, stale, ik, ck });
  }

  #fixedNonce(): string | undefined {
    const { fixedNonces } = this.#options;
    return fixedNonces.length === 0
      ? undefined
      : fixedNonces[this.#fixedTaken++ % fixedNonces.length];
  }
}

const NO_KEYS = {};

interface Made {
  readonly nonce: string;
  readonly values: readonly string[];
}
