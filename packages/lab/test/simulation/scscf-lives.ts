// The S-CSCF of a run over all its lives, on one disk, with the ledger of what it has announced.
import { createMetrics, type Metrics } from "@ims-lab/common/platform/metrics";
import { createScscfMetrics } from "../../../scscf/src/metrics.ts";
import type { Scscf } from "../../../scscf/src/node.ts";
import type { Binding } from "../../../scscf/src/registration/binding.ts";
import type { Tables } from "../../../scscf/src/rows.ts";
import { keptStore } from "../../../scscf/test/contract/kept-store.ts";
import { startScscf, subscribersOf } from "../scenarios/nodes.ts";
import { COUNTS_AGREE, type FoundFacts, ONE_END } from "./invariants.ts";
import { Ledger } from "./ledger.ts";
import type { Life } from "./life.ts";
import { type LifeHooks, type LifeTools, NodeLives } from "./node-lives.ts";
import { impiOf, subscribersIn } from "./plan.ts";
import type { Plant } from "./plants.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import type { Surroundings } from "./surroundings.ts";

/** What one life has counted. */
interface Counted {
  readonly metrics: Metrics;
  readonly events: Map<string, number>;
}

/** One commit may wait for others of its user. */
const COMMITS = 5;

export class ScscfLives {
  readonly lives: NodeLives<Scscf>;
  readonly ledger: Ledger;
  readonly disk: SimulatedDisk<Tables>;
  readonly #around: Surroundings;
  readonly #plant: Plant | undefined;
  readonly #enforced: ReadonlySet<string>;
  readonly #subscribers;
  readonly #counted: Counted[] = [];
  #downSince = 0;
  #isTakingOver = false;

