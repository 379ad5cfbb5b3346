// Correlation of the nodes' traces: one message per hop, in order of time.
import type { Clock } from "@ims-lab/common/platform/clock";
import { decode } from "@ims-lab/common/sip/message/decode";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import { isSip } from "@ims-lab/common/sip/message/uri";
import {
  formatHostPort,
  type HostPort,
  type TransportName,
} from "@ims-lab/common/sip/transport/transport";
import type { TracedMessage } from "@ims-lab/common/trace/traced-message";

/** Where a message can come from or go to; a stranger is a device that is not the lab's own. */
export type Participant = "UE" | "P-CSCF" | "S-CSCF" | "stranger";

/** One hop as the transport saw it. */
export interface Hop {
  readonly from: HostPort;
  readonly to: HostPort;
  readonly transport: TransportName;
}

export interface LadderMessage {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly from: Participant;
  readonly to: Participant;
  readonly message: SipMessage;
}

/** A message with the addresses between which it passed. */
export interface ObservedMessage extends LadderMessage {
  readonly hop: Hop;
}

interface Report {
  readonly traced: TracedMessage;
  readonly message: SipMessage;
}

const PARTICIPANT_OF: Readonly<Record<string, Participant>> = {
  ue: "UE",
  pcscf: "P-CSCF",
  scscf: "S-CSCF",
};

/** Reports of different processes may cross by this much; messages come out in the order of their times. */
const SETTLE_MS = 150;
const PASS_ON_EVERY_MS = 50;

export class MessageCorrelator {
  readonly #owners: Map<string, Participant>;
  readonly #transports = new Map<string, TransportName>();
  readonly #clock: Clock;
  readonly #onSeen: (seen: ObservedMessage) => void;
  #waiting: Report[] = [];

  /** @param known the addresses at which the nodes listen; others are learnt from the reports */
  constructor(options: {
    readonly known: ReadonlyMap<string, Participant>;
    readonly clock: Clock;
    readonly onSeen: (seen: ObservedMessage) => void;
  }) {
    this.#owners = new Map(options.known);
    this.#clock = options.clock;
    this.#onSeen = options.onSeen;
  }

  /** A node listens at `address`, by its `ready` line. */
  listens(address: HostPort, place: Participant, transport?: TransportName): void {
    this.#owners.set(formatHostPort(address), place);
    if (transport !== undefined) this.#transports.set(formatHostPort(address), transport);
  }

