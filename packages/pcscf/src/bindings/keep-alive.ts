// Keeps the holes in NATs open: CRLFCRLF down every UDP flow that came through one. RFC 5626 §3.5.1, RFC 6223.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import type { Binding } from "./binding.ts";
import type { FlowTable } from "./flow-table.ts";

export interface KeepAliveOptions {
  readonly clock: Clock;
  readonly table: FlowTable;
  /** 0: never. */
  readonly intervalMs: number;
  ping(flow: Flow): void;
}

/** One timer per flow, however many users share it. */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  readonly #timers = new Map<string, Timer>();

  constructor(options: KeepAliveOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#timers.size;
  }

  bound({ flow, natted }: Binding): void {
    if (this.#options.intervalMs === 0 || !natted || flow.transport !== "udp") return;
    if (!this.#timers.has(flow.id)) this.#arm(flow);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #arm(flow: Flow): void {
    const { clock, intervalMs, table, ping } = this.#options;
    const fire = (): void => {
      this.#timers.delete(flow.id);
      if (table.countOnFlow(flow) === 0) return;
      ping(flow);
      this.#arm(flow);
    };
    this.#timers.set(flow.id, clock.after(intervalMs, fire));
  }
}
