// Port to a subscriber's credentials, ISIM or password. TS 24.229 §5.1.1.2, §5.1.1.5.
import type { AuthHeader } from "@ims-lab/common/sip/message/auth-header";

/** The request that an Authorization is computed for. */
export interface RequestToAuthorize {
  readonly method: string;
  readonly uri: string;
}

/** What the credentials make of a 401. */
export type ChallengeAnswer =
  | { readonly verdict: "valid" | "invalid"; readonly authorization: string; readonly why: string }
  | { readonly verdict: "unusable"; readonly why: string };

export interface Credentials {
  /**
   * Authorization of a REGISTER that nobody challenged; undefined: it goes without one. An initial
   * one uses nothing of what was answered before.
   */
  unprompted(request: RequestToAuthorize, isInitial: boolean): string | undefined;
  /** The network has refused the last answer: it is not sent again. */
  refused(): void;
  answer(challenges: readonly AuthHeader[], request: RequestToAuthorize): ChallengeAnswer;
}
