// What the registration needs of a subscriber's credentials, ISIM or password. TS 24.229 §5.1.1.2, §5.1.1.5.
import type { AuthHeader } from "@ims-lab/common/sip/message/auth-header";
import type { ChallengeAnswer } from "./state.ts";

/** The request an Authorization is computed for. */
export interface ToAuthorize {
  readonly method: string;
  readonly uri: string;
}

export interface Credentials {
  /**
   * Authorization of a REGISTER that nobody challenged; undefined: it goes without one. An initial
   * one uses nothing of what was answered before.
   */
  unprompted(request: ToAuthorize, isInitial: boolean): string | undefined;
  /** The network would not have what was answered: it is not said again. */
  refused(): void;
  answer(challenges: readonly AuthHeader[], request: ToAuthorize): ChallengeAnswer;
}
