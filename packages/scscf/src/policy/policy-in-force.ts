// The authentication policy in force at the S-CSCF: the subscriber's own rules, then those of the node. TS 24.229 §5.4.1.6.
import type { ReauthenticationCause } from "@ims-lab/common/admin-api/views";
import { AuthenticationAges } from "@ims-lab/common/ims/authentication-ages";
import {
  type AuthenticationFacts,
  type AuthenticationRule,
  concernsRequests,
  evaluate,
  type FiredRule,
  matchingRule,
  maxAgeMs,
  type Occasion,
  type RuleKind,
  rulesFor,
  type Sampling,
} from "@ims-lab/common/ims/authentication-policy";
import type { AuthenticationPolicy } from "@ims-lab/common/ims/policy-document";
import type { Clock } from "@ims-lab/common/platform/clock";
import { inSlices } from "@ims-lab/common/platform/in-slices";
import type { Random } from "@ims-lab/common/platform/random";
import type { Binding } from "../registration/binding.ts";
import type { Bindings } from "../registration/bindings.ts";
import type { RegistrationEvent, RegistrationSubscriber } from "../registration/events.ts";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";
import { factsOf, ownRulesOf } from "./rules.ts";

export interface PolicyInForceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly bindings: Bindings;
  readonly directory: Pick<SubscriberDirectory, "byImpi">;
  /** Whether any subscriber has rules of his own. */
  hasOwnRules(): boolean;
  /** N, milliseconds: whoever has authenticated again in this time is not rejected. */
  readonly freshMs: number;
  ask(binding: Binding, cause: ReauthenticationCause): void;
}

/** What becomes of a P-CSCF's asking (Figure 5). */
export type PcscfAskDecision =
  | { readonly kind: "followed"; readonly cause: ReauthenticationCause }
  | { readonly kind: "declined"; readonly rule: string };

const NOBODYS_RULES: readonly AuthenticationRule[] = [];

export class PolicyInForce implements RegistrationSubscriber {
  readonly #options: PolicyInForceOptions;
  readonly #ages: AuthenticationAges;
  /** How often a rule has been met, by binding and name. */
  readonly #counts = new Map<string, Map<string, number>>();
  #policy: AuthenticationPolicy;
  #hasUsers = false;
  #kinds: ReadonlySet<RuleKind> = new Set();
  /** Bindings are being gone through for this policy; another one ends it. */
  #walk = 0;