  /** A trace tells UDP from TCP alone; TLS and WebSocket are known by the listener. */
  #transportOf({ from, to, transport }: TracedMessage): TransportName {
    const of = (at: HostPort): TransportName | undefined =>
      this.#transports.get(formatHostPort(at));
    return of(to) ?? of(from) ?? transport;
  }

  report(traced: TracedMessage): void {
    const { message } = decode(traced.bytes);
    if (message === undefined) return;
    this.#learn(traced);
    this.#learnFromVia(traced, message);
    if (this.#waiting.length === 0) this.#passOnLater();
    this.#waiting.push({ traced, message });
  }

  /** A node that talks to another's address does so from an address of its own. */
  #learn({ node = "", from, to }: TracedMessage): void {
    const reporter = PARTICIPANT_OF[node];
    if (reporter === undefined) return;
    for (const [mine, other] of [
      [from, to],
      [to, from],
    ] as const) {
      const owner = this.#ownerOf(other);
      if (owner !== "stranger" && owner !== reporter && this.#ownerOf(mine) === "stranger")
        this.#owners.set(formatHostPort(mine), reporter);
    }
  }

  /** A connection comes from a port of its own; who opened it stands in the request's Via. */
  #learnFromVia({ from }: TracedMessage, message: SipMessage): void {
    const via = message.kind === "request" ? message.get(Via) : undefined;
    if (via?.port === undefined || this.#ownerOf(from) !== "stranger") return;
    const owner = this.#ownerOf({ host: via.host, port: via.port });
    if (owner !== "stranger") this.#owners.set(formatHostPort(from), owner);
  }

  /**
   * npm sip neither knows the port of its TCP connections nor names an address in its Via: the
   * branch shows that the message from there is the one that it reports as sent.
   */
  #learnFromBranches(reports: readonly Report[]): void {
    const senders = new Map<string, Participant>();
    for (const report of reports) {
      const { from, node = "" } = report.traced;
      const reporter = PARTICIPANT_OF[node];
      if (reporter !== undefined && this.#ownerOf(from) === reporter)
        senders.set(hopOf(report), reporter);
    }
    for (const report of reports) {
      const { from } = report.traced;
      const sender = senders.get(hopOf(report));
      if (sender !== undefined && this.#ownerOf(from) === "stranger")
        this.#owners.set(formatHostPort(from), sender);
    }
  }

  #ownerOf(address: HostPort): Participant {
    return this.#owners.get(formatHostPort(address)) ?? "stranger";
  }

  #passOnLater(): void {
    this.#clock.after(PASS_ON_EVERY_MS, () => this.#passOn());
  }

  /** Passes on the messages that are old enough for nothing to come before them. */
  #passOn(): void {
    const until = this.#clock.now() - SETTLE_MS;
    this.#learnFromBranches(this.#waiting);
    const departures = this.#departures(this.#waiting);
    const due: ObservedMessage[] = [];
    this.#waiting = this.#waiting.filter((report) => {
      const seen = this.#seen(report, departures);
      // A report that shows nothing may yet tell when a message left.
      if ((seen?.at ?? report.traced.at + SETTLE_MS) > until) return true;
      if (seen !== undefined) due.push(seen);
      return false;
    });
    for (const message of due.sort((a, b) => a.at - b.at)) this.#onSeen(message);
    if (this.#waiting.length > 0) this.#passOnLater();
  }

  /**
   * When the P-CSCF, by which everything passes, sent what. The clocks of two processes differ by more than it
   * takes to relay a message: by one clock alone a message never passes before the one it follows from.
   */
  #departures(reports: readonly Report[]): ReadonlyMap<string, number[]> {
    const found = new Map<string, number[]>();
    for (const report of reports) {
      const { node = "", from, at } = report.traced;
      if (PARTICIPANT_OF[node] !== "P-CSCF" || this.#ownerOf(from) !== "P-CSCF") continue;
      const key = messageOf(report);
      found.set(key, [...(found.get(key) ?? []), at]);
    }
    return found;
  }

  /**
   * Between two nodes both report; the receiver's report counts, as it proves the arrival. To a
   * device only the sender's exists.
   */
  #seen(report: Report, departures: ReadonlyMap<string, number[]>): ObservedMessage | undefined {
    const { traced, message } = report;
    const [from, to] = [this.#ownerOf(traced.from), this.#ownerOf(traced.to)];
    if (to !== "stranger" && to !== PARTICIPANT_OF[traced.node ?? ""]) return undefined;
    const isFromProxy = from === "P-CSCF" && to !== "stranger";
    const departed = isFromProxy ? departures.get(messageOf(report))?.shift() : undefined;
    const hop = { from: traced.from, to: traced.to, transport: this.#transportOf(traced) };
    return { at: departed ?? traced.at, from, to, message, hop };
  }
}

/** The same for its sender and its receiver: branches are of one hop (RFC 3261 §8.1.1.7), responses repeat them. */
function messageOf({ message }: Report): string {
  return `${message.get(Via)?.branch ?? ""} ${message.startLine}`;
}

/** Names one message on one hop: requests have another branch on each (RFC 3261 §8.1.1.7). */
function hopOf({ traced, message }: Report): string {
  const branch = message.get(Via)?.branch ?? "";
  return `${message.kind} ${branch} ${formatHostPort(traced.to)}`;
}

/** A UE asks every half minute whether its registration stands (OPTIONS to the domain): news only when it does not. */
export function isRegistrationCheck({ message }: LadderMessage): boolean {
  const { method } = message.cseq;
  const { uri } = message.to;
  if (method !== "OPTIONS" || !isSip(uri) || uri.user !== undefined) return false;
  return message.kind === "request" || message.status < 300;
}
