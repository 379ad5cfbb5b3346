// Campaigns of re-authentications: asks at the pace, counts what becomes of it, keeps both in the store. TS 24.229 §5.4.1.6.
import type { ReauthenticationCause } from "@ims-lab/common/admin-api/views";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { Pacer } from "@ims-lab/common/platform/pacer";
import type { Random } from "@ims-lab/common/platform/random";
import type { Binding } from "../registration/binding.ts";
import type {
  ChangeAhead,
  RegistrationEvent,
  RegistrationEvents,
  RegistrationSubscriber,
} from "../registration/events.ts";
import type { Ended } from "../registration/reauthentication.ts";
import type { Change } from "../rows.ts";
import { commit } from "../store/commit.ts";
import type { Store } from "../store/store.ts";
import {
  type Campaign,
  type CampaignEffect,
  type CampaignInput,
  type CampaignOrder,
  leftOf,
  openOf,
} from "./campaign.ts";
import { beginCampaign, stepCampaign } from "./campaign-machine.ts";
import {
  hasAsked,
  isDueFor,
  type Selection,
  type SelectionTools,
  select,
  stillToAsk,
} from "./selection.ts";

export interface CampaignsOptions extends SelectionTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly events: RegistrationEvents;
  /** Faster ones must be confirmed. */
  readonly maxPacePerSecond: number;
  /** Whether messages wait longer than they should: then nobody more is asked. */
  isBehind(): boolean;
  ask(binding: Binding, cause: ReauthenticationCause): void;
  onStoreProblem(problem: Error): void;
  /** Where nodes share a store: makes a new campaign this node's. */
  claim?(id: string): Promise<void>;
}

/** A campaign whose asking or counting goes on. */
interface Course {
  /** As the store has it. */
  state: Campaign;
  /** By what they are about: inputs whose commit is under way. */
  readonly ahead: Map<string, CampaignInput>;
  readonly pacer: Pacer;
  /** Whom it has still to ask, from `next` on. */
  tokens: readonly string[];
  next: number;
  timer: Timer | undefined;
}

/** Campaigns that run, pause, or wait for the last ends. */
const MOST_AT_ONCE = 16;
/** Those that are over are remembered; the oldest go first. */
const REMEMBERED = 100;
/** Bindings that are passed over in one turn. */
const SKIPPED_AT_ONCE = 500;
/** How long asking waits while the store does not answer, or the node is behind. */
const WAIT_MS = 100;

const NO_ROWS: readonly Change[] = [];

export class Campaigns implements RegistrationSubscriber {
  readonly #options: CampaignsOptions;
  readonly #courses = new Map<string, Course>();
  readonly #over = new Map<string, Campaign>();
  #changes = 0;
  #isClosed = false;

  constructor(options: CampaignsOptions) {
    this.#options = options;
  }

