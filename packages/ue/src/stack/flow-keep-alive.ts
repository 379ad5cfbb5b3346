// Keep-alive of the connection to the P-CSCF: pings, and what follows when nobody answers. RFC 5626 §4.4.1.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import { type Flow, formatHostPort, type Transport } from "@ims-lab/common/sip/transport/transport";

/**
 * Whether a connection whose ping is not answered is given up: once this P-CSCF has answered one (who does not know
 * RFC 5626 answers none), always, or never.
 */
export type PongRule = "learn" | "require" | "ignore";

export interface FlowKeepAliveOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Logger | undefined;
  readonly transport: Transport;
  readonly pongs: PongRule;
}

/** RFC 5626 §4.4.1: between 95 s and 120 s, at random; of no use on UDP without a NAT. */
const KEEP_ALIVE_SECONDS = { least: 95, span: 25 };
/** RFC 5626 §4.4.1: without an answer by then the flow has failed. */
const PONG_MS = 10_000;

export class FlowKeepAlive {
  readonly #options: FlowKeepAliveOptions;
  #next: Timer | undefined;
  #awaited: Timer | undefined;
  /** The P-CSCF that has answered a ping. */
  #answering: string | undefined;

  constructor(options: FlowKeepAliveOptions) {
    this.#options = options;
  }

  /** Keeps this connection alive, and no other from now on. */
  start(flow: Flow): void {
    const { clock, random } = this.#options;
    const seconds = KEEP_ALIVE_SECONDS.least + KEEP_ALIVE_SECONDS.span * random.fraction();
    this.stop();
    this.#next = clock.after(seconds * 1000, () => {
      this.start(flow);
      this.#ping(flow);
    });
  }

  stop(): void {
    this.#next?.cancel();
    this.#awaited?.cancel();
  }

  #ping(flow: Flow): void {
    const { clock, transport } = this.#options;
    const awaited = clock.after(PONG_MS, () => this.#unanswered(flow));
    this.#awaited = awaited;
    transport.ping?.(flow, () => {
      awaited.cancel();
      this.#answering = formatHostPort(flow.remote);
    });
  }

  #unanswered(flow: Flow): void {
    const { pongs, transport, log } = this.#options;
    const pcscf = formatHostPort(flow.remote);
    const isFailed = pongs === "require" || (pongs === "learn" && this.#answering === pcscf);
    if (!isFailed) return;
    log?.warn("connection.unanswered", { pcscf, flow: flow.id });
    transport.giveUp?.(flow);
  }
}
