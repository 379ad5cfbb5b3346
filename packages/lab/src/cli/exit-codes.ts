// Exit codes of `imslab`, for scripts, and the failures that end it with one. docs/operations.md.
import type { ReauthenticationEnd } from "@ims-lab/common/admin-api/views";

export const EXIT = {
  done: 0,
  /** The node could not be asked, or time was over before the end. */
  unknown: 1,
  usage: 2,
  notRegistered: 3,
  /** `verify`: the device does something wrong. */
  verdict: 20,
  /** Ctrl-C, as a shell has it. */
  interrupted: 130,
} as const;

/** The message for a person instead of an answer, and the exit code. */
export class CommandFailure extends Error {
  readonly exitCode: number;
  /** Lines that follow the message. */
  readonly details: readonly string[];

  constructor(exitCode: number, message: string, details: readonly string[] = []) {
    super(message);
    this.exitCode = exitCode;
    this.details = details;
  }
}

const ENDS: Readonly<Record<ReauthenticationEnd, number>> = {
  reauthenticated: 0,
  refused: 10,
  ignored: 11,
  unreachable: 12,
  unsubscribed: 13,
  unanswered: 14,
  withdrawn: 15,
};

/** Of several bindings, the first that did not re-authenticate decides. */
export function exitCodeOf(ends: readonly (ReauthenticationEnd | null)[]): number {
  const codes = ends.map((end) => (end === null ? EXIT.unknown : ENDS[end]));
  return codes.find((code) => code !== EXIT.done) ?? EXIT.done;
}
