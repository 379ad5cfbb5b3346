// Drives the binding machines: input, changes, one commit; when durable table, deadlines, answer, then events. TS 24.229 §5.4.1.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { Deadlines } from "@ims-lab/common/platform/deadlines";
import { RowsLost } from "@ims-lab/common/store/cluster-port";
import type { StoreLog } from "@ims-lab/common/store/store-log";
import type { Change } from "../rows.ts";
import { commit } from "../store/commit.ts";
import type { Store } from "../store/store.ts";
import type { Binding, BindingContext, BindingEffect, BindingInput } from "./binding.ts";
import { dueAt, isOver, step } from "./binding-machine.ts";
import type { Bindings } from "./bindings.ts";
import type { RegistrationEvent, RegistrationEvents } from "./events.ts";
import type { Ended } from "./reauthentication.ts";

/** A change of one binding: a new one, or an input to a known one. */
export type BindingChange =
  | { readonly kind: "new"; readonly binding: Binding }
  | { readonly kind: "input"; readonly token: string; readonly input: BindingInput };

/** What is made durable at once, or not at all. */
export interface RegistrationChange {
  readonly set: string;
  readonly changes: readonly BindingChange[];
  /** Rows of others that go with it: a subscription, an SQN mark. */
  readonly rows?: Rows;
}

/** Made when their turn comes, where what they say may change while they wait. */
export type Rows = readonly Change[] | (() => readonly Change[]);

/** What changes would make of the bindings, until they are durable. */
interface Staged {
  /** By token; undefined: gone. */
  readonly states: ReadonlyMap<string, Binding | undefined>;
  readonly events: readonly RegistrationEvent[];
  /** Tokens of those that have gone because their time is over. */
  readonly overdue: readonly string[];
}

/** What nobody waits for, until it is durable. */
interface Owed {
  /** Absent: rows alone. */
  readonly change?: BindingChange;
  readonly with: InputCompany;
}

/** The end of the only binding of a set, whose time is over. */
interface Ending {
  readonly binding: Binding;
  readonly events: readonly RegistrationEvent[];
  /** What waits for it, see `#pending`. */
  readonly waiting: (() => void)[];
}

/** What goes with an input that nobody waits for. */
export interface InputCompany {
  /** It has been taken, or its binding has gone. */
  settled?(): void;
  readonly rows?: Rows;
}

const ALONE: InputCompany = {};
const NONE: readonly string[] = [];
const NO_ROWS: readonly Change[] = [];
const NOTHING = (): void => undefined;

/** How long a store that has failed is left alone. */
const RETRY_MS = 1000;

export interface RegistrationsOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly bindings: Bindings;
  readonly events: RegistrationEvents;
  readonly context: BindingContext;
  /** A binding of this private identity has left the table; before anything is answered. */
  onRemoved(impi: string, at: number): void;
  readonly storeLog: StoreLog;
}

