// An answer against the secret: right or wrong, fresh or spent, and why. RFC 7616 §3.4.6, RFC 3310 §3.3-3.4.
import type { Clock } from "@ims-lab/common/platform/clock";
import { type AkaKeys, akaPassword, parseAuts, unpackNonce } from "@ims-lab/common/sip/auth/aka";
import { type Answer, sameSecret } from "@ims-lab/common/sip/auth/challenge";
import { type DigestInput, digestResponse, responseAuth } from "@ims-lab/common/sip/auth/digest";
import type { AkaCredentials, Subscriber } from "../subscribers/subscriber.ts";
import { type AttemptTable, withUse } from "./attempts.ts";
import type { AuthenticationCentre } from "./auc.ts";
import { diagnoseAka, diagnosePassword } from "./diagnosis.ts";
import type { Issuer } from "./issuer.ts";
import type { AnswerFailure, Authenticated, AuthenticationOutcome, Claim } from "./outcome.ts";
import type { Prober } from "./prober.ts";
import type { Standing } from "./standing.ts";

export interface JudgeParts {
  readonly clock: Clock;
  readonly auc: AuthenticationCentre;
  readonly attempts: AttemptTable;
  readonly issuer: Issuer;
  readonly prober: Prober | undefined;
}

/** One answer with all that is known about it. */
export interface Judged {
  readonly answer: Answer;
  readonly claim: Claim;
  readonly subscriber: Subscriber;
  /** The attempt's. */
  readonly key: string;
  readonly standing: Standing;
  /** What the response is computed from, but for the secret. */
  readonly input: Omit<DigestInput, "password">;
}

type Fresh = Extract<Standing, { kind: "fresh" }>;

export class Judge {
  readonly #maxFailures: number;
  readonly #parts: JudgeParts;

  constructor(settings: { readonly maxFailures: number }, parts: JudgeParts) {
    this.#maxFailures = settings.maxFailures;
    this.#parts = parts;
  }

  outcome(judged: Judged): AuthenticationOutcome {
    const { standing, subscriber } = judged;
    switch (standing.kind) {
      case "foreign":
        return {
          kind: "nonce-of-another-user",
          diagnosis: `the nonce was not issued to ${subscriber.impi}`,
        };
      case "over":
        return {
          kind: "wrong-response",
          attemptOver: true,
          diagnosis: `no further answer counts after ${this.#maxFailures} failures`,
        };
      case "unknown":
        return this.#unknown(judged);
      case "spent":
        return this.#spent(judged, standing);
      case "fresh":
        return this.#fresh(judged, standing);
    }
  }

