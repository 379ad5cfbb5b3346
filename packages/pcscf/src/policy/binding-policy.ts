// The P-CSCF's side of the authentication policy: timers per binding, and the asking of the S-CSCF (Figure 5).
import {
  type AuthenticationRule,
  evaluate,
  flowLostMs,
  nextTick,
  type Occasion,
} from "@ims-lab/common/ims/authentication-policy";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Binding } from "../bindings/binding.ts";
import type { FlowTable } from "../bindings/flow-table.ts";
import { factsOf } from "./rules.ts";

export interface BindingPolicyOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly table: FlowTable;
  readonly rules: readonly AuthenticationRule[];
  /** Sends the NOTIFY; false: the S-CSCF has not subscribed, so that it cannot be asked. */
  ask(binding: Binding): boolean;
}

/** At most once per binding in this time, whatever the rules say. */
const ASK_AGAIN_MS = 600_000;

interface Watched {
  age: Timer | undefined;
  lost: Timer | undefined;
  /** Until when nothing is asked again, milliseconds since the epoch. */
  silentUntil: number;
}

/** Every occasion follows from a 200 of the S-CSCF or from our own connection: no packet can make one. */
export class BindingPolicy {
  readonly #options: BindingPolicyOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: BindingPolicyOptions) {
    this.#options = options;
  }

  /** @param before the binding as it was before this 200, if there was one */
  bound(binding: Binding, before: Binding | undefined, authenticated: boolean): void {
    const { clock, rules } = this.#options;
    const watched = this.#watched.get(binding.token);
    watched?.lost?.cancel();
    const due = nextTick(rules, factsOf(binding, clock.now()));
    if (due !== undefined) {
      watched?.age?.cancel();
      this.#watchedOf(binding.token).age = clock.at(due, () => this.#tick(binding.token));
    }
    const moved = before !== undefined && before.flow.id !== binding.flow.id;
    if (moved && !authenticated) this.#occasion(binding, { kind: "flow-replaced" });
  }

  /** The connection behind these bindings has ended. */
  lost(bindings: readonly Binding[]): void {
    const { clock, rules } = this.#options;
    const forMs = flowLostMs(rules);
    if (forMs === undefined) return;
    for (const { token, flow } of bindings) {
      const watched = this.#watchedOf(token);
      watched.lost?.cancel();
      watched.lost = clock.after(forMs, () => {
        const now = this.#options.table.registered(token);
        if (now?.flowLost && now.flow.id === flow.id)
          this.#occasion(now, { kind: "flow-lost", forMs });
      });
    }
  }

  gone({ token }: Binding): void {
    this.#cancel(token);
    this.#watched.delete(token);
  }

  close(): void {
    for (const token of this.#watched.keys()) this.#cancel(token);
  }

  #tick(token: string): void {
    const { table, clock } = this.#options;
    const binding = table.registered(token);
    if (binding === undefined) return;
    this.#occasion(binding, { kind: "tick" });
    this.#watchedOf(token).age = clock.after(ASK_AGAIN_MS, () => this.#tick(token));
  }

  #occasion(binding: Binding, occasion: Occasion): void {
    const { rules, clock } = this.#options;
    const fired = evaluate(rules, occasion, factsOf(binding, clock.now()));
    if (fired !== undefined) this.#ask(binding, fired.authenticate);
  }

  #ask(binding: Binding, rule: string): void {
    const { clock, log, ask } = this.#options;
    const watched = this.#watchedOf(binding.token);
    if (watched.silentUntil > clock.now()) return;
    watched.silentUntil = clock.now() + ASK_AGAIN_MS;
    const asked = ask(binding);
    const { impi, contact, callId } = binding;
    log.info(asked ? "rule.asked" : "rule.cannot-ask", { rule, impi, contact, callId });
  }

  #watchedOf(token: string): Watched {
    const known = this.#watched.get(token);
    if (known !== undefined) return known;
    const fresh: Watched = { age: undefined, lost: undefined, silentUntil: 0 };
    this.#watched.set(token, fresh);
    return fresh;
  }

  #cancel(token: string): void {
    const watched = this.#watched.get(token);
    watched?.age?.cancel();
    watched?.lost?.cancel();
  }
}
