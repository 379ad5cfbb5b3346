// The traffic of a lab, and the words it is asked about in.
import { decode } from "@ims-lab/common/sip/message/decode";
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import { type Figure, FigureProgress, type Step } from "../../src/launcher/figures.ts";
import { headline, highlights } from "../../src/launcher/highlights.ts";
import type { LadderMessage, Participant } from "../../src/launcher/message-correlator.ts";

export class Traffic {
  /** Every message that arrived at a node, retransmissions too; see `forget`. */
  readonly seen: LadderMessage[] = [];
  readonly #watches = new Set<FigureProgress>();

  protected arrived(bytes: Buffer, from: Participant, to: Participant, at: number): void {
    const { message } = decode(bytes);
    if (message === undefined) return;
    const seen = { at, from, to, message } as const;
    this.seen.push(seen);
    for (const watch of this.#watches) watch.take(seen);
  }

  /** Forgets what was seen so far. */
  forget(): void {
    this.seen.length = 0;
  }

  /** Follows a figure from now on: the same definition as the demo's. */
  watch(figure: Figure): FigureProgress {
    const watch = new FigureProgress(figure);
    this.#watches.add(watch);
    return watch;
  }

  /** Steps of a figure that nothing seen so far is, in whatever order it came: loss changes the order. */
  lacking(figure: Figure): readonly string[] {
    return figure.steps
      .filter(
        ({ from, to, matches }) =>
          !this.seen.some((s) => s.from === from && s.to === to && matches(s.message)),
      )
      .map(describe);
  }

  /** `UE → P-CSCF: REGISTER sip:… (expires 600, answer)` per message that arrived. */
  get ladder(): readonly string[] {
    return this.seen.map(({ from, to, message }) => {
      const notes = highlights(message);
      return `${from} → ${to}: ${headline(message)}${notes === "" ? "" : ` (${notes})`}`;
    });
  }

  /** What arrived over this hop: requests by method, responses by `status method`. */
  passed(what: string, from?: Participant, to?: Participant): readonly SipMessage[] {
    return this.seen
      .filter((seen) => from === undefined || seen.from === from)
      .filter((seen) => to === undefined || seen.to === to)
      .map(({ message }) => message)
      .filter((message) => nameOf(message) === what);
  }

  /** Different requests of this method that arrived: retransmissions count once. */
  attempts(method: string, from?: Participant, to?: Participant): number {
    const requests = this.passed(method, from, to);
    return new Set(requests.map(({ callId, cseq }) => `${callId} ${cseq.number}`)).size;
  }

  /** Different NOTIFYs that asked the UE to register. */
  get triggers(): number {
    const notifies = this.passed("NOTIFY", "P-CSCF", "UE");
    const asking = notifies.filter(({ body }) => body.includes('event="shortened"'));
    return new Set(asking.map(({ callId, cseq }) => `${callId} ${cseq.number}`)).size;
  }
}

/** What has not passed of the figures: `Figure 3: 13 SUBSCRIBE from UE to P-CSCF`. */
export function missing(watches: readonly FigureProgress[]): readonly string[] {
  return watches.flatMap(({ figure, missing: steps }) =>
    steps.map((step) => `Figure ${figure.label}: ${describe(step)}`),
  );
}

function describe({ number, name, from, to }: Step): string {
  return `${number} ${name} from ${from} to ${to}`;
}

function nameOf(message: SipMessage): string {
  return message.kind === "request" ? message.method : `${message.status} ${message.cseq.method}`;
}