/**
 * Nothing is in the table before it is durable, so a commit that fails has changed nothing. One thing waits for no store:
 * a binding whose time is over serves nobody from then on; all that follows from its end comes when that is durable.
 * While the commit of a registration set is pending, further changes of that set wait: they begin from what it leaves.
 */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #deadlines: Deadlines<string>;
  /** By set whose commit is pending: what comes next, in order. */
  readonly #pending = new Map<string, (() => void)[]>();
  readonly #owed = new Map<string, Owed[]>();
  /** By token: in the table no more, and not durably so. */
  readonly #overdue = new Map<string, Binding>();
  readonly #retries = new Map<string, Timer>();
  /** By set, while several things are to be durable at once: the last of them. */
  #gathered: Map<string, Owed> | undefined;

  constructor(options: RegistrationsOptions) {
    this.#options = options;
    const { clock, bindings } = options;
    this.#deadlines = new Deadlines({
      clock,
      count: () => bindings.keptSize,
      dueOf: (token) => bindings.dueOf(token),
      onDue: (token) => this.#due(token),
      onAllDue: (tokens) => this.#allDue(tokens),
    });
    bindings.endBy({
      lateAt: () => {
        const now = clock.now();
        return this.#deadlines.nextDue <= now ? now : undefined;
      },
      waiting: () => this.#deadlines.waiting(),
    });
  }

  #due(token: string): void {
    this.#endServiceIfOver(token);
    const set = this.known(token)?.set;
    if (set !== undefined) this.#begin(set, this.#owedEnd(token));
  }

  #owedEnd(token: string): Owed {
    const input = { kind: "due", at: this.#options.clock.now() } as const;
    return {
      change: { kind: "input", token, input },
      with: { settled: () => this.#armAgain(token) },
    };
  }

  /** Those that nothing else goes on with end in one commit. */
  #allDue(tokens: readonly string[]): void {
    const { bindings, clock, context } = this.#options;
    const at = clock.now();
    const due = { kind: "due", at } as const;
    const endings: Ending[] = [];
    const others: string[] = [];
    for (const token of tokens) {
      const binding = bindings.look(token);
      if (binding === undefined) continue;
      const { set } = binding;
      const isBusy = this.#pending.has(set) || this.#owed.has(set);
      if (isBusy || !isOver(binding, at) || !bindings.isAlone(set)) {
        others.push(token);
        continue;
      }
      this.#endService(binding, at);
      const { state, effects } = step(context, binding, due);
      endings.push({ binding, events: eventsOf(due, binding, state, effects), waiting: [] });
    }
    if (endings.length > 0) this.#end(endings);
    for (const token of others) this.#due(token);
  }

  #end(endings: readonly Ending[]): void {
    const { store, storeLog, events } = this.#options;
    const rows: Change[] = [];
    for (const { binding, events: ahead, waiting } of endings) {
      const { token: id, set } = binding;
      rows.push({ table: "bindings", id, value: undefined, group: set });
      for (const row of events.foresee({ events: ahead, left: 0 })) rows.push(row);
      this.#pending.set(set, waiting);
    }
    commit(store, rows, (problem) => {
      if (problem === undefined) {
        storeLog.worked();
        for (const { binding } of endings) this.#overdue.delete(binding.token);
      } else if (!(problem instanceof RowsLost)) storeLog.failed(problem);
      // Of a set that comes later, nothing gets before its own end.
      for (const ending of endings) this.#ended(ending, problem);
    });
  }

  #ended({ binding, events, waiting }: Ending, problem: Error | undefined): void {
    const { token, set } = binding;
    if (waiting.length === 0) this.#pending.delete(set);
    try {
      if (problem === undefined) this.#publish(events);
      // The row of one of them that another node has: each of the others by itself.
      else if (problem instanceof RowsLost) this.#due(token);
      else this.#owe(set, [this.#owedEnd(token)]);
    } finally {
      this.#goOn(set, waiting);
    }
  }

  /** One input that nobody waits for: tried again until it is durable, before anything that comes later. */
  input(token: string, input: BindingInput, company: InputCompany = ALONE): void {
    const set = this.known(token)?.set;
    if (set === undefined) {
      company.settled?.();
      return;
    }
    this.#begin(set, { change: { kind: "input", token, input }, with: company });
  }

  /** Rows alone that nobody waits for: tried again until they are durable, in their turn among the inputs of the set. */
  keep(set: string, rows: Rows, settled: () => void): void {
    this.#begin(set, { with: { rows, settled } });
  }

  /** What `run` puts in and keeps of a set is one commit, in its order, when `run` is over. */
  together(run: () => void): void {
    if (this.#gathered !== undefined) {
      run();
      return;
    }
    const gathered = new Map<string, Owed>();
    this.#gathered = gathered;
    try {
      run();
    } finally {
      this.#gathered = undefined;
      for (const [set, last] of gathered) this.#payUp(set, NOTHING, last);
    }
  }

  /** The binding of this token until its end is durable. */
  known(token: string): Binding | undefined {
    return this.#options.bindings.kept(token) ?? this.#overdue.get(token);
  }

  /** All of a set that are known, see `known`. */
  knownOf(set: string): readonly Binding[] {
    return [...this.#options.bindings.keptOfSet(set), ...this.#overdueOf(set)];
  }

  #overdueOf(name: string): readonly Binding[] {
    return [...this.#overdue.values()].filter(({ set }) => set === name);
  }

  /** Whether no change of any set is under way or late. */
  get isQuiet(): boolean {
    return this.#pending.size + this.#owed.size === 0 && !this.#isLate;
  }

  /** Whether no change of the set is under way or late. */
  isSettled(set: string): boolean {
    if (this.#pending.has(set) || this.#owed.has(set)) return false;
    return !this.#isLate || this.#overOf(set).length === 0;
  }

  /** Whether deadlines that have come wait for their turn. */
  get #isLate(): boolean {
    return this.#deadlines.nextDue <= this.#options.clock.now();
  }

  #overOf(set: string): readonly Binding[] {
    const { bindings, clock } = this.#options;
    const now = clock.now();
    return bindings.keptOfSet(set).filter((binding) => isOver(binding, now));
  }

  /** Whose time is over ends before anything else happens to the set. */
  #endOver(set: string): void {
    if (this.#isLate) for (const { token } of this.#overOf(set)) this.#due(token);
  }

  /** Runs `then` when no change of the set is under way; with a problem when one cannot be made durable. */
  whenSettled(set: string, then: (problem?: Error) => void): void {
    this.#endOver(set);
    const waiting = this.#pending.get(set);
    if (waiting !== undefined) waiting.push(() => this.whenSettled(set, then));
    else if (this.#owed.has(set)) this.#payUp(set, then);
    else then();
  }

  /** Resolves when what these sets have been told is durable; rejects with why something is not, which is tried on. */
  async settled(sets: Iterable<string>): Promise<void> {
    for (const set of new Set(sets))
      await new Promise<void>((resolve, reject) => {
        this.whenSettled(set, (problem) => (problem === undefined ? resolve() : reject(problem)));
      });
  }

  /**
   * All of a change at once. `answer` runs when it is durable, before anything else follows from it, so that a 200
   * leaves before its NOTIFYs; with a problem nothing has happened.
   * @param then after everything that has followed
   */
  commit(
    change: RegistrationChange,
    answer: (problem?: Error) => void,
    then: (problem?: Error) => void = NOTHING,
  ): void {
    this.#endOver(change.set);
    this.#commit(change, answer, then);
  }

  #commit(
    change: RegistrationChange,
    answer: (problem?: Error) => void,
    then: (problem?: Error) => void,
  ): void {
    const { set, changes } = change;
    const waiting = this.#pending.get(set);
    if (waiting !== undefined) {
      waiting.push(() => this.#commit(change, answer, then));
      return;
    }
    const staged = this.#stage(changes);
    for (const token of staged.overdue) {
      const binding = this.#options.bindings.kept(token);
      if (binding !== undefined) this.#endService(binding);
    }
    const rows = rowsIn(change.rows);
    if (staged.states.size + rows.length === 0) {
      answer();
      then();
      return;
    }
    const next: (() => void)[] = [];
    const { store, storeLog } = this.#options;
    this.#pending.set(set, next);
    commit(store, this.#rowsOf(set, staged, rows), (problem) => {
      // What follows from this one must not get before those that wait: their rows are older.
      if (next.length === 0) this.#pending.delete(set);
      try {
        if (problem === undefined) {
          storeLog.worked();
          this.#settle(staged);
        } else if (!(problem instanceof RowsLost)) storeLog.failed(problem);
        answer(problem);
        if (problem === undefined) this.#publish(staged.events);
        then(problem);
      } finally {
        this.#goOn(set, next);
      }
    });
  }

  /** Those that wait, in their order; what comes meanwhile is behind them. */
  #goOn(set: string, waiting: (() => void)[]): void {
    if (waiting.length === 0) return;
    this.#pending.delete(set);
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      run();
      const next = this.#pending.get(set);
      if (next === undefined) continue;
      next.unshift(...waiting);
      return;
    }
  }

  /** Takes a stored binding over: its deadline runs again. @param text the row as it was written, while it says the same */
  restore(binding: Binding, text?: string): void {
    this.#options.bindings.restore(binding, text);
    this.#deadlines.add(binding.token, dueAt(binding));
  }

  /** Forgets the bindings of a set, and what is owed to them: another node has them. Nothing is told, nothing follows. */
  drop(set: string): void {
    this.#owed.delete(set);
    this.#retries.get(set)?.cancel();
    this.#retries.delete(set);
    for (const { token } of this.#overdueOf(set)) this.#overdue.delete(token);
    this.#options.bindings.drop(set);
    this.#deadlines.gone();
  }

  close(): void {
    this.#deadlines.close();
    for (const timer of this.#retries.values()) timer.cancel();
    this.#retries.clear();
  }

  #begin(set: string, owed: Owed): void {
    const before = this.#owed.get(set);
    if (before === undefined) this.#owed.set(set, [owed]);
    else before.push(owed);
    if (this.#gathered !== undefined) this.#gathered.set(set, owed);
    else this.#payUp(set, NOTHING, owed);
  }

  /**
   * What is owed, in order; what fails is owed on.
   * @param last up to this one, for what was asked for after it may be behind others that wait; absent: all
   */
  #payUp(set: string, then: (problem?: Error) => void, last?: Owed): void {
    const waiting = this.#pending.get(set);
    if (waiting !== undefined) {
      waiting.push(() => this.#payUp(set, then, last));
      return;
    }
    const owed = this.#takeOwed(set, last);
    const changes = owed.flatMap(({ change = [] }) => change);
    const rows = owed.flatMap((one) => rowsIn(one.with.rows));
    const paid = (problem?: Error): void => {
      if (problem === undefined) for (const one of owed) one.with.settled?.();
      // Another node that has this user does what is owed; else it was a row of something else that was lost.
      else if (!(problem instanceof RowsLost) || this.knownOf(set).length > 0) this.#owe(set, owed);
    };
    this.#commit({ set, changes, rows }, paid, then);
  }

  #takeOwed(set: string, last: Owed | undefined): readonly Owed[] {
    const all = this.#owed.get(set) ?? [];
    if (all.length === 1 && (last === undefined || all[0] === last)) {
      this.#owed.delete(set);
      return all;
    }
    const count = last === undefined ? all.length : all.indexOf(last) + 1;
    const left = all.slice(count);
    if (left.length === 0) this.#owed.delete(set);
    else this.#owed.set(set, left);
    return all.slice(0, count);
  }

  #owe(set: string, owed: readonly Owed[]): void {
    this.#owed.set(set, [...owed, ...(this.#owed.get(set) ?? [])]);
    if (this.#retries.has(set)) return;
    const retry = (): void => {
      this.#retries.delete(set);
      this.#payUp(set, NOTHING);
    };
    this.#retries.set(set, this.#options.clock.after(RETRY_MS, retry));
  }

  #stage(changes: readonly BindingChange[]): Staged {
    const { context } = this.#options;
    const states = new Map<string, Binding | undefined>();
    const events: RegistrationEvent[] = [];
    let overdue = NONE;
    for (const change of changes) {
      if (change.kind === "new") {
        const { binding } = change;
        states.set(binding.token, binding);
        events.push({ kind: "registered", binding });
        continue;
      }
      const { token, input } = change;
      const from = states.has(token) ? states.get(token) : this.known(token);
      if (from === undefined) continue;
      const { state, effects } = step(context, from, input);
      if (state === from) continue;
      states.set(token, state);
      events.push(...eventsOf(input, from, state, effects));
      if (input.kind === "due" && state === undefined) overdue = [...overdue, token];
    }
    return { states, events, overdue };
  }

  /** All that must be durable together; of two rows for one thing the later counts. */
  #rowsOf(set: string, { states, events }: Staged, more: readonly Change[]): readonly Change[] {
    const { bindings } = this.#options;
    const rows: Change[] = [];
    let left = bindings.countOfSet(set);
    for (const [id, value] of states) {
      rows.push({ table: "bindings", id, value, group: set });
      left += Number(value !== undefined) - Number(bindings.get(id) !== undefined);
    }
    rows.push(...more, ...this.#options.events.foresee({ events, left }));
    return rows;
  }

  #publish(events: readonly RegistrationEvent[]): void {
    for (const event of events) this.#options.events.publish(event);
  }

  /** Behind a change that is under way: where that gives it more time, it is back when that is durable. */
  #endServiceIfOver(token: string): void {
    const { bindings, clock } = this.#options;
    const binding = bindings.kept(token);
    if (binding === undefined || !this.#pending.has(binding.set)) return;
    if (isOver(binding, clock.now())) this.#endService(binding);
  }

  /** Its time is over, whatever the store does. */
  #endService(binding: Binding, at: number = this.#options.clock.now()): void {
    this.#overdue.set(binding.token, binding);
    this.#remove(binding, at);
  }

  #remove(binding: Binding, at: number): void {
    const { bindings, onRemoved } = this.#options;
    bindings.delete(binding);
    this.#deadlines.gone();
    onRemoved(binding.impi, at);
  }

  #settle({ states }: Staged): void {
    const { bindings, clock } = this.#options;
    for (const [token, state] of states) {
      const before = bindings.kept(token);
      const wasOver = this.#overdue.delete(token);
      if (state === undefined) {
        if (!wasOver && before !== undefined) this.#remove(before, clock.now());
        continue;
      }
      if (wasOver && dueAt(state) <= clock.now()) {
        this.#overdue.set(token, state);
        continue;
      }
      bindings.put(state);
      // A deadline that has moved away is looked at when its former time comes.
      const due = dueAt(state);
      if (before === undefined || due < dueAt(before)) this.#deadlines.add(token, due);
    }
  }

  #armAgain(token: string): void {
    const left = this.#options.bindings.kept(token);
    if (left !== undefined) this.#deadlines.add(token, dueAt(left));
  }
}

