// An answer against the secret: right or wrong, fresh or spent, and why. RFC 7616 §3.4.6, RFC 3310 §3.3-3.4.
import type { Clock } from "@ims-lab/common/platform/clock";
import { type AkaKeys, akaPassword, parseAuts, unpackNonce } from "@ims-lab/common/sip/auth/aka";
import { type Answer, sameSecret } from "@ims-lab/common/sip/auth/challenge";
import { type DigestInput, digestResponse } from "@ims-lab/common/sip/auth/digest";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { AkaCredentials, Subscriber } from "../subscribers/subscriber.ts";
import type { AuthenticationCentre } from "./auc.ts";
import type { ChallengeFactory } from "./challenge-factory.ts";
import { type ChallengeTable, NO_MORE_USES, withUse } from "./challenges.ts";
import { diagnoseAka, diagnosePassword } from "./diagnosis.ts";
import type { NonceStatus } from "./nonce-status.ts";
import type { AnswerFailure, Authenticated, AuthenticationOutcome, Claim } from "./outcome.ts";
import type { Prober } from "./prober.ts";

export interface VerifierParts {
  readonly clock: Clock;
  readonly auc: AuthenticationCentre;
  readonly attempts: ChallengeTable;
  readonly factory: ChallengeFactory;
  readonly prober: Prober | undefined;
}

/** One answer with all that is known about it. */
export interface Verification {
  readonly answer: Answer;
  readonly claim: Claim;
  readonly subscriber: Subscriber;
  /** The attempt's. */
  readonly key: string;
  readonly status: NonceStatus;
  /** What the response is computed from, but for the secret. */
  readonly input: Omit<DigestInput, "password">;
}

type Fresh = Extract<NonceStatus, { kind: "fresh" }>;

export class Verifier {
  readonly #maxFailures: number;
  readonly #parts: VerifierParts;

  constructor(settings: { readonly maxFailures: number }, parts: VerifierParts) {
    this.#maxFailures = settings.maxFailures;
    this.#parts = parts;
  }

  outcome(verification: Verification): AuthenticationOutcome {
    const { status, subscriber } = verification;
    switch (status.kind) {
      case "foreign":
        return {
          kind: "nonce-of-another-user",
          diagnosis: `the nonce was not issued to ${subscriber.impi}`,
        };
      case "outdated":
        return {
          kind: "unknown-nonce",
          diagnosis: "the credentials were changed since this challenge",
        };
      case "over":
        return {
          kind: "wrong-response",
          diagnosis: `no further answer counts after ${this.#maxFailures} failures`,
        };
      case "unknown":
        return this.#unknown(verification);
      case "spent":
        return this.#spent(verification, status);
      case "fresh":
        return this.#fresh(verification, status);
    }
  }

