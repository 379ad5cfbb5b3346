// The P-CSCF's side of the authentication policy: ages and lost flows of bindings, and the asking of the S-CSCF (Figure 5).
import { AuthenticationAges } from "@ims-lab/common/ims/authentication-ages";
import {
  type AuthenticationRule,
  evaluate,
  flowLostMs,
  maxAgeMs,
  type Occasion,
  rulesFor,
} from "@ims-lab/common/ims/authentication-policy";
import type { AuthenticationPolicy } from "@ims-lab/common/ims/policy-document";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { inSlices } from "@ims-lab/common/platform/in-slices";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Binding } from "../bindings/binding.ts";
import type { FlowTable } from "../bindings/flow-table.ts";
import { factsOf } from "./rules.ts";

export interface BindingPolicyOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly table: FlowTable;
  /** The one at start. */
  readonly policy: AuthenticationPolicy;
  /** Sends the NOTIFY; false: the S-CSCF has not subscribed, so that it cannot be asked. */
  ask(binding: Binding): boolean;
}

/** At most once per binding in this time, whatever the rules say. */
const ASK_AGAIN_MS = 600_000;

/** A binding whose connection has ended, and is not replaced. */
interface LostFlow {
  /** Of the flow. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly lostAt: number;
  timer: Timer | undefined;
}

/** Every occasion follows from a 200 of the S-CSCF or from our own connection: no packet can make one. */
export class BindingPolicy {
  readonly #options: BindingPolicyOptions;
  readonly #ages: AuthenticationAges;
  /** By token, as all that follow. */
  readonly #lost = new Map<string, LostFlow>();
  /** Until when nothing is asked again, milliseconds since the epoch. */
  readonly #silentUntil = new Map<string, number>();
  #policy: AuthenticationPolicy;
  #walk = 0;

  constructor(options: BindingPolicyOptions) {
    this.#options = options;
    this.#policy = options.policy;
    const { clock, table } = options;
    this.#ages = new AuthenticationAges({
      clock,
      count: () => table.size,
      pacePerSecond: () => this.#policy.pacePerSecond,
      dueOf: (token) => this.#dueOf(token),
      ask: (token) => {
        const binding = table.registered(token);
        if (binding !== undefined) this.#occasion(binding, { kind: "tick" });
        this.#ages.watch(token);
      },
    });
  }

  get policy(): AuthenticationPolicy {
    return this.#policy;
  }

  /** Too old, and not asked for yet for the pace. */
  get waiting(): number {
    return this.#ages.waiting;
  }

  /** Those that concern a binding, in their order. @param policy another one than that in force */
  rulesOf(
    { impi, aor, impus }: Binding,
    { rules }: AuthenticationPolicy = this.#policy,
  ): readonly AuthenticationRule[] {
    return rulesFor(rules, [impi, aor, ...impus]);
  }

  /** In force from here on, for the bindings that there are too. */
  async apply(policy: AuthenticationPolicy): Promise<void> {
    const { clock, table } = this.#options;
    this.#policy = policy;
    for (const [token, lost] of this.#lost) this.#awaitFlow(token, lost);
    this.#ages.clear();
    this.#walk += 1;
    const walk = this.#walk;
    if (!this.#hasAges) return;
    await inSlices(clock, table.all(), ({ token }) => {
      if (walk !== this.#walk) return false;
      this.#ages.watch(token);
      return true;
    });
  }

  /** False: `bound` would do nothing. */
  concerns(binding: Binding, before: Binding | undefined): boolean {
    if (before === undefined) return this.#hasAges || this.#lost.has(binding.token);
    return before.flow.id !== binding.flow.id || this.#lost.has(binding.token);
  }

  /** @param before the binding as it was before this 200, if there was one */
  bound(binding: Binding, before: Binding | undefined, authenticated: boolean): void {
    const { token } = binding;
    this.#found(token);
    // A later authentication only moves the time away.
    if (before === undefined && this.#hasAges) this.#ages.watch(token);
    const moved = before !== undefined && before.flow.id !== binding.flow.id;
    if (moved && !authenticated) this.#occasion(binding, { kind: "flow-replaced" });
  }

  /** A binding that was kept over a restart: its age goes on. */
  restored({ token }: Binding): void {
    if (this.#hasAges) this.#ages.watch(token);
  }

  /** The connection behind these bindings has ended. */
  lost(bindings: readonly Binding[]): void {
    const lostAt = this.#options.clock.now();
    for (const { token, flow } of bindings) {
      this.#found(token);
      const lost = { id: flow.id, lostAt, timer: undefined };
      this.#lost.set(token, lost);
      this.#awaitFlow(token, lost);
    }
  }

  gone({ token }: Binding): void {
    this.#found(token);
    this.#silentUntil.delete(token);
    this.#ages.gone();
  }

  close(): void {
    this.#walk += 1;
    for (const token of this.#lost.keys()) this.#found(token);
    this.#ages.clear();
  }

  get #hasAges(): boolean {
    return this.#policy.rules.some(({ kind }) => kind === "max-age");
  }

  #dueOf(token: string): number | undefined {
    const binding = this.#options.table.registered(token);
    const ageMs = binding && maxAgeMs(this.rulesOf(binding));
    if (binding === undefined || ageMs === undefined) return undefined;
    const since = binding.authenticatedAt ?? binding.registeredAt;
    return Math.max(since + ageMs, this.#silentUntil.get(token) ?? 0);
  }

  /** Its flow is there, or it has gone. */
  #found(token: string): void {
    this.#lost.get(token)?.timer?.cancel();
    this.#lost.delete(token);
  }

  #awaitFlow(token: string, lost: LostFlow): void {
    const { clock, table } = this.#options;
    lost.timer?.cancel();
    lost.timer = undefined;
    const binding = table.registered(token);
    const forMs = binding && flowLostMs(this.rulesOf(binding));
    if (forMs === undefined) return;
    lost.timer = clock.at(lost.lostAt + forMs, () => {
      const now = table.registered(token);
      if (now?.flowLost && now.flow.id === lost.id)
        this.#occasion(now, { kind: "flow-lost", forMs: clock.now() - lost.lostAt });
    });
  }

  #occasion(binding: Binding, occasion: Occasion): void {
    const { clock } = this.#options;
    const fired = evaluate(this.rulesOf(binding), occasion, factsOf(binding, clock.now()));
    if (fired !== undefined) this.#ask(binding, fired.authenticate);
  }

  #ask(binding: Binding, rule: string): void {
    const { clock, log, ask } = this.#options;
    if ((this.#silentUntil.get(binding.token) ?? 0) > clock.now()) return;
    this.#silentUntil.set(binding.token, clock.now() + ASK_AGAIN_MS);
    const asked = ask(binding);
    const { impi, contact, callId } = binding;
    log.info(asked ? "rule.asked" : "rule.cannot-ask", { rule, impi, contact, callId });
  }
}