function rowsIn(rows: Rows = NO_ROWS): readonly Change[] {
  return typeof rows === "function" ? rows() : rows;
}

/** What an input has made of a binding, told as what has happened. @param after undefined: it has gone */
function eventsOf(
  input: BindingInput,
  before: Binding,
  after: Binding | undefined,
  effects: readonly BindingEffect[],
): readonly RegistrationEvent[] {
  const events: RegistrationEvent[] = [];
  const binding = after ?? before;
  const { reauthentication } = binding;
  if (input.kind === "asked")
    events.push({ kind: "reauthentication-asked", binding, cause: input.cause });
  if (input.kind === "registered" && after !== undefined)
    events.push({ kind: "refreshed", binding: after, before });
  if (isFurther(after, before) && reauthentication !== undefined)
    events.push({ kind: "reauthentication-progressed", binding, reauthentication });
  let missed: Ended | undefined;
  for (const effect of effects) {
    switch (effect.kind) {
      case "show":
        events.push({ kind: "shown", binding });
        break;
      case "moved":
        events.push({ kind: "moved", binding, from: effect.from });
        break;
      case "trigger":
        events.push({ kind: "reauthentication-triggered", binding });
        break;
      case "overdue":
        events.push({ kind: "subscription-overdue", binding });
        break;
      case "ended":
        missed = effect.reauthentication;
        events.push({ kind: "reauthentication-ended", reauthentication: missed });
        break;
      case "gone":
        events.push({ kind: "removed", binding, cause: effect.cause, missed });
        break;
    }
  }
  return events;
}

function isFurther(after: Binding | undefined, before: Binding): boolean {
  const [was, is] = [before.reauthentication, after?.reauthentication];
  if (was === undefined || is === undefined) return false;
  return was.progress !== is.progress || was.course !== is.course;
}
