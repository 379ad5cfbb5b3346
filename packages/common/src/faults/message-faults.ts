// Faults of messages between a node and its SIP side: each looks at a message and changes, answers, delays, repeats or swallows it.
import type { SendHandlers } from "../sip/event/sender.ts";
import type { SipRequest, SipResponse } from "../sip/message/message.ts";
import type { Incoming, RefusalOptions } from "../sip/transaction/user.ts";
import type { FaultSwitches } from "./fault-switches.ts";

/** Stands in the way of what passes; hands it on with `next`: at once, later, changed, more than once, or never. */
export interface FaultLink<Name extends string, What extends unknown[]> {
  readonly name: Name;
  /** Switched off, it has still to see what passes. */
  readonly lingers?: boolean;
  pass(next: (...what: What) => void, ...what: What): void;
}

/** A way that leads past the faults which are on: the bare way itself while none is. */
export class FaultyWay<Name extends string, What extends unknown[]> {
  /** To be asked for at each use. */
  pass: (...what: What) => void;
  readonly #switches: FaultSwitches<Name>;
  readonly #links: readonly FaultLink<Name, What>[];
  readonly #bare: (...what: What) => void;

  /** @param links the first one is met first */
  constructor(
    switches: FaultSwitches<Name>,
    links: readonly FaultLink<Name, What>[],
    bare: (...what: What) => void,
  ) {
    this.#switches = switches;
    this.#links = links;
    this.#bare = bare;
    this.pass = bare;
    switches.onChange(() => this.#relink());
    this.#relink();
  }

  get isBare(): boolean {
    return this.pass === this.#bare;
  }

  #relink(): void {
    const present = this.#links.filter(
      ({ name, lingers }) => lingers === true || this.#switches.isArmed(name),
    );
    this.pass = present.reduceRight<(...what: What) => void>(
      (next, link) =>
        (...what) =>
          link.pass(next, ...what),
      this.#bare,
    );
  }
}

/** A request that has come. */
export type IncomingFault<Name extends string> = FaultLink<Name, [incoming: Incoming]>;

/** A request that is to leave, before it has a transaction: retransmissions repeat it as it then is. */
export type SendingFault<Name extends string> = FaultLink<
  Name,
  [request: SipRequest, handlers: SendHandlers]
>;

/** A request whose answer passes a fault on its way to the transaction. */
export class AnsweredThrough implements Incoming {
  readonly #incoming: Incoming;
  readonly #change: (response: SipResponse) => SipResponse;

  constructor(incoming: Incoming, change: (response: SipResponse) => SipResponse) {
    this.#incoming = incoming;
    this.#change = change;
  }

  get request(): SipRequest {
    return this.#incoming.request;
  }

  get flow(): Incoming["flow"] {
    return this.#incoming.flow;
  }

  get cancels(): Incoming | undefined {
    return this.#incoming.cancels;
  }

  claim(holder: string): boolean {
    return this.#incoming.claim?.(holder) ?? true;
  }

  respond(response: SipResponse): void {
    this.#incoming.respond(this.#change(response));
  }

  refuse(status: number, options?: RefusalOptions): void {
    this.#incoming.refuse(status, options);
  }

  drop(): void {
    this.#incoming.drop();
  }
}
