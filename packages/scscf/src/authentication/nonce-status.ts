// The status of a nonce for the one who answers it: fresh, spent, somebody else's, unknown.
import { unpackNonce } from "@ims-lab/common/sip/auth/aka";
import type { Subscriber } from "../subscribers/subscriber.ts";
import type { AuthenticationCentre } from "./auc.ts";
import type { NonceGenerator } from "./nonce-generator.ts";
import type { Outstanding, Used, UserChallenges } from "./user-challenges.ts";

export type NonceStatus =
  /** This attempt's challenge; without `challenge` one that only its nonce remembers. */
  | { readonly kind: "fresh"; readonly issuedAt: number; readonly challenge?: Outstanding }
  /** Ours and this user's, but not (or no longer) to be answered; `use`: may be used on. */
  | {
      readonly kind: "spent";
      readonly why: string;
      /** It has authenticated the user once: trying it again is every device's right. */
      readonly wasUsed?: true;
      readonly use?: Pick<Used, "issuedAt" | "lastNc">;
    }
  /** `maxFailures` reached. */
  | { readonly kind: "over" }
  | { readonly kind: "foreign" }
  /** Ours, for credentials that the user has no more. */
  | { readonly kind: "outdated" }
  | { readonly kind: "unknown" };

export interface NonceQuestion {
  readonly subscriber: Subscriber;
  readonly nonce: string;
  /** The attempt's. */
  readonly key: string;
  readonly attempts: UserChallenges;
  readonly now: number;
  readonly awaitMs: number;
  readonly nonceMs: number;
}

export interface NonceProofs {
  readonly nonces: NonceGenerator;
  readonly auc: AuthenticationCentre;
}

export function nonceStatus(proofs: NonceProofs, question: NonceQuestion): NonceStatus {
  const { attempts, nonce, now, awaitMs } = question;
  const challenge = attempts.outstanding.find((one) => one.nonce === nonce);
  if (challenge !== undefined && challenge.expiresAt > now) {
    if (challenge.key !== question.key) return ofAnotherAttempt(challenge, awaitMs);
    if (challenge.isOver) return { kind: "over" };
    return { kind: "fresh", issuedAt: challenge.expiresAt - awaitMs, challenge };
  }
  const used = attempts.used.find((one) => one.nonce === nonce);
  return used === undefined ? selfProven(proofs, question) : spent(used, question);
}

/** TS 24.229 §5.4.1.2.2: the answer carries the challenged REGISTER's Call-ID. */
function ofAnotherAttempt(challenge: Outstanding, awaitMs: number): NonceStatus {
  const why = "the nonce was issued to a REGISTER with another Call-ID or Path";
  if (challenge.isOver) return { kind: "spent", why };
  return { kind: "spent", why, use: { issuedAt: challenge.expiresAt - awaitMs, lastNc: 0 } };
}

function spent(used: Used, { now, nonceMs }: NonceQuestion): NonceStatus {
  if (used.issuedAt + nonceMs <= now)
    return {
      kind: "spent",
      why: `the nonce is ${seconds(now - used.issuedAt)} s old`,
      wasUsed: true,
    };
  return { kind: "spent", why: "the nonce was used before", wasUsed: true, use: used };
}

/** Further off than any clock: such a date stands in a RAND by chance only. */
const PLAUSIBLE_MS = 365 * 86_400_000;

/** Not remembered: the nonce must prove itself. */
function selfProven(proofs: NonceProofs, question: NonceQuestion): NonceStatus {
  const { attempts, now, awaitMs, key } = question;
  const { credentialsSince } = attempts;
  if (credentialsSince !== undefined && isFromBefore(proofs, question, credentialsSince))
    return { kind: "outdated" };
  const proof = question.subscriber.auth.scheme === "aka" ? readRand : readNonce;
  const found = proof(proofs, question);
  if (typeof found === "string") return { kind: found };
  const { issuedAt } = found;
  if (Math.abs(now - issuedAt) > PLAUSIBLE_MS || issuedAt > now)
    return { kind: "spent", why: "the nonce is from before the last start" };
  if (issuedAt + awaitMs <= now)
    return { kind: "spent", why: `the nonce is ${seconds(now - issuedAt)} s old` };
  if (issuedAt <= attempts.forgottenUpTo)
    return { kind: "spent", why: "a later nonce was used since, or the registration has ended" };
  if (attempts.outstanding.some((one) => one.key === key && one.expiresAt > now))
    return { kind: "spent", why: "this attempt was challenged again since" };
  return { kind: "fresh", issuedAt };
}

/** Whatever made it: what proves a nonce went with the credentials. */
function isFromBefore(
  { nonces }: NonceProofs,
  { nonce, subscriber, now }: NonceQuestion,
  since: number,
): boolean {
  // A password user's nonce may look like a vector, too.
  const vector = unpackNonce(nonce);
  const issuedAt =
    nonces.readNonce(nonce, subscriber.impi)?.issuedAt ??
    (vector && nonces.randIssuedAt(vector.rand));
  return issuedAt !== undefined && issuedAt <= since && now - issuedAt < PLAUSIBLE_MS;
}

type Proof = { readonly issuedAt: number } | "foreign" | "unknown";

function readNonce({ nonces }: NonceProofs, { nonce, subscriber }: NonceQuestion): Proof {
  const found = nonces.readNonce(nonce, subscriber.impi);
  if (found === undefined) return "unknown";
  return found.isOwn ? found : "foreign";
}

function readRand({ nonces, auc }: NonceProofs, question: NonceQuestion): Proof {
  const { subscriber, now } = question;
  const { auth, impi } = subscriber;
  const nonce = unpackNonce(question.nonce);
  if (nonce === undefined || auth.scheme !== "aka") return "unknown";
  const issuedAt = nonces.randIssuedAt(nonce.rand);
  if (auc.recognise({ impi, auth }, nonce.rand, nonce.autn) !== undefined) return { issuedAt };
  return Math.abs(now - issuedAt) < PLAUSIBLE_MS ? "foreign" : "unknown";
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 1000);
}