  /** Whom an order is for, as the registrations are now. */
  select(order: CampaignOrder): Promise<Selection> {
    return select(this.#options, order, Math.ceil(this.#options.clock.now()));
  }

  /** For an order that gives none. */
  newSeed(): string {
    return this.#options.random.hex(4);
  }

  get mayStart(): boolean {
    return this.#courses.size < MOST_AT_ONCE;
  }

  get maxPacePerSecond(): number {
    return this.#options.maxPacePerSecond;
  }

  /** Of all that run. */
  get pacePerSecond(): number {
    let sum = 0;
    for (const { state } of this.#courses.values())
      if (state.status === "running") sum += state.pacePerSecond;
    return sum;
  }

  /** Resolves when it is durable; rejects where it cannot be, and nothing has begun. */
  async start(order: CampaignOrder, selection: Selection): Promise<Campaign> {
    const { clock, random } = this.#options;
    const { tokens, matched, threshold, at } = selection;
    const chosen = { matched, total: tokens.length, threshold };
    const { state, effects } = beginCampaign(order, chosen, { id: random.hex(4), at });
    await this.#options.claim?.(state.id);
    await this.#keep(state);
    const gap = 1000 / state.pacePerSecond;
    // Whoever authenticates because of it does so later than it began.
    const course = this.#course(state, Math.ceil(clock.now()) + Math.max(1, gap));
    course.tokens = tokens;
    this.#perform(course, effects);
    return course.state;
  }

  /** Undefined: there is none such; the state it was in, where that does not allow it. */
  async change(
    id: string,
    kind: "paused" | "resumed" | "stopped",
  ): Promise<Campaign | { readonly refused: Campaign } | undefined> {
    const course = this.#courses.get(id);
    if (course === undefined) {
      const over = this.#over.get(id);
      return over && { refused: over };
    }
    const input: CampaignInput =
      kind === "stopped" ? { kind, at: this.#options.clock.now() } : { kind };
    const before = stateAhead(course);
    if (stepCampaign(before, input).state === before) return { refused: before };
    const key = `change ${++this.#changes}`;
    course.ahead.set(key, input);
    try {
      await this.#keep(stateAhead(course));
    } catch (problem) {
      course.ahead.delete(key);
      throw problem;
    }
    this.#happened(course, key, input);
    return course.state;
  }

  get(id: string): Campaign | undefined {
    return this.#courses.get(id)?.state ?? this.#over.get(id);
  }

  /** The latest first. */
  list(): readonly Campaign[] {
    const all = [...this.#over.values(), ...[...this.#courses.values()].map(({ state }) => state)];
    return all.sort((a, b) => b.startedAt - a.startedAt);
  }

  /** Those that go on. */
  get size(): number {
    return this.#courses.size;
  }

  /** Takes stored campaigns over: they go on where they were. When all bindings are there and nothing happens yet. */
  restore(stored: Iterable<Campaign>): void {
    const { clock } = this.#options;
    for (const state of [...stored].sort((a, b) => a.startedAt - b.startedAt)) {
      const isOver = state.status === "finished" || state.status === "stopped";
      if (isOver && openOf(state) === 0) {
        this.#over.set(state.id, state);
        continue;
      }
      // What was asked just before the end is not known to the second.
      const from = clock.now() + Pacer.windowMs(state.pacePerSecond);
      const course = this.#course(state, from);
      const { tokens, open } = stillToAsk(this.#options, state);
      course.tokens = isOver ? [] : tokens;
      const left = course.tokens.length;
      this.#take(course, { kind: "recounted", left, open, at: clock.now() });
    }
  }

  /** Another node has these bindings: of those that were asked no end is heard here. */
  drop(bindings: readonly Binding[]): void {
    const at = this.#options.clock.now();
    for (const course of this.#courses.values()) {
      const gone = bindings.filter((binding) => hasAsked(course.state.id, binding)).length;
      if (gone === 0) continue;
      const { state } = course;
      const open = Math.max(0, openOf(state) - gone);
      this.#take(course, { kind: "recounted", left: leftOf(state), open, at });
    }
  }

  /** Another node goes on with it. */
  dropCampaign(id: string): void {
    this.#courses.get(id)?.timer?.cancel();
    this.#courses.delete(id);
    this.#over.delete(id);
  }

  /** Asks nobody any more, and counts on; what is stored goes on in the next process. */
  close(): void {
    this.#isClosed = true;
    for (const course of this.#courses.values()) course.timer?.cancel();
  }

  /** Counts go with the change that makes them: no crash is between the two. */
  foresee({ events }: ChangeAhead): readonly Change[] {
    if (this.#courses.size === 0) return NO_ROWS;
    const touched = new Set<Course>();
    for (const event of events)
      for (const { course, key, input } of this.#meant(event)) {
        course.ahead.set(key, input);
        touched.add(course);
      }
    if (touched.size === 0) return NO_ROWS;
    return [...touched].map((course) => rowOf(stateAhead(course)));
  }

  on(event: RegistrationEvent): void {
    if (this.#courses.size === 0) return;
    for (const { course, key, input } of this.#meant(event)) this.#happened(course, key, input);
  }

  /** What an event is to the campaigns, and the name of each such thing: it may be foreseen more than once. */
  #meant(event: RegistrationEvent): readonly {
    readonly course: Course;
    readonly key: string;
    readonly input: CampaignInput;
  }[] {
    if (event.kind === "reauthentication-asked") {
      const course = this.#causing(event.cause);
      if (course === undefined) return [];
      const { token, reauthentication } = event.binding;
      const joined = reauthentication?.cause !== event.cause;
      return [{ course, key: `asked ${token}`, input: { kind: "asked", joined } }];
    }
    if (event.kind !== "reauthentication-ended") return [];
    const { reauthentication } = event;
    return reauthentication.askers.flatMap(({ cause }) => {
      const course = this.#causing(cause);
      if (course === undefined) return [];
      const input = endOf(reauthentication, cause);
      return [{ course, key: `ended ${reauthentication.id}`, input }];
    });
  }

  #causing(cause: ReauthenticationCause): Course | undefined {
    return cause.startsWith(PREFIX) ? this.#courses.get(cause.slice(PREFIX.length)) : undefined;
  }

  #happened(course: Course, key: string, input: CampaignInput): void {
    course.ahead.delete(key);
    this.#take(course, input);
  }

  #take(course: Course, input: CampaignInput): void {
    const { state, effects } = stepCampaign(course.state, input);
    course.state = state;
    this.#perform(course, effects);
    const isOver = state.status === "finished" || state.status === "stopped";
    if (isOver && openOf(state) === 0 && course.ahead.size === 0) this.#finish(course);
  }

  #perform(course: Course, effects: readonly CampaignEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "ask":
          course.pacer.rested(this.#options.clock.now());
          this.#askLater(course, course.pacer.nextAt);
          break;
        case "hold":
          course.timer?.cancel();
          course.timer = undefined;
          break;
        case "tell": {
          const { change } = effect;
          this.#options.events.publish({
            kind: "campaign-changed",
            change,
            campaign: course.state,
          });
          break;
        }
      }
    }
  }

  #askLater(course: Course, at: number): void {
    course.timer?.cancel();
    course.timer = undefined;
    const isOver = course.next >= course.tokens.length || this.#isClosed;
    if (course.state.status !== "running" || isOver) return;
    course.timer = this.#options.clock.at(at, () => this.#askDue(course));
  }

