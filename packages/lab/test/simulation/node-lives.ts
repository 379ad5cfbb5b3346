// A node over all its lives: started, watched, killed at an exact instant, started again.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { LogFields, Logger } from "@ims-lab/common/platform/logger";
import type { Interceptor } from "@ims-lab/common/sip/endpoint/interceptors";
import { decode } from "@ims-lab/common/sip/message/decode";
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import type { CrashMoment } from "./acts.ts";
import type { Life } from "./life.ts";
import type { CommitPhase } from "./simulated-disk.ts";
import type { Story } from "./story.ts";

export interface LifeTools {
  readonly life: Life;
  /** The first is 1. */
  readonly number: number;
  readonly log: Logger;
  readonly interceptor: Interceptor;
}

/** Whoever runs the clock. */
export type LifeHooks = Pick<NodeLivesOptions<never>, "passUntil" | "onWanted">;

export interface NodeLivesOptions<N> {
  readonly name: string;
  readonly clock: Clock;
  readonly story: Story;
  newLife(): Life;
  start(tools: LifeTools): Promise<N>;
  stop(node: N): Promise<void>;
  /** As it comes, before the node has looked at it, and before it leaves. */
  onMessage(direction: "in" | "out", message: SipMessage): void;
  /** Whether a start may fail now. */
  mayRefuse(): boolean;
  /** It has died, or was stopped. */
  onDown(isKilled: boolean): void;
  /** Runs the clock on until it is so. */
  passUntil(isSo: () => boolean): Promise<void>;
  /** It is to be started again now; whoever runs the clock does it. */
  onWanted(): void;
}

type Event = "received" | "sends" | "sent" | CommitPhase;

interface Trigger {
  readonly on: Event;
  left: number;
  readonly downMs: number;
}

const START_AGAIN_MS = 2_000;

export class NodeLives<N> {
  readonly #options: NodeLivesOptions<N>;
  #current: { readonly node: N; readonly life: Life } | undefined;
  #life: Life | undefined;
  #trigger: Trigger | undefined;
  #count = 0;
  /** Timers of the first life when it had just started. */
  #atRest = 0;
  /** Lines at level error, of all lives. */
  readonly errors: string[] = [];
  isWanted = true;

  constructor(options: NodeLivesOptions<N>) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Undefined while it is down. */
  get node(): N | undefined {
    return this.#current?.life.isAlive === true ? this.#current.node : undefined;
  }

  /** Timers beyond those that a node without users has. */
  get timersLeft(): number {
    return Math.max(0, (this.#current?.life.timers ?? 0) - this.#atRest);
  }

  /** Lives so far. */
  get count(): number {
    return this.#count;
  }

  /** It does not die any more. */
  disarm(): void {
    this.#trigger = undefined;
  }

  /** It may die on the way, and is started again when its time has come. */
  async start(): Promise<void> {
    const life = this.#options.newLife();
    this.#life = life;
    this.isWanted = false;
    this.#count++;
    this.#options.story.tell(life.now(), `${this.name} starts`);
    const log = this.#logger({});
    const interceptor = this.#interceptor(life);
    const started: { node?: N; error?: unknown } = {};
    let isOver = false;
    this.#options.start({ life, number: this.#count, log, interceptor }).then(
      (node) => {
        started.node = node;
        isOver = true;
      },
      (error: unknown) => {
        started.error = error;
        isOver = true;
      },
    );
    await this.#options.passUntil(() => isOver || !life.isAlive);
    if (started.error !== undefined && life.isAlive) {
      // Its disk may refuse what it must write first; then it ends with a reason, and is started again.
      if (!this.#options.mayRefuse()) throw started.error;
      this.#die(START_AGAIN_MS, `cannot start: ${String(started.error)}`);
    }
    const { node } = started;
    if (node === undefined || !life.isAlive) return;
    this.#current = { node, life };
    if (this.#count === 1) this.#atRest = life.timers;
  }

  /** Ends it as an operator does. Gives the timers that it left behind. @param passing false: the run has ended */
  async stop(passing: () => Promise<boolean>): Promise<number> {
    const { node, life } = this.#current ?? {};
    if (node === undefined || life?.isAlive !== true) return 0;
    this.#trigger = undefined;
    this.#options.story.tell(life.now(), `${this.name} is stopped`);
    let isOver = false;
    void this.#options.stop(node).then(() => {
      isOver = true;
    });
    if (!(await passing())) return 0;
    await promisesSettled();
    // One that waits for its peers to end their connections is ended all the same.
    const left = isOver ? life.timers : 0;
    life.end();
    this.#options.onDown(false);
    return left;
  }

  crash(moment: CrashMoment, downMs: number): void {
    if (this.node === undefined) return;
    if (moment.when === "now") this.#die(downMs, "now");
    else {
      const on = moment.when === "commit" ? moment.phase : moment.when;
      this.#trigger = { on, left: moment.nth, downMs };
    }
  }

  /** Of a commit; the node may be dead when this returns. */
  onCommit(phase: CommitPhase): void {
    this.#pass(phase);
  }

  #interceptor(life: Life): Interceptor {
    return (message, next) => {
      if (!life.isAlive) return;
      const { direction, bytes } = message;
      this.#pass(direction === "in" ? "received" : "sends");
      if (!life.isAlive) return;
      const read = decode(bytes).message;
      if (read !== undefined) this.#options.onMessage(direction, read);
      next(message);
      if (direction === "out") this.#pass("sent");
    };
  }

  #pass(event: Event): void {
    const trigger = this.#trigger;
    if (trigger?.on !== event || this.#life?.isAlive !== true) return;
    if (trigger.left-- > 0) return;
    this.#die(trigger.downMs, event);
  }

  #die(downMs: number, when: string): void {
    const { clock, story, onDown, onWanted } = this.#options;
    this.#trigger = undefined;
    this.#life?.end();
    story.tell(clock.now(), `${this.name} dies (${when}), for ${Math.round(downMs)} ms`);
    onDown(true);
    clock.after(downMs, () => {
      this.isWanted = true;
      onWanted();
    });
  }

  #logger(always: LogFields): Logger {
    const { story, clock, name } = this.#options;
    const tell = (event: string, fields: LogFields = {}): void => {
      if (story.isTold)
        story.tell(clock.now(), `${name} logs ${inWords(event, { ...always, ...fields })}`);
    };
    const quiet = (): void => undefined;
    return {
      trace: quiet,
      debug: quiet,
      info: tell,
      warn: tell,
      error: (event, fields = {}) => {
        this.errors.push(inWords(event, { ...always, ...fields }));
        tell(event, fields);
      },
      enabled: (level) => level === "error" || (story.isTold && level !== "debug"),
      child: (fields) => this.#logger({ ...always, ...fields }),
    };
  }
}

/** What waited for a promise has gone on. */
export async function promisesSettled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function inWords(event: string, fields: LogFields): string {
  const said = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  return [event, ...said].join(" ");
}
