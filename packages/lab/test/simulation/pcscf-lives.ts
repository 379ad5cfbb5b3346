// The P-CSCF of a run over all its lives.

import { TextRows } from "@ims-lab/common/testing/text-rows";
import { associationOf, type Binding, contactsOf } from "../../../pcscf/src/bindings/binding.ts";
import type { Pcscf } from "../../../pcscf/src/node.ts";
import { TABLES, type Tables } from "../../../pcscf/src/rows.ts";
import { startPcscf } from "../scenarios/nodes.ts";
import { EdgeLedger } from "./edge-ledger.ts";
import { type HolderFacts, SAME_HOLDER } from "./invariants.ts";
import type { Life } from "./life.ts";
import { type LifeHooks, type LifeTools, NodeLives } from "./node-lives.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import type { Surroundings } from "./surroundings.ts";

export class PcscfLives {
  readonly lives: NodeLives<Pcscf>;
  readonly disk: SimulatedDisk<Tables>;
  readonly ledger: EdgeLedger;
  readonly #around: Surroundings;

  constructor(around: Surroundings, hooks: LifeHooks) {
    const { clock, story } = around;
    this.#around = around;
    this.ledger = new EdgeLedger(around.judge);
    this.disk = new SimulatedDisk({
      clock,
      open: () => new TextRows(TABLES),
      isDurable: around.plan.pcscfStore.isDurable,
      delayMs: around.delayOf(around.plan.pcscfStore),
    });
    this.disk.onPhase = (phase) => this.lives.onCommit(phase);
    this.lives = new NodeLives({
      name: "P-CSCF",
      clock,
      story,
      newLife: () => around.newLife(),
      start: (tools) => this.#start(tools),
      stop: (pcscf) => pcscf.stop(),
      watched: { in: ["REGISTER "], out: ["SIP/2.0 200", "NOTIFY ", "SUBSCRIBE "] },
      onMessage: (direction, message) => {
        if (direction === "in") this.ledger.received(message);
        else {
          this.ledger.sent(message, clock.now());
          around.numbered("P-CSCF", message);
        }
      },
      mayRefuse: () => this.disk.isFull,
      onDown: () => {
        if (!this.disk.isDurable) this.ledger.forgotten();
      },
      ...hooks,
    });
  }

  /** What it knew has died with a process of it. */
  get hasForgotten(): boolean {
    return this.lives.count > 1 && !this.disk.isDurable;
  }

  get node(): Pcscf | undefined {
    return this.lives.node;
  }

  async #start({ life, number, log, interceptor }: LifeTools): Promise<Pcscf> {
    const around = this.#around;
    const world = around.worldOf(life, interceptor);
    const store = this.disk.isDurable ? this.disk.storeOf(life) : undefined;
    const stored = store && { store, contents: await store.load() };
    const pcscf = await startPcscf(world, log, around.plan.pcscf, around.nextSeed(), { stored });
    this.#watch(pcscf, life);
    if (number > 1 && store !== undefined)
      this.ledger.tookOver(pcscf.table.all(), around.clock.now());
    return pcscf;
  }

  #watch({ table }: Pcscf, life: Life): void {
    this.ledger.watch(table, () => life.isAlive);
    const bind = table.bind.bind(table);
    table.bind = (binding) => {
      const before = table.registered(binding.token);
      if (life.isAlive)
        this.#around.judge(SAME_HOLDER, {
          node: "P-CSCF",
          contact: contactsOf(binding)
            .map(({ contact }) => contact)
            .join(", "),
          before: before && holderOf(before),
          after: holderOf(binding),
        });
      bind(binding);
    };
  }
}

function holderOf({ impi, flow, authenticatedAt }: Binding): HolderFacts {
  return { impi, place: associationOf(flow), authenticatedAt };
}