  #askDue(course: Course): void {
    const { clock, bindings, isBehind } = this.#options;
    const mostAhead = Math.max(MOST_AT_ONCE, course.state.pacePerSecond);
    let skipped = 0;
    let at = course.pacer.nextAt;
    for (; course.next < course.tokens.length; course.next++) {
      const now = clock.now();
      if (course.ahead.size >= mostAhead || isBehind()) {
        at = now + WAIT_MS;
        break;
      }
      const binding = bindings.get(course.tokens[course.next] ?? "");
      if (binding === undefined || !isDueFor(course.state, binding)) {
        if (++skipped < SKIPPED_AT_ONCE) continue;
        course.next++;
        at = now;
        break;
      }
      if (!course.pacer.take(now)) {
        at = course.pacer.nextAt;
        break;
      }
      this.#options.ask(binding, `${PREFIX}${course.state.id}`);
      course.pacer.done(clock.now());
    }
    if (skipped > 0) this.#take(course, { kind: "skipped", count: skipped, at: clock.now() });
    this.#askLater(course, at);
  }

  /** Its end may have come without a commit of its own: when the last one to be asked had gone. */
  #finish({ state, timer }: Course): void {
    timer?.cancel();
    this.#courses.delete(state.id);
    this.#over.set(state.id, state);
    const gone: Change[] = [];
    for (const id of this.#over.keys()) {
      if (this.#over.size <= REMEMBERED) break;
      this.#over.delete(id);
      gone.push({ table: "campaigns", id, value: undefined });
    }
    commit(this.#options.store, [rowOf(state), ...gone], (problem) => {
      if (problem !== undefined) this.#options.onStoreProblem(problem);
    });
  }

  #course(state: Campaign, from: number): Course {
    const { pacePerSecond: perSecond, jitter } = state;
    const pacer = new Pacer({ perSecond, jitter, random: this.#options.random, from });
    const course = { state, ahead: new Map(), pacer, tokens: [], next: 0, timer: undefined };
    this.#courses.set(state.id, course);
    return course;
  }

  #keep(state: Campaign): Promise<void> {
    return new Promise((resolve, reject) => {
      commit(this.#options.store, [rowOf(state)], (problem) => {
        if (problem === undefined) {
          resolve();
          return;
        }
        this.#options.onStoreProblem(problem);
        reject(problem);
      });
    });
  }
}

const PREFIX = "campaign:";

/** As it is when all that is under way is durable. */
function stateAhead({ state, ahead }: Course): Campaign {
  let next = state;
  for (const input of ahead.values()) next = stepCampaign(next, input).state;
  return next;
}

function rowOf(state: Campaign): Change {
  return { table: "campaigns", id: state.id, value: state };
}

/** Counted from the campaign's own asking, which may have joined. */
function endOf(ended: Ended, cause: ReauthenticationCause): CampaignInput {
  const { askers, requestedAt, endedAt, end } = ended;
  const askedAt = askers.find((asker) => asker.cause === cause)?.at ?? requestedAt;
  return { kind: "ended", end, milliseconds: endedAt - askedAt, at: endedAt };
}