  /** Not issued here since the last start. The right password over it asks for another try only. */
  #unknown(verification: Verification): AuthenticationOutcome {
    const { auth } = verification.subscriber;
    const isRight = auth.scheme === "digest" && this.#isRight(verification, auth.password.reveal());
    return isRight
      ? { kind: "stale", diagnosis: "the nonce is not one of ours since the last start" }
      : { kind: "unknown-nonce", diagnosis: "the nonce is not one of ours" };
  }

  #spent(
    verification: Verification,
    status: Extract<NonceStatus, { kind: "spent" }>,
  ): AuthenticationOutcome {
    const { answer, claim, subscriber } = verification;
    const { why, use } = status;
    // RFC 3310 §3.4: an AUTS or a rejection of an old vector says nothing about the present one.
    if (answer.auts !== undefined || answer.response === "")
      return { kind: "stale", diagnosis: why };
    const password = this.#password(verification);
    if (password === undefined || !this.#isRight(verification, password)) {
      return {
        kind: "wrong-response",
        diagnosis: this.#whyWrong(verification),
      };
    }
    const isUsual = status.wasUsed === true;
    if (use === undefined || subscriber.auth.scheme === "aka")
      return { kind: "stale", diagnosis: why, isUsual };
    const nc = Number.parseInt(answer.nc ?? "0", 16);
    if (nc <= use.lastNc)
      return { kind: "stale", diagnosis: `${why}, nc is ${nc} and was ${use.lastNc} already` };
    if (!claim.allowPreemptive)
      return { kind: "stale", diagnosis: `${why}, and a fresh challenge is due`, isUsual };
    return this.#accept(verification, { issuedAt: use.issuedAt, how: "preemptive" });
  }

  #fresh(verification: Verification, status: Fresh): AuthenticationOutcome {
    const { answer, subscriber } = verification;
    const { impi, auth } = subscriber;
    if (auth.scheme === "aka" && answer.auts !== undefined)
      return this.#resync(verification, status, auth, answer.auts);
    if (answer.response === "" && auth.scheme === "aka")
      return this.#rejected(verification, status, auth);
    if (answer.response === "") {
      const why = "the response is empty: the device has no password";
      return this.#failed("network-rejected", verification, status, why);
    }
    const password = this.#password(verification);
    if (password === undefined || !this.#isRight(verification, password))
      return this.#failed("wrong-response", verification, status, this.#whyWrong(verification));
    if (answer.nc !== undefined && Number.parseInt(answer.nc, 16) === 0)
      return { kind: "bad-parameters", diagnosis: `nc 00000000 of ${impi}, it counts from 1` };
    return this.#accept(verification, { issuedAt: status.issuedAt, how: "challenge" });
  }

  /** RFC 3310 §3.3, TS 24.229 §5.1.1.5.3: no response and no AUTS. */
  #rejected(verification: Verification, status: Fresh, auth: AkaCredentials): AnswerFailure {
    const { subscriber, key } = verification;
    const { prober, factory } = this.#parts;
    const { impi } = subscriber;
    // Rightly: it is challenged again, and nothing counts against it.
    if (this.#isSpoilt(verification)) {
      const failures = status.challenge?.failures ?? 0;
      const next = factory.issue(subscriber, key, { failures, stale: false });
      return { kind: "network-rejected", diagnosis: REJECTED_RIGHTLY, next };
    }
    const why = prober?.verdict(impi) ?? "UE rejected AUTN: K, OP/OPc or AMF differ";
    const failed = this.#failed("network-rejected", verification, status, why);
    // A challenge that is not remembered may well be the first.
    const mayAsk = (status.challenge?.failures ?? 0) + 1 < this.#maxFailures;
    const next = mayAsk ? factory.probe(impi, auth, key, false) : undefined;
    return next === undefined ? failed : { ...failed, next };
  }

  /** An answer to a probe; it never registers anybody. */
  probed(verification: Verification, auth: AkaCredentials, prober: Prober): AnswerFailure {
    const { accepted, isFirst, why: diagnosis } = prober.judge(verification, auth);
    if (accepted) return { kind: "wrong-response", diagnosis, isFresh: true };
    const kind = "network-rejected";
    if (!isFirst) return { kind, diagnosis, isFresh: true };
    const { factory } = this.#parts;
    const next = factory.issue(verification.subscriber, verification.key, {
      failures: 1,
      stale: false,
    });
    return { kind, diagnosis, isFresh: true, next };
  }

  #accept(
    verification: Verification,
    use: { readonly issuedAt: number; readonly how: Authenticated["how"] },
  ): Authenticated {
    const { answer, subscriber } = verification;
    const { attempts, clock } = this.#parts;
    // AKA vectors count once, and so does the formula without nc.
    const once = subscriber.auth.scheme === "aka" || answer.nc === undefined;
    this.#parts.prober?.forget(subscriber.impi);
    const lastNc = once ? NO_MORE_USES : Number.parseInt(answer.nc ?? "", 16);
    const nonce = ownCopy(answer.nonce);
    const used = { nonce, issuedAt: use.issuedAt, lastNc };
    const state = withUse(attempts.get(subscriber.impi), used);
    attempts.set(subscriber.impi, state, clock.now());
    return { kind: "authenticated", how: use.how };
  }

  #failed(
    kind: AnswerFailure["kind"],
    verification: Verification,
    status: Fresh,
    diagnosis: string,
  ): AnswerFailure {
    const { attempts, clock } = this.#parts;
    const { challenge } = status;
    if (challenge !== undefined) {
      const { impi } = verification.subscriber;
      const failures = challenge.failures + 1;
      const noted = { ...challenge, failures, isOver: failures >= this.#maxFailures };
      attempts.challenged(impi, noted, clock.now());
    }
    return { kind, diagnosis, isFresh: true };
  }

  /** RFC 3310 §3.4; TS 33.102 §6.3.5. */
  #resync(
    verification: Verification,
    status: Fresh,
    auth: AkaCredentials,
    written: string,
  ): AuthenticationOutcome {
    const { impi } = verification.subscriber;
    const auts = parseAuts(written);
    const nonce = unpackNonce(verification.answer.nonce);
    if (auts === undefined || nonce === undefined)
      return this.#failed(
        "resync-invalid",
        verification,
        status,
        "AUTS is not base64 of 14 octets",
      );
    const result = this.#parts.auc.resync({ impi, auth }, nonce.rand, auts);
    if (result.kind === "invalid")
      return this.#failed("resync-invalid", verification, status, result.why);
    const { sqnMs, before } = result;
    const diagnosis = whyOutOfStep(before, sqnMs);
    const failures = (status.challenge?.failures ?? 0) + 1;
    // This RAND's AUTS counts once: replayed, it would turn the numbers back.
    this.#spend(verification, status);
    if (failures >= this.#maxFailures) return { kind: "resync", challenge: undefined, diagnosis };
    const { factory } = this.#parts;
    const challenge = factory.issue(verification.subscriber, verification.key, {
      failures,
      stale: false,
    });
    return { kind: "resync", challenge, diagnosis };
  }

  #spend(verification: Verification, status: Fresh): void {
    const { attempts, clock } = this.#parts;
    const { impi } = verification.subscriber;
    const nonce = ownCopy(verification.answer.nonce);
    const use = { nonce, issuedAt: status.issuedAt, lastNc: NO_MORE_USES };
    attempts.set(impi, withUse(attempts.get(impi), use), clock.now());
  }

  /** Undefined for an AKA nonce that this user's K did not make. */
  #password(verification: Verification): Buffer | undefined {
    const { auth } = verification.subscriber;
    if (auth.scheme === "digest") return auth.password.reveal();
    const keys = this.#keys(verification, auth);
    return keys && akaPassword(auth.algorithm, keys);
  }

  #keys({ answer, subscriber }: Verification, auth: AkaCredentials): AkaKeys | undefined {
    const nonce = unpackNonce(answer.nonce);
    const user = { impi: subscriber.impi, auth };
    return nonce && this.#parts.auc.recognise(user, nonce.rand, nonce.autn);
  }

  #isRight({ answer, input }: Verification, password: Buffer): boolean {
    return sameSecret(digestResponse({ ...input, password }), answer.response);
  }

  #isSpoilt({ answer }: Verification): boolean {
    const nonce = unpackNonce(answer.nonce);
    return nonce !== undefined && this.#parts.auc.isSpoilt(nonce.autn);
  }

  #whyWrong(verification: Verification): string {
    if (this.#isSpoilt(verification)) return NOT_CHECKED;
    const { answer, claim, subscriber, input } = verification;
    const { auth } = subscriber;
    const wrong = { response: answer.response, requestUri: claim.uri };
    if (auth.scheme === "digest") {
      const right = { ...input, password: auth.password.reveal() };
      return diagnosePassword({ ...wrong, right }, auth);
    }
    const keys = this.#keys(verification, auth);
    const rand = unpackNonce(answer.nonce)?.rand;
    if (keys === undefined || rand === undefined) return "the nonce was not made with this K";
    const right = { ...input, password: akaPassword(auth.algorithm, keys) };
    return diagnoseAka({ ...wrong, right }, auth, keys, rand);
  }
}

const REJECTED_RIGHTLY = "UE rejected AUTN, rightly: its MAC was wrong on purpose (fault bad-autn)";
const NOT_CHECKED = "UE answered an AUTN whose MAC was wrong on purpose: it does not check AUTN";

/** @param ours the network's last; @param seen the device's highest */
function whyOutOfStep(ours: number, seen: number): string {
  const numbers = `the network used ${hex(ours)}, the device has seen ${hex(seen)}`;
  return seen >= ours
    ? `stale SQN: the network's is behind the device's (${numbers})`
    : `SQN: the network's is too far ahead for the device (${numbers})`;
}

function hex(sqn: number): string {
  return sqn.toString(16).padStart(12, "0");
}
