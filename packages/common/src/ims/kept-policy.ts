// The row of a policy that an operator has put, at either CSCF, and its reading after a restart.
import type { Logger } from "../platform/logger.ts";
import type { AuthenticationPolicy, PolicyDocument } from "./policy-document.ts";
import { type ReadingContext, readPolicy } from "./policy-reading.ts";

export interface PolicyRow {
  readonly document: PolicyDocument;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
}

/** What an operator put before a restart counts more than the settings. Undefined: it cannot be read any more, and the log says why. */
export function keptPolicy(
  { document }: PolicyRow,
  reading: ReadingContext,
  log: Logger,
): AuthenticationPolicy | undefined {
  const read = readPolicy(document, reading);
  if (read.kind === "refused") {
    log.warn("policy.not-restored", { why: read.problems.join("; ") });
    return undefined;
  }
  log.info("policy.restored", { rules: ruleNames(read.policy) });
  return read.policy;
}

/** For the log. */
export function ruleNames({ rules }: AuthenticationPolicy): string {
  return rules.map(({ name }) => name).join(", ");
}
