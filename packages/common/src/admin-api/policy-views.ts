// The authentication policy over HTTP, `GET|PUT /policy` of both CSCFs; docs/operations.md.
import type { PolicyDocument } from "../ims/policy-document.ts";

/** One rule in words. */
export interface PolicyRuleView {
  readonly name: string;
  readonly text: string;
  /** Registered devices that it concerns, whether it has fired or not. */
  readonly registered: number;
}

/** `GET /policy`. */
export interface PolicyView {
  /** As `PUT /policy` takes it. */
  readonly policy: PolicyDocument;
  /** `settings`: of the node's settings; `operator`: put since, or before a restart. */
  readonly source: "settings" | "operator";
  /** When it was put; null for that of the settings. */
  readonly changedAt: number | null;
  /** Registered devices. */
  readonly registered: number;
  readonly rules: readonly PolicyRuleView[];
  /** Devices whose authentication is too old and that are not asked yet, for `pacePerSecond`. */
  readonly waiting: number;
}

/** `PUT /policy`. */
export interface PolicyAnswer extends PolicyView {
  /** False: it was only checked. */
  readonly inForce: boolean;
  /** In words; none where nothing differs. */
  readonly changes: readonly string[];
  /** Devices that a rule has authenticate as soon as the pace allows it. */
  readonly dueAtOnce: number;
  /** Why it is refused unless it is confirmed; null: it is not. */
  readonly needsConfirmation: string | null;
}