  constructor(options: PolicyInForceOptions, policy: AuthenticationPolicy) {
    this.#options = options;
    const { clock, bindings, ask } = options;
    this.#ages = new AuthenticationAges({
      clock,
      count: () => bindings.keptSize,
      pacePerSecond: () => this.#policy.pacePerSecond,
      dueOf: (token) => this.#dueOf(token),
      ask: (token) => {
        const binding = bindings.get(token);
        const fired = binding && this.evaluate(binding, { kind: "tick" });
        if (binding !== undefined && fired !== undefined)
          ask(binding, `policy:${fired.authenticate}`);
      },
    });
    this.#policy = policy;
    this.#take(policy);
  }

  get policy(): AuthenticationPolicy {
    return this.#policy;
  }

  /** Devices whose authentication is too old, and that are not asked yet for the pace. */
  get waiting(): number {
    return this.#ages.waiting;
  }

  /** In force from here on, for all that are registered too: their ages are looked at anew, in slices. */
  async apply(policy: AuthenticationPolicy): Promise<void> {
    this.#take(policy);
    this.#counts.clear();
    this.#ages.clear();
    this.#walk += 1;
    const walk = this.#walk;
    if (!this.#hasAges) return;
    // Bindings at rest stay so: they are looked at as they come, and not asked for by name.
    await inSlices(this.#options.clock, this.#options.bindings.all(), (binding) => {
      if (walk !== this.#walk) return false;
      const due = this.#dueAt(binding);
      if (due !== undefined) this.#ages.watch(binding.token, due);
      return true;
    });
  }

  close(): void {
    this.#walk += 1;
    this.#ages.clear();
  }

  /** Whether any rule may fire on requests. @param method undefined: on any */
  concernsRequests(method?: string): boolean {
    if (this.#options.hasOwnRules()) return true;
    return this.#kinds.has("methods") && concernsRequests(this.#policy.rules, method);
  }

  concerns(kind: RuleKind): boolean {
    return this.#kinds.has(kind) || this.#options.hasOwnRules();
  }

  /** Whether the device is to authenticate now, by which rule. @param subscriber the binding's, where he is at hand */
  evaluate(binding: Binding, occasion: Occasion, subscriber?: Subscriber): FiredRule | undefined {
    const rules = this.rulesOf(binding.impi, subscriber);
    return evaluate(rules, occasion, this.#factsOf(binding), this.#samplingOf(binding.token));
  }

  /** Without a rule about it a P-CSCF is followed. */
  askedByPcscf(binding: Binding): PcscfAskDecision {
    if (!this.concerns("pcscf-request")) return { kind: "followed", cause: "pcscf" };
    const rules = this.rulesOf(binding.impi);
    const occasion = { kind: "pcscf-request" } as const;
    const sampling = this.#samplingOf(binding.token);
    const rule = matchingRule(rules, occasion, this.#factsOf(binding), sampling);
    if (rule === undefined) return { kind: "followed", cause: "pcscf" };
    return rule.isExemption === true
      ? { kind: "declined", rule: rule.name }
      : { kind: "followed", cause: `policy:${rule.name}` };
  }

  /** In the order in which they are looked at. @param policy another one than that in force */
  rulesOf(
    impi: string,
    subscriber?: Subscriber,
    policy: AuthenticationPolicy = this.#policy,
  ): readonly AuthenticationRule[] {
    const { directory, freshMs, hasOwnRules } = this.#options;
    const hasUsers = policy === this.#policy ? this.#hasUsers : hasPatterns(policy);
    if (!hasUsers && !hasOwnRules()) return policy.rules;
    const who = subscriber ?? directory.byImpi(impi);
    const identities = [impi, ...(who?.impus.map(({ aor }) => aor) ?? [])];
    const common = rulesFor(policy.rules, identities);
    const own = who?.policy === undefined ? NOBODYS_RULES : ownRulesOf(who.policy, freshMs);
    return own.length === 0 ? common : [...own, ...common];
  }

  on(event: RegistrationEvent): void {
    if (event.kind === "removed") {
      this.#counts.delete(event.binding.token);
      this.#ages.gone();
    }
    if (event.kind === "registered" && this.#hasAges) this.#ages.watch(event.binding.token);
    // Other rules may be his now: his own, or those of an identity that has come or gone.
    if (event.kind === "subscriber-changed" && this.#hasAges)
      for (const { token } of this.#options.bindings.ofSet(event.impi)) this.#ages.watch(token);
    // What was looked at meanwhile was not due; whoever has gone is not there.
    if (event.kind === "reauthentication-ended" && this.#hasAges)
      this.#ages.watch(event.reauthentication.bindingId);
  }

  /** A binding that was kept over a restart. */
  restore({ token }: Binding): void {
    if (this.#hasAges) this.#ages.watch(token);
  }

  /** Another node has it. */
  drop({ token }: Binding): void {
    this.#counts.delete(token);
    this.#ages.gone();
  }

  #take(policy: AuthenticationPolicy): void {
    this.#policy = policy;
    this.#hasUsers = hasPatterns(policy);
    this.#kinds = new Set(policy.rules.map(({ kind }) => kind));
  }

  get #hasAges(): boolean {
    return this.concerns("max-age");
  }

  #dueOf(token: string): number | undefined {
    const binding = this.#options.bindings.get(token);
    return binding && this.#dueAt(binding);
  }

  #dueAt(binding: Binding): number | undefined {
    if (binding.reauthentication !== undefined) return undefined;
    const ageMs = maxAgeMs(this.rulesOf(binding.impi));
    return ageMs === undefined ? undefined : binding.authenticatedAt + ageMs;
  }

  #factsOf(binding: Binding): AuthenticationFacts {
    return factsOf(binding, this.#options.clock.now());
  }

  #samplingOf(token: string): Sampling {
    return {
      count: ({ name }) => {
        const counts = this.#counts.get(token) ?? new Map<string, number>();
        const count = (counts.get(name) ?? 0) + 1;
        this.#counts.set(token, counts.set(name, count));
        return count;
      },
      chance: () => this.#options.random.fraction(),
    };
  }
}

function hasPatterns({ rules }: AuthenticationPolicy): boolean {
  return rules.some(({ users }) => users !== undefined);
}
