// Drives the binding machines: input, changes, store; then table, deadlines, answer and what follows. TS 24.229 §5.4.1.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { commit } from "../store/commit.ts";
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
import type { Ended } from "./reauthentication.ts";

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

/** What changes would make of the bindings, until they are durable. */
interface Staged {
  /** By token; undefined: gone. */
  readonly states: ReadonlyMap<string, Binding | undefined>;
  readonly effects: readonly (() => void)[];
}

/** An input that nobody waits for, until it is durable. */
interface Owed {
  readonly token: string;
  readonly input: BindingInput;
  settled(): void;
}

/** How long a store that has failed is left alone. */
const RETRY_MS = 1000;

export interface RegistrationsOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly bindings: Bindings;
  readonly listener: BindingListener;
  readonly context: BindingContext;
  /** A binding of this private identity has left the table; before anything is answered. */
  onRemoved(impi: string): void;
  onStoreProblem(problem: Error): void;
}

/**
 * Nothing is in the table before it is durable, so a commit that fails has changed nothing. While the commit of a
 * registration set is pending, further changes of that set wait: they begin from what it leaves.
 */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #armed = new Map<string, Armed>();
  /** By set whose commit is pending: what comes next, in order. */
  readonly #pending = new Map<string, (() => void)[]>();
  readonly #owed = new Map<string, Owed[]>();
  readonly #retries = new Map<string, Timer>();

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /**
   * One input that nobody waits for: tried again until it is durable, before anything that comes later.
   * @param settled it has been taken, or its binding has gone
   */
  input(token: string, input: BindingInput, settled: () => void = () => undefined): void {
    const set = this.#options.bindings.get(token)?.set;
    if (set === undefined) {
      settled();
      return;
    }
    const owed = { token, input, settled };
    const before = this.#owed.get(set);
    if (before === undefined) this.#owed.set(set, [owed]);
    else before.push(owed);
    this.#payUp(set, () => undefined);
  }

  /** Whether no change of the set is under way. */
  isSettled(set: string): boolean {
    return !this.#pending.has(set) && !this.#owed.has(set);
  }

  /** Runs `then` when no change of the set is under way; with a problem when one cannot be made durable. */
  whenSettled(set: string, then: (problem?: Error) => void): void {
    const waiting = this.#pending.get(set);
    if (waiting !== undefined) waiting.push(() => this.whenSettled(set, then));
    else if (this.#owed.has(set)) this.#payUp(set, then);
    else then();
  }

  /**
   * All changes of a set at once. `answer` runs when they are durable, before anything else follows
   * from them, so that a 200 leaves before its NOTIFYs; with a problem nothing has happened.
   * @param then after everything that has followed
   */
  apply(
    set: string,
    changes: readonly BindingChange[],
    answer: (problem?: Error) => void,
    then: (problem?: Error) => void = () => undefined,
  ): void {
    const waiting = this.#pending.get(set);
    if (waiting !== undefined) {
      waiting.push(() => this.apply(set, changes, answer, then));
      return;
    }
    const staged = this.#stage(changes);
    if (staged.states.size === 0) {
      answer();
      then();
      return;
    }
    const next: (() => void)[] = [];
    this.#pending.set(set, next);
    const rows = [...staged.states].map(
      ([id, value]): Change => ({ table: "bindings", id, value }),
    );
    commit(this.#options.store, rows, (problem) => {
      this.#pending.delete(set);
      try {
        if (problem === undefined) this.#settle(staged);
        else this.#options.onStoreProblem(problem);
        answer(problem);
        if (problem === undefined) for (const effect of staged.effects) effect();
        then(problem);
      } finally {
        for (const run of next) run();
      }
    });
  }

  /** Takes a stored binding over: its deadline runs again. */
  restore(binding: Binding): void {
    this.#options.bindings.put(binding);
    this.#arm(binding);
  }

  close(): void {
    for (const { timer } of this.#armed.values()) timer.cancel();
    for (const timer of this.#retries.values()) timer.cancel();
    this.#armed.clear();
    this.#retries.clear();
  }

  /** All that is owed, in order; what fails is owed on. */
  #payUp(set: string, then: (problem?: Error) => void): void {
    const waiting = this.#pending.get(set);
    if (waiting !== undefined) {
      waiting.push(() => this.#payUp(set, then));
      return;
    }
    const owed = this.#owed.get(set) ?? [];
    this.#owed.delete(set);
    const changes = owed.map(
      ({ token, input }): BindingChange => ({ kind: "input", token, input }),
    );
    const paid = (problem?: Error): void => {
      if (problem === undefined) for (const { settled } of owed) settled();
      else this.#owe(set, owed);
    };
    this.apply(set, changes, paid, then);
  }

  #owe(set: string, owed: readonly Owed[]): void {
    this.#owed.set(set, [...owed, ...(this.#owed.get(set) ?? [])]);
    if (this.#retries.has(set)) return;
    const retry = (): void => {
      this.#retries.delete(set);
      this.#payUp(set, () => undefined);
    };
    this.#retries.set(set, this.#options.clock.after(RETRY_MS, retry));
  }

  #stage(changes: readonly BindingChange[]): Staged {
    const { bindings, listener, context } = this.#options;
    const states = new Map<string, Binding | undefined>();
    const effects: (() => void)[] = [];
    for (const change of changes) {
      if (change.kind === "new") {
        const { binding } = change;
        states.set(binding.token, binding);
        effects.push(() => listener.onBound(binding));
        continue;
      }
      const { token, input } = change;
      const before = states.has(token) ? states.get(token) : bindings.get(token);
      if (before === undefined) continue;
      const { state, effects: following } = step(context, before, input);
      if (state === before) continue;
      states.set(token, state);
      if (input.kind === "registered" && state !== undefined)
        effects.push(() => listener.onRefreshed(state, before));
      for (const effect of following) effects.push(() => this.#perform(effect, state ?? before));
    }
    return { states, effects };
  }

  #settle({ states }: Staged): void {
    const { bindings, onRemoved } = this.#options;
    for (const [token, state] of states) {
      if (state === undefined) {
        const before = bindings.get(token);
        bindings.delete(token);
        if (before !== undefined) onRemoved(before.impi);
        this.#armed.get(token)?.timer.cancel();
        this.#armed.delete(token);
      } else {
        bindings.put(state);
        this.#arm(state);
      }
    }
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
    if (dueAt(binding) > at) this.#arm(binding);
    else this.input(token, { kind: "due", at }, () => this.#armAgain(token));
  }

  #armAgain(token: string): void {
    const left = this.#options.bindings.get(token);
    if (left !== undefined && !this.#armed.has(token)) this.#arm(left);
  }
}
