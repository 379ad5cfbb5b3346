// The authenticator: challenges users and verifies their answers; a wrong answer is an outcome, never an exception. TS 24.229 §5.4.1.
import type { Sqn } from "@ims-lab/common/ims/sqn";
import { boundedKey } from "@ims-lab/common/platform/bounded-key";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import {
  type Answer,
  type AuthAlgorithm,
  digestOf,
  readAnswer,
} from "@ims-lab/common/sip/auth/challenge";
import type { Qop } from "@ims-lab/common/sip/auth/digest";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import type { VectorOptions } from "../subscribers/load.ts";
import { memorySqnMarks, type SqnMarks } from "../subscribers/sqn-marks.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";
import { type AucFaults, AuthenticationCentre } from "./auc.ts";
import { ChallengeFactory } from "./challenge-factory.ts";
import { ChallengeTable } from "./challenges.ts";
import { NonceGenerator } from "./nonce-generator.ts";
import { nonceStatus } from "./nonce-status.ts";
import type {
  AuthenticationOutcome,
  ChallengeKey,
  Claim,
  ClaimRefused,
  IssuedChallenge,
} from "./outcome.ts";
import { Phantoms } from "./phantoms.ts";
import { Prober } from "./prober.ts";
import { type Verification, Verifier } from "./verifier.ts";

export interface AuthenticatorSettings {
  /** Home domain. */
  readonly realm: string;
  /** reg-await-auth: one challenge's life. */
  readonly awaitSeconds: number;
  /** Failed answers within one attempt; then the attempt is over. */
  readonly maxFailures: number;
  /** Challenges of one subscriber that are remembered at once. */
  readonly maxOutstanding: number;
  /** How long a password user's nonce may be used on. */
  readonly nonceSeconds: number;
  /** Who is nobody is challenged first, like anybody. */
  readonly hideUnknown: boolean;
  /** Asks devices that reject AUTN what they have mixed up. */
  readonly probe: boolean;
  readonly qop: readonly Qop[];
  readonly vectors: VectorOptions;
}

export const AUTHENTICATION_DEFAULTS: Omit<AuthenticatorSettings, "realm" | "vectors"> = {
  awaitSeconds: 240, // TS 24.229 table 7.8.1
  maxFailures: 2, // TS 24.229 §5.1.1.5.1: the UE answers two invalid challenges in a row
  maxOutstanding: 4,
  nonceSeconds: 300,
  hideUnknown: false,
  probe: false,
  qop: ["auth"],
};

export interface AuthenticatorPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly directory: SubscriberDirectory;
  readonly marks: SqnMarks;
  /** 32 octets; kept over a restart, outstanding challenges stay answerable. Drawn when absent. */
  readonly secret?: Buffer;
  readonly aucFaults?: AucFaults | undefined;
  /** A limit, by its name, kept something from being remembered. */
  onLimited?(limit: string): void;
}

/** Names of nobody that are remembered at once. */
const MOST_PHANTOMS = 10_000;

/** Challenges and proofs one kind of users: those that are, or those that are not. */
interface Desk {
  readonly attempts: ChallengeTable;
  readonly auc: AuthenticationCentre;
  readonly factory: ChallengeFactory;
  readonly verifier: Verifier;
  /** Undefined: `authentication.probe` is off. */
  readonly prober: Prober | undefined;
}

export class Authenticator {
  readonly #settings: AuthenticatorSettings;
  readonly #ports: AuthenticatorPorts;
  readonly #nonces: NonceGenerator;
  readonly #users: Desk;
  /** Alike in all that shows; kept apart, so that no stranger's names push a user's out. */
  readonly #phantoms: { readonly desk: Desk; readonly all: Phantoms } | undefined;
  #fixedTaken = 0;