  constructor(around: Surroundings, hooks: LifeHooks, plant?: Plant) {
    const { plan, clock, story } = around;
    this.#around = around;
    this.#plant = plant;
    this.#subscribers = subscribersOf(subscribersIn(plan));
    const duty = plan.scscf["subscription.duty"];
    this.#enforced = new Set(
      plan.users
        .filter(({ subscription }) => (subscription ?? duty) === "enforce")
        .map((user) => impiOf(user)),
    );
    const seconds = (name: string): number => Number(plan.scscf[name]) * 1000;
    this.ledger = new Ledger({
      judge: around.judge,
      deadlineMs: seconds("reauthentication.deadlineSeconds"),
      awaitMs: seconds("authentication.awaitSeconds"),
      dutyMs: seconds("subscription.deadlineSeconds"),
      graceMs: seconds("restart.graceSeconds"),
      commitMs: COMMITS * Math.max(1, plan.scscfStore.delayMs[1]),
    });
    this.disk = new SimulatedDisk({
      clock,
      open: keptStore,
      isDurable: plan.scscfStore.isDurable,
      delayMs: around.delayOf(plan.scscfStore),
    });
    this.disk.onKept = (changes) => this.ledger.kept(changes);
    this.disk.onPhase = (phase) => this.lives.onCommit(phase);
    this.lives = new NodeLives({
      name: "S-CSCF",
      clock,
      story,
      newLife: () => around.newLife(),
      start: (tools) => this.#start(tools),
      stop: (scscf) => scscf.stop(),
      watched: {
        in: ["REGISTER "],
        out: ["SIP/2.0 200", "SIP/2.0 401", "NOTIFY ", "SUBSCRIBE "],
      },
      onMessage: (direction, message) => {
        const now = clock.now();
        if (direction === "in") this.ledger.received(message, now);
        else {
          this.ledger.sent(message, now);
          around.numbered("S-CSCF", message);
        }
      },
      mayRefuse: () => this.disk.isFull,
      onDown: () => this.#down(),
      ...hooks,
    });
  }

  get node(): Scscf | undefined {
    return this.lives.node;
  }

  async #start({ life, number, log, interceptor }: LifeTools): Promise<Scscf> {
    const around = this.#around;
    const metrics = createMetrics({ node: "scscf", processFigures: false });
    const counters = createScscfMetrics(metrics);
    const counted: Counted = { metrics, events: new Map() };
    this.#counted.push(counted);
    this.#isTakingOver = true;
    const scscf = await startScscf(
      around.worldOf(life, interceptor),
      log,
      around.plan.scscf,
      around.nextSeed(),
      {
        subscribers: this.#subscribers,
        store: this.#plant?.store(this.disk.storeOf(life), life) ?? this.disk.storeOf(life),
        metrics: {
          on: (event) => {
            if (!life.isAlive) return;
            counters.on(event);
            this.ledger.happened(event, around.clock.now());
            if (event.kind === "reauthentication-ended")
              count(counted.events, event.reauthentication.end);
          },
        },
      },
    );
    this.#watch(scscf, life);
    if (number > 1 && this.disk.isDurable) await this.#tookOver(scscf);
    this.#isTakingOver = false;
    return scscf;
  }

  /** Its table, as it changes. */
  #watch({ bindings }: Scscf, life: Life): void {
    const put = bindings.put.bind(bindings);
    bindings.put = (binding: Binding) => {
      if (life.isAlive && !this.#isTakingOver) this.ledger.holders.put(binding);
      put(binding);
    };
  }

  async #tookOver(scscf: Scscf): Promise<void> {
    const { subscriptions, bindings } = await this.disk.load();
    const found = new Map<string, FoundFacts>();
    for (const [id, { dialog }] of subscriptions)
      found.set(id, { callId: dialog.callId, cseq: dialog.remoteCseq ?? 0 });
    this.ledger.tookOver({
      now: this.#around.clock.now(),
      downSince: this.#downSince,
      refusedAt: this.disk.refusedAt,
      // One whose time is over serves nobody from the first moment on.
      bindings: [...bindings.keys()].flatMap((token) => scscf.registrations.known(token) ?? []),
      subscriptions: found,
    });
  }

  #down(): void {
    if (!this.#isTakingOver) this.#downSince = this.#around.clock.now();
    this.#isTakingOver = false;
    if (this.disk.isDurable) this.ledger.ends.died();
    else this.ledger.forgotten();
  }

  /** Time has passed. */
  stepped(): void {
    const scscf = this.node;
    if (scscf === undefined || this.#isTakingOver) return;
    this.ledger.stepped(this.#around.clock.now(), scscf.bindings.all(), {
      isEnforced: (impi) => this.#enforced.has(impi),
      isSubscribed: (binding) => scscf.notifier.subscriptionsOf(binding).length > 0,
    });
  }

  /** The node is up, and all is over. */
  async judgeEnds(): Promise<void> {
    const { judge } = this.#around;
    const running = new Set(
      [...(this.node?.bindings.all() ?? [])].flatMap(
        ({ reauthentication }) => reauthentication?.id ?? [],
      ),
    );
    judge(ONE_END, { ends: this.ledger.ends.ends, running });
    this.ledger.campaigns.judge(this.node?.campaigns.list() ?? []);
    for (const [at, { metrics, events }] of this.#counted.entries()) {
      const counted = endsIn(await metrics.text());
      const isLast = at === this.#counted.length - 1;
      const listed = isLast ? this.#listed() : events;
      judge(COUNTS_AGREE, { events, metrics: counted, listed });
    }
  }

  #listed(): ReadonlyMap<string, number> {
    const listed = new Map<string, number>();
    for (const one of this.node?.reauthentications.list() ?? [])
      if (one.progress === "ended") count(listed, one.end);
    return listed;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** `reauthentications_total` by end, as it is scraped. */
function endsIn(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [, end = "", value] of text.matchAll(
    /^reauthentications_total\{[^}]*\bend="(\w+)"[^}]*\} (\d+)/gm,
  ))
    counts.set(end, (counts.get(end) ?? 0) + Number(value));
  return counts;
}
