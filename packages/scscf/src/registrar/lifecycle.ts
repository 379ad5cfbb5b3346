// Drives the binding machines: table, deadlines, store first, then what follows. Design §8.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Ended } from "../reauthentication/reauthentication.ts";
import type { Change, Store } from "../store/store.ts";
import type {
  Binding,
  BindingContext,
  BindingEffect,
  BindingInput,
  RemovalCause,
} from "./binding.ts";
import { dueAt, step } from "./binding-machine.ts";
import type { Bindings } from "./bindings.ts";

/** What others do when a binding changes. Called after the change is durable and was answered. */
export interface BindingListener {
  onBound(binding: Binding): void;
  /** An accepted REGISTER of a known device; `before` had another Contact when it moved. */
  onRefreshed(binding: Binding, before: Binding): void;
  onShow(binding: Binding): void;
  onMoved(binding: Binding, from: Binding): void;
  onTrigger(binding: Binding): void;
  onOverdue(binding: Binding): void;
  onEnded(reauthentication: Ended): void;
  onGone(binding: Binding, cause: RemovalCause): void;
}

/** A change of one binding: a new one, or an input to a known one. */
export type BindingChange =
  | { readonly kind: "new"; readonly binding: Binding }
  | { readonly kind: "input"; readonly token: string; readonly input: BindingInput };

interface Armed {
  readonly at: number;
  readonly timer: Timer;
}

export interface LifecycleOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly bindings: Bindings;
  readonly listener: BindingListener;
  readonly context: BindingContext;
  onStoreProblem(problem: Error): void;
}

export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #armed = new Map<string, Armed>();

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  /** One input that nobody waits for. */
  input(token: string, input: BindingInput): void {
    this.apply([{ kind: "input", token, input }], () => undefined);
  }

  /**
   * All changes at once. `answer` runs when they are durable, before anything else follows from
   * them, so that a 200 leaves before its NOTIFYs; with a problem it must not announce them.
   */
  apply(changes: readonly BindingChange[], answer: (problem?: Error) => void): void {
    const rows: Change[] = [];
    const after: (() => void)[] = [];
    for (const change of changes) this.#stage(change, rows, after);
    const { store, onStoreProblem } = this.#options;
    if (rows.length === 0) {
      answer();
      return;
    }
    store.commit(rows, (problem) => {
      if (problem !== undefined) onStoreProblem(problem);
      answer(problem);
      for (const follow of after) follow();
    });
  }

  /** Takes a stored binding over: its deadline runs again. */
  restore(binding: Binding): void {
    this.#options.bindings.put(binding);
    this.#arm(binding);
  }

  close(): void {
    for (const { timer } of this.#armed.values()) timer.cancel();
    this.#armed.clear();
  }

  #stage(change: BindingChange, rows: Change[], after: (() => void)[]): void {
    const { bindings, listener, context } = this.#options;
    if (change.kind === "new") {
      const { binding } = change;
      this.#keep(binding, rows);
      after.push(() => listener.onBound(binding));
      return;
    }
    const before = bindings.get(change.token);
    if (before === undefined) return;
    const { state, effects } = step(context, before, change.input);
    if (state === before) return;
    if (state === undefined) this.#remove(before, rows);
    else this.#keep(state, rows);
    const { input } = change;
    if (input.kind === "registered" && state !== undefined) {
      after.push(() => listener.onRefreshed(state, before));
    }
    for (const effect of effects) after.push(() => this.#perform(effect, state ?? before));
  }

  #keep(binding: Binding, rows: Change[]): void {
    this.#options.bindings.put(binding);
    rows.push({ table: "bindings", id: binding.token, value: binding });
    this.#arm(binding);
  }

  #remove({ token }: Binding, rows: Change[]): void {
    this.#options.bindings.delete(token);
    rows.push({ table: "bindings", id: token, value: undefined });
    this.#armed.get(token)?.timer.cancel();
    this.#armed.delete(token);
  }

  #perform(effect: BindingEffect, binding: Binding): void {
    const { listener } = this.#options;
    switch (effect.kind) {
      case "show":
        listener.onShow(binding);
        break;
      case "moved":
        listener.onMoved(binding, effect.from);
        break;
      case "trigger":
        listener.onTrigger(binding);
        break;
      case "overdue":
        listener.onOverdue(binding);
        break;
      case "ended":
        listener.onEnded(effect.reauthentication);
        break;
      case "gone":
        listener.onGone(binding, effect.cause);
        break;
    }
  }

  /** A deadline that moved away is left armed and looked at when it fires: refreshes cost no timer. */
  #arm(binding: Binding): void {
    const { token } = binding;
    const at = dueAt(binding);
    const armed = this.#armed.get(token);
    if (armed !== undefined && armed.at <= at) return;
    armed?.timer.cancel();
    const timer = this.#options.clock.at(at, () => this.#fire(token));
    this.#armed.set(token, { at, timer });
  }

  #fire(token: string): void {
    this.#armed.delete(token);
    const { bindings, clock } = this.#options;
    const binding = bindings.get(token);
    if (binding === undefined) return;
    const at = clock.now();
    if (dueAt(binding) <= at) this.input(token, { kind: "due", at });
    const left = bindings.get(token);
    if (left !== undefined && !this.#armed.has(token)) this.#arm(left);
  }
}
