// The operator's hand on the S-CSCF's authentication policy: durable first, then in force; taken over after a restart.
import type { PolicyService, PolicySurvey } from "@ims-lab/common/admin-api/policy-routes";
import { keptPolicy, type PolicyRow, ruleNames } from "@ims-lab/common/ims/kept-policy";
import { type AuthenticationPolicy, policyDocument } from "@ims-lab/common/ims/policy-document";
import type { ReadingContext } from "@ims-lab/common/ims/policy-reading";
import type { Logger } from "@ims-lab/common/platform/logger";
import { commit } from "../store/commit.ts";
import type { Store } from "../store/store.ts";
import { patternsOfNobody, type SurveyParts, surveyOf } from "./policy-survey.ts";
import type { RequestPolicy } from "./request-policy.ts";

export interface PolicyControlOptions extends SurveyParts {
  readonly log: Logger;
  readonly store: Store;
  readonly reading: ReadingContext;
  readonly requests: RequestPolicy;
}

/** The only row of its table. */
export const POLICY_ROW = "in-force";

export class PolicyControl implements PolicyService {
  readonly reading: ReadingContext;
  readonly #options: PolicyControlOptions;
  #changedAt: number | undefined;

  constructor(options: PolicyControlOptions) {
    this.#options = options;
    this.reading = options.reading;
  }

  get current(): AuthenticationPolicy {
    return this.#options.inForce.policy;
  }

  get changedAt(): number | undefined {
    return this.#changedAt;
  }

  get waiting(): number {
    return this.#options.inForce.waiting;
  }

  survey(policy: AuthenticationPolicy): Promise<PolicySurvey> {
    return surveyOf(this.#options, policy);
  }

  misfits(policy: AuthenticationPolicy): Promise<readonly string[]> {
    return patternsOfNobody(this.#options, policy);
  }

  async put(policy: AuthenticationPolicy): Promise<void> {
    const { clock, store, log, inForce, requests } = this.#options;
    const value: PolicyRow = { document: policyDocument(policy), changedAt: clock.now() };
    await new Promise<void>((resolve, reject) => {
      commit(store, [{ table: "policy", id: POLICY_ROW, value }], (problem) =>
        problem === undefined ? resolve() : reject(problem),
      );
    });
    requests.changes();
    this.#changedAt = value.changedAt;
    log.info("policy.changed", { rules: ruleNames(policy), pacePerSecond: policy.pacePerSecond });
    await inForce.apply(policy);
  }

  /** An operator has put it at another node. */
  changedElsewhere(row: PolicyRow | undefined): void {
    if (row === undefined || row.changedAt === this.#changedAt) return;
    this.#options.requests.changes();
    this.restore(new Map([[POLICY_ROW, row]]));
  }

  /** What an operator put before a restart counts more than the settings. */
  restore(rows: ReadonlyMap<string, PolicyRow>): void {
    const row = rows.get(POLICY_ROW);
    if (row === undefined) return;
    const { log, inForce } = this.#options;
    const policy = keptPolicy(row, this.reading, log);
    if (policy === undefined) return;
    this.#changedAt = row.changedAt;
    void inForce.apply(policy);
  }
}
