// When this node itself asks for re-registration: an old authentication, a new address, a lost connection. Design section 5.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Binding } from "../flows/binding.ts";
import type { FlowTable } from "../flows/flow-table.ts";

export type Rule = "max-age" | "flow-replaced" | "flow-lost";

export interface OwnRulesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly table: FlowTable;
  /** 0: never; the same for `lostMs`. Milliseconds. */
  readonly maxAgeMs: number;
  readonly lostMs: number;
  readonly onFlowReplaced: boolean;
  /** Sends the NOTIFY; false: the S-CSCF has not subscribed, so that it cannot be asked. */
  ask(binding: Binding): boolean;
}

/** At most once per binding in this time, whatever the rules say. */
const ASK_AGAIN_MS = 600_000;

interface Watched {
  age: Timer | undefined;
  lost: Timer | undefined;
  silentUntil: number;
}

/** Every rule follows from a 200 of the S-CSCF or from our own connection: no packet can fire one. */
export class OwnRules {
  readonly #options: OwnRulesOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: OwnRulesOptions) {
    this.#options = options;
  }

  /** @param before the binding as it was before this 200, if there was one */
  bound(binding: Binding, before: Binding | undefined, authenticated: boolean): void {
    const { clock, maxAgeMs, onFlowReplaced } = this.#options;
    const watched = this.#watchedOf(binding.token);
    watched.lost?.cancel();
    if (maxAgeMs > 0) {
      const due = Math.max(
        clock.now(),
        (binding.authenticatedAt ?? binding.registeredAt) + maxAgeMs,
      );
      watched.age?.cancel();
      watched.age = clock.at(due, () => this.#tooOld(binding.token));
    }
    const moved = before !== undefined && before.flow.id !== binding.flow.id;
    if (moved && !authenticated && onFlowReplaced) this.#ask(binding, "flow-replaced");
  }

  /** The connection behind these bindings has ended. */
  lost(bindings: readonly Binding[]): void {
    const { clock, lostMs } = this.#options;
    if (lostMs === 0) return;
    for (const { token, flow } of bindings) {
      const watched = this.#watchedOf(token);
      watched.lost?.cancel();
      watched.lost = clock.after(lostMs, () => {
        const now = this.#options.table.registered(token);
        if (now?.flowLost && now.flow.id === flow.id) this.#ask(now, "flow-lost");
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

  #tooOld(token: string): void {
    const { table, clock } = this.#options;
    const binding = table.registered(token);
    if (binding === undefined) return;
    this.#ask(binding, "max-age");
    const watched = this.#watchedOf(token);
    watched.age = clock.after(ASK_AGAIN_MS, () => this.#tooOld(token));
  }

  #ask(binding: Binding, rule: Rule): void {
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
