// An ISIM or a password as the registration wants it: answers, and what to say unasked. TS 24.229 §5.1.1.2, §5.1.1.4.
import type { Random } from "@ims-lab/common/platform/random";
import type { AuthHeader } from "@ims-lab/common/sip/message/auth-header";
import type { Credentials, ToAuthorize } from "../registration/credentials.ts";
import type { ChallengeAnswer } from "../registration/state.ts";
import {
  answerAgain,
  answerChallenge,
  initialAuthorization,
  type RequestToAnswer,
  type Secret,
  type Session,
} from "./answer.ts";
import type { IsimFaults } from "./isim.ts";
import { NonceCounts } from "./nonce-counts.ts";

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
  unprompted(request: ToAuthorize, isInitial = false): string {
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

  answer(challenges: readonly AuthHeader[], request: ToAuthorize): ChallengeAnswer {
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

  #toAnswer(request: ToAuthorize): RequestToAnswer {
    return {
      ...request,
      cnonce: this.#options.random.hex(8),
      countOf: (nonce) => this.#counts.next(nonce),
    };
  }
}
