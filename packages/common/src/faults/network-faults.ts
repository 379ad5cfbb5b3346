// Network faults at the sender of a message: lost, late, twice, overtaken. Rules count what leaves, retransmissions too; docs/faults.md.
import type { NetworkFaultView } from "../admin-api/network-faults.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Interceptor, SwitchedInterceptor } from "../sip/endpoint/interceptors.ts";
import { type FaultyMessages, faultyMessages } from "./faulty-messages.ts";
import {
  isRuleProblem,
  type NetworkRule,
  networkSetting,
  type Place,
  parseNetworkSetting,
} from "./network-rule.ts";

export interface NetworkFaultsOptions {
  /** The node. */
  readonly from: Place;
  readonly clock: Clock;
  readonly log: Logger;
  /** The setting: rules that hold from the start. */
  readonly rules: readonly string[];
  /** Why nothing can be put between this node and its sockets. */
  readonly whyNot?: string | undefined;
}

export interface NetworkFaultProblem {
  readonly problem: "bad-rule" | "too-many" | "unsuitable";
  readonly detail: string;
}

/** More than a tester can keep in mind. */
const MOST_RULES = 32;
const NODES: Readonly<Record<Place, string>> = { U: "UE", P: "P-CSCF", S: "S-CSCF" };

export class NetworkFaults {
  readonly #options: NetworkFaultsOptions;
  /** By their text. */
  readonly #rules = new Map<string, FaultyMessages>();
  readonly #ways: NetworkWay[] = [];

  constructor(options: NetworkFaultsOptions) {
    this.#options = options;
    for (const written of options.rules) {
      const rule = parseNetworkSetting(written);
      // The setting was checked; what another node sends is another's to obey.
      if (!isRuleProblem(rule) && rule.from === options.from) this.#add(rule);
    }
  }

  get size(): number {
    return this.#rules.size;
  }

  get views(): readonly NetworkFaultView[] {
    return [...this.#rules].map(
      ([
        rule,
        {
          seen,
          acted,
          rule: { first, last },
        },
      ]) => ({
        rule,
        first,
        last: Number.isFinite(last) ? last : null,
        seen,
        acted,
      }),
    );
  }

  /** Counts from here on; one that holds already begins anew. */
  put(written: string): NetworkFaultProblem | undefined {
    const { from, whyNot, log } = this.#options;
    const rule = parseNetworkSetting(written);
    if (isRuleProblem(rule)) return { problem: "bad-rule", detail: rule.problem };
    if (rule.figure !== undefined)
      return bad(rule, "figures are played by npm start; here a rule counts from when it is put");
    if (rule.from !== from)
      return bad(
        rule,
        `the ${NODES[from]} obeys what leaves it: ${from}>…; ask the ${NODES[rule.from]}`,
      );
    if (whyNot !== undefined) return { problem: "unsuitable", detail: whyNot };
    const text = networkSetting(rule);
    if (!this.#rules.has(text) && this.#rules.size >= MOST_RULES)
      return { problem: "too-many", detail: `${MOST_RULES} rules hold: switch one off` };
    this.#add(rule);
    log.warn("fault.on", { fault: text });
    this.#switched();
    return undefined;
  }

  /** What waits for its time leaves all the same. @param written undefined: all. False: it does not hold. */
  end(written?: string): boolean {
    const rule = written === undefined ? undefined : parseNetworkSetting(written);
    const text = rule === undefined || isRuleProblem(rule) ? written : networkSetting(rule);
    const ended = [...this.#rules].filter(([one]) => text === undefined || one === text);
    for (const [fault, { acted }] of ended) {
      this.#rules.delete(fault);
      this.#options.log.warn("fault.off", { fault, acted });
    }
    if (ended.length > 0) this.#switched();
    return ended.length > 0 || text === undefined;
  }

  /** For each endpoint that sends this way; costs nothing while no rule is about it. */
  towards(to: Place): SwitchedInterceptor {
    const way = new NetworkWay(() =>
      [...this.#rules.values()].filter(({ rule }) => isOfWay(rule, to)),
    );
    this.#ways.push(way);
    return way;
  }

  #add(rule: NetworkRule): void {
    this.#rules.set(networkSetting(rule), faultyMessages(rule, this.#options));
  }

  #switched(): void {
    for (const way of this.#ways) way.change();
  }
}

/** What goes on to the other side leaves by the leg in between. */
function isOfWay(rule: NetworkRule, to: Place): boolean {
  return rule.to === to || to === "P";
}

function bad({ action, text }: NetworkRule, why: string): NetworkFaultProblem {
  return { problem: "bad-rule", detail: `${action} "${text}": ${why}` };
}

class NetworkWay implements SwitchedInterceptor {
  readonly #find: () => readonly FaultyMessages[];
  readonly #listeners: (() => void)[] = [];
  #rules: readonly FaultyMessages[];

  constructor(find: () => readonly FaultyMessages[]) {
    this.#find = find;
    this.#rules = find();
  }

  get isOn(): boolean {
    return this.#rules.length > 0;
  }

  onSwitched(listener: () => void): void {
    this.#listeners.push(listener);
  }

  change(): void {
    this.#rules = this.#find();
    for (const listener of this.#listeners) listener();
  }

  /** The rule that was put first is met first. */
  readonly intercept: Interceptor = (message, next) => {
    const way = this.#rules.reduceRight<typeof next>(
      (then, { intercept }) =>
        (one) =>
          intercept(one, then),
      next,
    );
    way(message);
  };
}