  /** Not issued here since the last start. The right password over it asks for another try only. */
  #unknown(judged: Judged): AuthenticationOutcome {
    const { auth } = judged.subscriber;
    const isRight = auth.scheme === "digest" && this.#isRight(judged, auth.password.reveal());
    return isRight
      ? { kind: "stale", diagnosis: "the nonce is not one of ours since the last start" }
      : { kind: "unknown-nonce", diagnosis: "the nonce is not one of ours" };
  }

  #spent(judged: Judged, standing: Extract<Standing, { kind: "spent" }>): AuthenticationOutcome {
    const { answer, claim, subscriber } = judged;
    const { why, use } = standing;
    // RFC 3310 §3.4: an AUTS or a rejection of an old vector says nothing about the present one.
    if (answer.auts !== undefined || answer.response === "")
      return { kind: "stale", diagnosis: why };
    const password = this.#password(judged);
    if (password === undefined || !this.#isRight(judged, password)) {
      return { kind: "wrong-response", attemptOver: false, diagnosis: this.#whyWrong(judged) };
    }
    const isUsual = standing.wasUsed === true;
    if (use === undefined || subscriber.auth.scheme === "aka")
      return { kind: "stale", diagnosis: why, isUsual };
    const nc = Number.parseInt(answer.nc ?? "0", 16);
    if (nc <= use.lastNc)
      return { kind: "stale", diagnosis: `${why}, nc is ${nc} and was ${use.lastNc} already` };
    if (!claim.allowPreemptive)
      return { kind: "stale", diagnosis: `${why}, and a fresh challenge is due`, isUsual };
    return this.#accept(judged, password, { issuedAt: use.issuedAt, how: "preemptive" });
  }

  #fresh(judged: Judged, standing: Fresh): AuthenticationOutcome {
    const { answer, subscriber } = judged;
    const { impi, auth } = subscriber;
    if (auth.scheme === "aka" && answer.auts !== undefined)
      return this.#resync(judged, standing, auth, answer.auts);
    if (answer.response === "" && auth.scheme === "aka")
      return this.#rejected(judged, standing, auth);
    if (answer.response === "") {
      const why = "the response is empty: the device has no password";
      return this.#failed("network-rejected", judged, standing, why);
    }
    const password = this.#password(judged);
    if (password === undefined || !this.#isRight(judged, password))
      return this.#failed("wrong-response", judged, standing, this.#whyWrong(judged));
    if (answer.nc !== undefined && Number.parseInt(answer.nc, 16) === 0)
      return { kind: "bad-parameters", diagnosis: `nc 00000000 of ${impi}, it counts from 1` };
    return this.#accept(judged, password, { issuedAt: standing.issuedAt, how: "challenge" });
  }

  /** RFC 3310 §3.3, TS 24.229 §5.1.1.5.3: no response and no AUTS. */
  #rejected(judged: Judged, standing: Fresh, auth: AkaCredentials): AnswerFailure {
    const { subscriber, key } = judged;
    const { prober, issuer } = this.#parts;
    const { impi } = subscriber;
    const why = prober?.verdict(impi) ?? "UE rejected AUTN: K, OP/OPc or AMF differ";
    const failed = this.#failed("network-rejected", judged, standing, why);
    // A challenge that is not remembered may well be the first.
    const mayAsk = standing.challenge === undefined ? this.#maxFailures > 1 : !failed.attemptOver;
    const next = mayAsk ? issuer.probe(impi, auth, key, false) : undefined;
    return next === undefined ? failed : { ...failed, attemptOver: false, next };
  }

  /** An answer to a probe; it never registers anybody. */
  probed(judged: Judged, auth: AkaCredentials, prober: Prober): AnswerFailure {
    const { accepted, isFirst, why: diagnosis } = prober.judge(judged, auth);
    if (accepted) return { kind: "wrong-response", attemptOver: true, diagnosis };
    const kind = "network-rejected";
    if (!isFirst) return { kind, attemptOver: true, diagnosis };
    const { issuer } = this.#parts;
    const next = issuer.issue(judged.subscriber, judged.key, { failures: 1, stale: false });
    return { kind, attemptOver: false, diagnosis, next };
  }

  #accept(
    judged: Judged,
    password: Buffer,
    use: { readonly issuedAt: number; readonly how: Authenticated["how"] },
  ): Authenticated {
    const { answer, subscriber, input } = judged;
    const { attempts, clock } = this.#parts;
    // AKA vectors count once, and so does the formula without nc.
    const once = subscriber.auth.scheme === "aka" || answer.nc === undefined;
    this.#parts.prober?.forget(subscriber.impi);
    const lastNc = once ? Number.POSITIVE_INFINITY : Number.parseInt(answer.nc ?? "", 16);
    // Joined anew, so that no slice of the message is kept.
    const nonce = Buffer.from(answer.nonce, "latin1").toString("latin1");
    const state = withUse(attempts.get(subscriber.impi), {
      nonce,
      issuedAt: use.issuedAt,
      lastNc,
    });
    attempts.set(subscriber.impi, state, clock.now());
    return {
      kind: "authenticated",
      how: use.how,
      authenticationInfo: () => authenticationInfo(answer, { ...input, password }),
    };
  }

  #failed(
    kind: AnswerFailure["kind"],
    judged: Judged,
    standing: Fresh,
    diagnosis: string,
  ): AnswerFailure {
    const { attempts, clock } = this.#parts;
    const { challenge } = standing;
    const failures = (challenge?.failures ?? 0) + 1;
    // A challenge that is not remembered cannot count: each failure ends it for the caller.
    const attemptOver = challenge === undefined || failures >= this.#maxFailures;
    if (challenge !== undefined) {
      const { impi } = judged.subscriber;
      const noted = { ...challenge, failures, isOver: attemptOver };
      attempts.challenged(impi, noted, clock.now());
    }
    return { kind, attemptOver, diagnosis };
  }

  /** RFC 3310 §3.4; TS 33.102 §6.3.5. */
  #resync(
    judged: Judged,
    standing: Fresh,
    auth: AkaCredentials,
    written: string,
  ): AuthenticationOutcome {
    const { impi } = judged.subscriber;
    const auts = parseAuts(written);
    const nonce = unpackNonce(judged.answer.nonce);
    if (auts === undefined || nonce === undefined)
      return this.#failed("resync-invalid", judged, standing, "AUTS is not base64 of 14 octets");
    const result = this.#parts.auc.resync({ impi, auth }, nonce.rand, auts);
    if (result.kind === "invalid")
      return this.#failed("resync-invalid", judged, standing, result.why);
    const { sqnMs, before } = result;
    const diagnosis = whyOutOfStep(before, sqnMs);
    const failures = (standing.challenge?.failures ?? 0) + 1;
    // This RAND's AUTS counts once: replayed, it would turn the numbers back.
    this.#spend(judged, standing);
    if (failures >= this.#maxFailures)
      return { kind: "resync", challenge: undefined, attemptOver: true, diagnosis };
    const { issuer } = this.#parts;
    const challenge = issuer.issue(judged.subscriber, judged.key, { failures, stale: false });
    return { kind: "resync", challenge, attemptOver: false, diagnosis };
  }

  #spend(judged: Judged, standing: Fresh): void {
    const { attempts, clock } = this.#parts;
    const { impi } = judged.subscriber;
    const nonce = Buffer.from(judged.answer.nonce, "latin1").toString("latin1");
    const use = { nonce, issuedAt: standing.issuedAt, lastNc: Number.POSITIVE_INFINITY };
    attempts.set(impi, withUse(attempts.get(impi), use), clock.now());
  }

  /** Undefined for an AKA nonce that this user's K did not make. */
  #password(judged: Judged): Buffer | undefined {
    const { auth } = judged.subscriber;
    if (auth.scheme === "digest") return auth.password.reveal();
    const keys = this.#keys(judged, auth);
    return keys && akaPassword(auth.algorithm, keys);
  }

  #keys({ answer, subscriber }: Judged, auth: AkaCredentials): AkaKeys | undefined {
    const nonce = unpackNonce(answer.nonce);
    const user = { impi: subscriber.impi, auth };
    return nonce && this.#parts.auc.recognise(user, nonce.rand, nonce.autn);
  }

  #isRight({ answer, input }: Judged, password: Buffer): boolean {
    return sameSecret(digestResponse({ ...input, password }), answer.response);
  }

  #whyWrong(judged: Judged): string {
    const { answer, claim, subscriber, input } = judged;
    const { auth } = subscriber;
    const wrong = { response: answer.response, requestUri: claim.uri };
    if (auth.scheme === "digest") {
      const right = { ...input, password: auth.password.reveal() };
      return diagnosePassword({ ...wrong, right }, auth);
    }
    const keys = this.#keys(judged, auth);
    const rand = unpackNonce(answer.nonce)?.rand;
    if (keys === undefined || rand === undefined) return "the nonce was not made with this K";
    const right = { ...input, password: akaPassword(auth.algorithm, keys) };
    return diagnoseAka({ ...wrong, right }, auth, keys, rand);
  }
}

function authenticationInfo(answer: Answer, input: DigestInput): string {
  const rspauth = `rspauth="${responseAuth(input)}"`;
  if (answer.qop === undefined) return rspauth;
  return `qop=${answer.qop},${rspauth},cnonce="${answer.cnonce ?? ""}",nc=${answer.nc ?? ""}`;
}

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
