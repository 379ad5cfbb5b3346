// A user's credentials, ISIM or password: answers to challenges, Authorization without one. TS 24.229 §5.1.1.2, §5.1.1.4.
import type { Random } from "@ims-lab/common/platform/random";
import type { AuthHeader } from "@ims-lab/common/sip/message/auth-header";
import type {
  ChallengeAnswer,
  Credentials,
  RequestToAuthorize,
} from "../registration/credentials.ts";
import {
  answerAgain,
  answerChallenge,
  initialAuthorization,
  type RequestToAnswer,
  type Secret,
  type Session,
} from "./answer.ts";
import type { IsimFaults } from "./isim.ts";

export interface UserCredentialsOptions {
  readonly secret: Secret;
  /** Home domain. */
  readonly realm: string;
  readonly random: Random;
  /** Asked at each challenge, so that they can be switched at run time. */
  readonly faults?: () => IsimFaults;
}

export class UserCredentials implements Credentials {
  readonly #options: UserCredentialsOptions;
  /** Of every nonce, whatever became of its answers. */
  readonly #counts = new NonceCounts();
  #last: { readonly authorization: string; readonly session: Session } | undefined;

  constructor(options: UserCredentialsOptions) {
    this.#options = options;
  }

  /** Initial: empty; later an ISIM's last answer as it was, a password's with the next nc. */
  unprompted(request: RequestToAuthorize, isInitial = false): string {
    const { secret, realm } = this.#options;
    if (isInitial) this.#last = undefined;
    if (this.#last === undefined) return initialAuthorization(secret.impi, realm, request.uri);
    // TS 24.229 §5.1.1.4: last received nonce, last calculated response.
    if (secret.scheme === "aka" || this.#last.session.challenge.qop.length === 0)
      return this.#last.authorization;
    this.#last = answerAgain(secret.impi, this.#last.session, this.#toAnswer(request));
    return this.#last.authorization;
  }

  refused(): void {
    this.#last = undefined;
  }

  answer(challenges: readonly AuthHeader[], request: RequestToAuthorize): ChallengeAnswer {
    const { secret, faults } = this.#options;
    const result = answerChallenge(secret, challenges, this.#toAnswer(request), faults?.());
    switch (result.kind) {
      case "answered":
        this.#last = result;
        return { verdict: "valid", authorization: result.authorization, why: "" };
      case "mac-failure":
        return {
          verdict: "invalid",
          authorization: result.authorization,
          why: "MAC in AUTN is wrong: K, OP/OPc or AMF differ",
        };
      case "sync-failure":
        return {
          verdict: "invalid",
          authorization: result.authorization,
          why: "SQN in AUTN is out of range: asking for resynchronisation",
        };
      case "no-usable-challenge":
        return { verdict: "unusable", why: result.why };
    }
  }

  #toAnswer(request: RequestToAuthorize): RequestToAnswer {
    return {
      ...request,
      cnonce: this.#options.random.hex(8),
      countOf: (nonce) => this.#counts.next(nonce),
    };
  }
}

/** Nonces whose counts are kept; a network that comes back to an older one does not expect its count. */
const MOST_NONCES = 16;

/** RFC 7616 §3.4: `nc` counts the requests of each nonce, for as long as the nonce serves. */
class NonceCounts {
  readonly #counts = new Map<string, number>();

  /** Of the request that uses it next, 1 for the first. */
  next(nonce: string): number {
    const count = (this.#counts.get(nonce) ?? 0) + 1;
    this.#counts.delete(nonce); // the latest last
    this.#counts.set(nonce, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MOST_NONCES && oldest !== undefined) this.#counts.delete(oldest);
    return count;
  }
}
