// The operator's hand on the P-CSCF's authentication policy: durable first, then in force; taken over after a restart.
import type { PolicyService, PolicySurvey } from "@ims-lab/common/admin-api/policy-routes";
import { type AuthenticationRule, maxAgeMs } from "@ims-lab/common/ims/authentication-policy";
import { keptPolicy, type PolicyRow, ruleNames } from "@ims-lab/common/ims/kept-policy";
import { type AuthenticationPolicy, policyDocument } from "@ims-lab/common/ims/policy-document";
import type { ReadingContext } from "@ims-lab/common/ims/policy-reading";
import type { Clock } from "@ims-lab/common/platform/clock";
import { inSlices } from "@ims-lab/common/platform/in-slices";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { FlowTable } from "../bindings/flow-table.ts";
import type { BindingPolicy } from "./binding-policy.ts";
import { PACE_PER_SECOND } from "./rules.ts";

export interface PolicyControlOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly table: FlowTable;
  readonly inForce: BindingPolicy;
  /** Rejects where it cannot be kept; absent: nothing outlives the process. */
  readonly save?: ((row: PolicyRow) => Promise<void>) | undefined;
}

export class PolicyControl implements PolicyService {
  /** It sees no requests of users that it could reject: nobody is fresh. */
  readonly reading: ReadingContext = {
    node: "pcscf",
    freshMs: 0,
    pacePerSecond: PACE_PER_SECOND,
  };
  readonly #options: PolicyControlOptions;
  #changedAt: number | undefined;

  constructor(options: PolicyControlOptions) {
    this.#options = options;
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

  async survey(policy: AuthenticationPolicy): Promise<PolicySurvey> {
    const { clock, table, inForce } = this.#options;
    const counts = new Map<AuthenticationRule, number>(policy.rules.map((rule) => [rule, 0]));
    let [registered, dueAtOnce, askedPerSecond] = [0, 0, 0];
    const now = clock.now();
    await inSlices(clock, table.all(), (binding) => {
      registered += 1;
      const rules = inForce.rulesOf(binding, policy);
      for (const rule of rules) counts.set(rule, (counts.get(rule) ?? 0) + 1);
      const ageMs = maxAgeMs(rules);
      if (ageMs === undefined) return true;
      askedPerSecond += 1000 / ageMs;
      dueAtOnce += Number(now - (binding.authenticatedAt ?? binding.registeredAt) >= ageMs);
      return true;
    });
    return { registered, byRule: [...counts.values()], dueAtOnce, askedPerSecond };
  }

  /** Whom its S-CSCFs know is not known here: a pattern may be of somebody who comes later. */
  misfits(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  async put(policy: AuthenticationPolicy): Promise<void> {
    const { clock, log, inForce, save } = this.#options;
    const row: PolicyRow = { document: policyDocument(policy), changedAt: clock.now() };
    await save?.(row);
    this.#changedAt = row.changedAt;
    log.info("policy.changed", { rules: ruleNames(policy), pacePerSecond: policy.pacePerSecond });
    await inForce.apply(policy);
  }

  /** What an operator put before a restart counts more than the settings; before any binding is there. */
  restore(row: PolicyRow | undefined): void {
    if (row === undefined) return;
    const { log, inForce } = this.#options;
    const policy = keptPolicy(row, this.reading, log);
    if (policy === undefined) return;
    this.#changedAt = row.changedAt;
    void inForce.apply(policy);
  }
}
