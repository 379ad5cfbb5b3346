// The operator's hand on the P-CSCF's authentication policy; a restart brings that of the settings back.
import type { PolicyService, PolicySurvey } from "@ims-lab/common/admin-api/policy-routes";
import { type AuthenticationRule, maxAgeMs } from "@ims-lab/common/ims/authentication-policy";
import type { AuthenticationPolicy, ReadingContext } from "@ims-lab/common/ims/policy-document";
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
    const { clock, log, inForce } = this.#options;
    this.#changedAt = clock.now();
    const rules = policy.rules.map(({ name }) => name).join(", ");
    log.info("policy.changed", { rules, pacePerSecond: policy.pacePerSecond });
    await inForce.apply(policy);
  }
}
