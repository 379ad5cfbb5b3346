// The surroundings that everything in a run shares: time, network, weather, the story, and the judge of invariants.

import type { Interceptor } from "@ims-lab/common/sip/endpoint/interceptors";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { type Addresses, addressesOf } from "../scenarios/addresses.ts";
import type { World } from "../scenarios/nodes.ts";
import { type Invariant, NUMBERS_RISE, type RequestNumbers } from "./invariants.ts";
import { Life } from "./life.ts";
import type { Plan, StorePlan } from "./plan.ts";
import { SimulationClock } from "./simulation-clock.ts";
import { Story } from "./story.ts";
import { Weather } from "./weather.ts";

/** Ends the run when an invariant does not hold. */
export type Judge = <Facts>(invariant: Invariant<Facts>, facts: Facts) => void;

export interface Violation {
  readonly at: number;
  readonly invariant: string;
  readonly clause: string;
  readonly holds: string;
  readonly what: readonly string[];
}

export class Surroundings {
  readonly clock: SimulationClock = new SimulationClock();
  readonly at: Addresses = addressesOf("IPv4", "IPv4");
  readonly story: Story;
  readonly weather: Weather;
  readonly network: SimulatedNetwork;
  readonly plan: Plan;
  /** The first. */
  violation: Violation | undefined;
  readonly #numbers = new Map<string, RequestNumbers>();
  readonly #branches = new Set<string>();
  #seeds: number;

  constructor(plan: Plan, isTold: boolean) {
    this.plan = plan;
    this.story = new Story(isTold);
    this.#seeds = plan.seed * 1000;
    this.weather = new Weather(seededRandom(plan.seed));
    this.network = new SimulatedNetwork({
      clock: this.clock,
      latencyMs: () => this.weather.latency(),
    });
    this.weather.over(this.network);
  }

  /** Another one each time: no two processes draw the same. */
  nextSeed(): number {
    return ++this.#seeds;
  }

  /** How long each step of a commit takes, milliseconds. */
  delayOf({ delayMs: [least, most] }: StorePlan): () => number {
    const random = seededRandom(this.nextSeed());
    return () => least + (most - least) * random.fraction();
  }

  newLife(): Life {
    const { clock, network } = this;
    return new Life({ clock, network, isDoubled: () => this.weather.isDoubled() });
  }

  /** What a process of this life is given. */
  worldOf(life: Life, interceptor: Interceptor): World {
    return { clock: life, network: life, at: this.at, interceptorsOf: () => [interceptor] };
  }

  readonly judge: Judge = <Facts>(invariant: Invariant<Facts>, facts: Facts): void => {
    const what = invariant.check(facts);
    if (what.length === 0 || this.violation !== undefined) return;
    const { name, clause, holds } = invariant;
    this.violation = { at: this.clock.now(), invariant: name, clause, holds, what };
    this.story.tell(this.clock.now(), `${name.toUpperCase()} DOES NOT HOLD: ${what.join("; ")}`);
    this.clock.pause();
  };

  /** A request that this node has made itself, as it leaves. */
  numbered(node: string, message: SipMessage): void {
    if (message.kind !== "request" || !COUNTED.has(message.method)) return;
    const vias = message.all(Via);
    if (vias.length !== 1) return; // relayed
    const tag = message.from.params.get("tag") ?? "";
    // Dialogs of one REGISTER's kind have no tag in common: their order is that of the Call-ID.
    const dialog = `${node} ${message.callId} ${message.method === "REGISTER" ? "" : tag}`;
    const version = /<reginfo\b[^>]*\bversion="(\d+)"/.exec(message.body.toString("latin1"))?.[1];
    const next: RequestNumbers = {
      cseq: message.cseq.number,
      branch: vias[0]?.branch ?? "",
      version: version === undefined ? undefined : Number(version),
    };
    const last = this.#numbers.get(dialog);
    if (this.#branches.has(next.branch)) return; // a retransmission
    this.#branches.add(next.branch);
    if (last !== undefined) this.judge(NUMBERS_RISE, { dialog, last, next });
    this.#numbers.set(dialog, next);
  }
}

const COUNTED: ReadonlySet<string> = new Set(["REGISTER", "SUBSCRIBE", "NOTIFY"]);