  constructor(settings: AuthenticatorSettings, ports: AuthenticatorPorts) {
    const { random, marks, directory } = ports;
    this.#settings = settings;
    this.#ports = ports;
    this.#nonces = new NonceGenerator(random, ports.secret ?? random.bytes(32));
    this.#users = this.#desk(marks, {});
    this.#phantoms = settings.hideUnknown
      ? { desk: this.#desk(memorySqnMarks(), { isForNobody: true }), all: new Phantoms(directory) }
      : undefined;
  }

  #desk(marks: SqnMarks, { isForNobody = false }: { readonly isForNobody?: boolean }): Desk {
    const { clock, onLimited } = this.#ports;
    const { realm, qop, awaitSeconds, nonceSeconds, maxOutstanding } = this.#settings;
    const { aka, digest } = this.#settings.vectors;
    const awaitMs = awaitSeconds * 1000;
    const attempts = new ChallengeTable(Math.max(awaitMs, nonceSeconds * 1000), {
      most: maxOutstanding,
      onFull: () => onLimited?.("challenges-per-user"),
      ...(isForNobody && { mostUsers: MOST_PHANTOMS }),
    });
    const auc = new AuthenticationCentre({
      marks,
      keepsNumbers: !isForNobody,
      redrawZeroOctets: aka.redrawZeroOctets && aka.fixedVectors.length === 0,
      rand: () => this.#rand(),
      faults: isForNobody ? undefined : this.#ports.aucFaults,
    });
    const prober = this.#settings.probe ? new Prober(auc) : undefined;
    const parts = { clock, nonces: this.#nonces, auc, attempts, prober };
    const factory = new ChallengeFactory(
      { realm, qop, awaitMs, fixedNonces: digest.fixedNonces },
      parts,
    );
    const verifier = new Verifier(this.#settings, { ...parts, factory });
    return { attempts, auc, factory, verifier, prober };
  }

  get hidesUnknown(): boolean {
    return this.#phantoms !== undefined;
  }

  /** Whom to challenge in the place of nobody; undefined where nobody is hidden. */
  phantom(name: string): Subscriber | undefined {
    return this.#phantoms?.all.of(name);
  }

  /** The next REGISTER of this user is challenged, whatever nonces he holds (TS 24.229 §5.4.1.2.1). */
  endNonces(impi: string, at: number = this.#ports.clock.now()): void {
    this.#users.attempts.endNonces(impi, at);
  }

  /** Another node challenges this user. */
  drop(impi: string): void {
    this.endNonces(impi);
    this.#users.auc.drop(impi);
  }

  /** Nothing that was asked or proven with the former credentials counts. */
  credentialsChanged(impi: string): void {
    this.#users.attempts.credentialsChanged(impi, this.#ports.clock.now());
    this.#users.prober?.forget(impi);
  }

  /** The card has seen this number already: the next one is higher. The mark is to be made durable. */
  raiseSqn(impi: string, sqn: Sqn): void {
    this.#users.auc.raise(impi, sqn);
  }

  #whoIs(impi: string): { readonly subscriber: Subscriber; readonly desk: Desk } | undefined {
    const user = this.#ports.directory.byImpi(impi);
    if (user !== undefined) return { subscriber: user, desk: this.#users };
    const phantom = this.phantom(impi);
    return phantom && this.#phantoms && { subscriber: phantom, desk: this.#phantoms.desk };
  }

  /**
   * A new challenge for this attempt, in place of its earlier one. Undefined: nobody of that name,
   * and `hideUnknown` is off. `stale`: the last answer was right, its nonce was not (RFC 7616 §3.3).
   */
  challenge(
    attempt: ChallengeKey,
    options: { readonly stale?: boolean } = {},
  ): IssuedChallenge | undefined {
    const found = this.#whoIs(attempt.impi);
    if (found === undefined) return undefined;
    const { stale = false } = options;
    const { factory, prober } = found.desk;
    const { impi, auth } = found.subscriber;
    const key = keyOf(attempt);
    const isAsked = auth.scheme === "aka" && prober?.isDue(impi) === true;
    const probe = isAsked ? factory.probe(impi, auth, key, true) : undefined;
    return probe ?? factory.issue(found.subscriber, key, { failures: 0, stale });
  }

  /** A device did not answer its challenge; gives what that says of it, if anything. */
  silent(impi: string): string | undefined {
    const found = this.#whoIs(impi);
    return found?.desk.prober?.silent(found.subscriber);
  }

  /** Judges an answer. It changes nothing but its own attempt, and, when it is right, its nonce. */
  verify(claim: Claim): AuthenticationOutcome {
    const found = this.#whoIs(claim.impi);
    if (found === undefined) return refuse("unknown-user", `no subscriber ${claim.impi}`);
    const { subscriber, desk } = found;
    const answer = readAnswer(claim.authorization, offered(subscriber));
    if ("kind" in answer) {
      return answer.kind === "unknown-algorithm" || !isOffered(claim, subscriber)
        ? refuse("unknown-algorithm", unknownAlgorithm(saidAlgorithm(claim), subscriber))
        : refuse("bad-parameters", answer.why);
    }
    const refused = this.#checkParameters(answer, claim, subscriber);
    return refused ?? this.#verifyNonce(answer, claim, subscriber, desk);
  }

  /** IMPIs with something remembered: for the metrics. */
  get remembered(): number {
    return this.#users.attempts.size;
  }

  /** What is wrong before any secret is looked at. */
  #checkParameters(answer: Answer, claim: Claim, subscriber: Subscriber): ClaimRefused | undefined {
    const { realm, qop } = this.#settings;
    if (answer.username !== claim.impi)
      return refuse("bad-parameters", `username ${answer.username}, the IMPI is ${claim.impi}`);
    if (!offered(subscriber).some((name) => name === answer.algorithm)) {
      return refuse("unknown-algorithm", unknownAlgorithm(saidAlgorithm(claim), subscriber));
    }
    if (answer.realm !== realm)
      return refuse("bad-parameters", `realm ${answer.realm}, ${realm} was asked for`);
    if (answer.qop !== undefined && !qop.includes(answer.qop))
      return refuse("bad-parameters", `qop ${answer.qop}, ${qop.join(",") || "none"} was offered`);
    return undefined;
  }

  #verifyNonce(
    answer: Answer,
    claim: Claim,
    subscriber: Subscriber,
    { auc, attempts, verifier, prober }: Desk,
  ): AuthenticationOutcome {
    const { nonce, algorithm } = answer;
    const now = this.#ports.clock.now();
    const key = keyOf(claim);
    const status = nonceStatus(
      { nonces: this.#nonces, auc },
      {
        subscriber,
        nonce,
        key,
        now,
        attempts: attempts.get(subscriber.impi),
        awaitMs: this.#settings.awaitSeconds * 1000,
        nonceMs: this.#settings.nonceSeconds * 1000,
      },
    );
    const { username, realm, uri, qop, nc, cnonce } = answer;
    const { method, body } = claim;
    const digest = digestOf(algorithm);
    const input = { algorithm: digest, username, realm, method, uri, nonce, qop, nc, cnonce, body };
    const verification: Verification = { answer, claim, subscriber, key, status, input };
    const { impi, auth } = subscriber;
    if (auth.scheme === "aka" && prober?.isProbe(impi, nonce, key))
      return verifier.probed(verification, auth, prober);
    return verifier.outcome(verification);
  }

  #rand(): Buffer {
    const { fixedVectors } = this.#settings.vectors.aka;
    const fixed = fixedVectors[this.#fixedTaken % Math.max(fixedVectors.length, 1)];
    if (fixed === undefined) return this.#nonces.rand(this.#ports.clock.now());
    this.#fixedTaken++;
    return fixed;
  }
}

function offered({ auth }: Subscriber): readonly AuthAlgorithm[] {
  return auth.scheme === "aka" ? [auth.algorithm] : auth.algorithms;
}

function saidAlgorithm({ authorization }: Claim): string {
  return authorization.params.get("algorithm") ?? "none (MD5)";
}

/** One that was not offered explains whatever else is odd about the answer. */
function isOffered({ authorization }: Claim, subscriber: Subscriber): boolean {
  const said = authorization.params.get("algorithm")?.toLowerCase();
  return said === undefined || offered(subscriber).some((name) => name.toLowerCase() === said);
}

function unknownAlgorithm(said: string, subscriber: Subscriber): string {
  return `algorithm ${said}, ${offered(subscriber).join(", ")} was offered`;
}

/** To be copied where it is kept: its pieces are slices of the message. */
function keyOf({ callId, pathToken }: ChallengeKey): string {
  return boundedKey(`${callId}\n${pathToken}`);
}

function refuse(kind: ClaimRefused["kind"], diagnosis: string): ClaimRefused {
  return { kind, diagnosis };
}
