// A request to a cluster of S-CSCFs: one node after the other until one serves. RFC 3263 §4.3.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type {
  ClientTransaction,
  Destination,
  RequestFailure,
  ResponseHandlers,
} from "@ims-lab/common/sip/transaction/user";
import type { ScscfPool } from "./scscf-pool.ts";

export interface ClusterNode {
  /** Its URI in the settings. */
  readonly scscf: string;
  readonly to: Destination;
}

export interface ClusterRequestOptions {
  /** Best first; at least one. */
  readonly nodes: readonly ClusterNode[];
  readonly handlers: ResponseHandlers;
  readonly clock: Clock;
  readonly pool: ScscfPool;
  send(node: ClusterNode, handlers: ResponseHandlers): ClientTransaction;
  /** This node has given its final answer. */
  onServed(scscf: string): void;
  /** It goes to no other node, come what may. */
  onSettled(): void;
}

/** A node that has said nothing for so long is asked for a sign of life; what it works at may take longer. */
const DOUBT_MS = 1_000;
/** One that is down already is waited for no longer than this. */
const PATIENCE_MS = 3_000;

/** Says nothing of the node: the request itself is to blame, or whoever it went on to. */
const NOT_THE_NODE: ReadonlySet<RequestFailure> = new Set(["too-large", "timeout", "overloaded"]);

export class ClusterRequest implements ClientTransaction {
  readonly #options: ClusterRequestOptions;
  #at = -1;
  #client: ClientTransaction | undefined;
  /** While another node may be asked. */
  #timer: Timer | undefined;
  #unwatch: (() => void) | undefined;
  /** Why, once it is. */
  #cancelled: readonly string[] | undefined;

  constructor(options: ClusterRequestOptions) {
    this.#options = options;
  }

  get branch(): string {
    return this.#client?.branch ?? "";
  }

  start(): void {
    this.#next();
  }

  cancel(reasons: readonly string[] = []): void {
    this.#cancelled = reasons;
    this.#client?.cancel(reasons);
  }

  abandon(): void {
    this.#settled();
    this.#client?.abandon();
  }

  /** False: there is nobody left. */
  #next(): boolean {
    const node = this.#options.nodes[this.#at + 1];
    if (node === undefined) return false;
    this.#at += 1;
    this.#client?.abandon();
    if (this.#at + 1 < this.#options.nodes.length) this.#watch(node);
    this.#client = this.#options.send(node, {
      onResponse: (response, flow) => {
        const isRefused = response.status === 503;
        if (isRefused && this.#goesOn()) {
          this.#options.pool.doubt(node.scscf); // it may have refused this user alone
          return;
        }
        this.#settled(); // who has begun to answer has taken the request
        if (response.status >= 200 && !isRefused) this.#options.onServed(node.scscf);
        this.#options.handlers.onResponse(response, flow);
      },
      onFailure: (why) => {
        if (!NOT_THE_NODE.has(why)) {
          const goesOn = this.#goesOn();
          this.#options.pool.note(node.scscf, false, `request ${why}`);
          if (goesOn) return;
        }
        this.#settled();
        this.#options.handlers.onFailure(why);
      },
    });
    return true;
  }

  #watch({ scscf }: ClusterNode): void {
    const { clock, pool } = this.#options;
    this.#timer = pool.isUp(scscf)
      ? clock.after(DOUBT_MS, () => pool.doubt(scscf))
      : clock.after(PATIENCE_MS, () => void this.#goesOn());
    this.#unwatch = pool.whenDown(scscf, () => void this.#goesOn());
  }

  /** True: another one has been asked. Nobody is after a CANCEL. */
  #goesOn(): boolean {
    const mayGoOn = this.#timer !== undefined && this.#cancelled === undefined;
    this.#unheed();
    return mayGoOn && this.#next();
  }

  #settled(): void {
    this.#unheed();
    this.#options.onSettled();
  }

  #unheed(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#unwatch?.();
    this.#unwatch = undefined;
  }
}
