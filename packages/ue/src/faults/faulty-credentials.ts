// Credentials that are not offered unasked. TS 24.229 §5.1.1.2 has each REGISTER name the IMPI; RFC 3261 §22.3 does not.
import type { UeFaultName } from "@ims-lab/common/admin-api/faults";
import type { FaultSwitches } from "@ims-lab/common/faults/fault-switches";
import type { AuthHeader } from "@ims-lab/common/sip/message/auth-header";
import type {
  ChallengeAnswer,
  Credentials,
  RequestToAuthorize,
} from "../registration/credentials.ts";

export class FaultyCredentials implements Credentials {
  readonly #switches: FaultSwitches<UeFaultName>;
  readonly #impi: string;
  readonly #credentials: Credentials;
  /** The REGISTER that leaves next answers a challenge. */
  isAnswering = false;

  constructor(switches: FaultSwitches<UeFaultName>, impi: string, credentials: Credentials) {
    this.#switches = switches;
    this.#impi = impi;
    this.#credentials = credentials;
  }

  unprompted(request: RequestToAuthorize, isInitial: boolean): string | undefined {
    this.isAnswering = false;
    const authorization = this.#credentials.unprompted(request, isInitial);
    const isWithheld = this.#switches.take("no-authorization", this.#impi) !== undefined;
    return isWithheld ? undefined : authorization;
  }

  refused(): void {
    this.#credentials.refused();
  }

  answer(challenges: readonly AuthHeader[], request: RequestToAuthorize): ChallengeAnswer {
    this.isAnswering = true;
    const answer = this.#credentials.answer(challenges, request);
    // What is never sent must not go out with the next REGISTER, as an answer of before.
    if (this.#switches.look("challenge-unanswered", this.#impi) !== undefined)
      this.#credentials.refused();
    return answer;
  }
}
