// Refusals in the log and in the users' histories: each cause of each user and device once, then summed up.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger, LogValue } from "@ims-lab/common/platform/logger";
import { SummedLines } from "@ims-lab/common/platform/summed-lines";
import { hostOfPeer } from "@ims-lab/common/sip/transport/transport";
import type { EventKind } from "./history/event-words.ts";
import type { UserHistory } from "./history/user-history.ts";

/** What was refused; the peer hears the status alone. */
export interface RefusalFields extends Readonly<Record<string, LogValue>> {
  /** One plain sentence, for the operator. */
  readonly why: string;
  /** The device's address: `192.0.2.7:5060/udp`. */
  readonly source: string;
  readonly impi?: string | undefined;
  readonly impu?: string | undefined;
  readonly status?: number;
  /** The kind of refusal. */
  readonly reason?: string;
}

const ADVISE_AGAIN_MS = 600_000;
/** What strangers are told nothing of, and an operator should do about it. */
const ADVICE: ReadonlyMap<LogValue | undefined, Readonly<Record<string, string>>> = new Map([
  [
    "untrusted-peer",
    { setting: "trustedPeers", next: "if it is a P-CSCF of yours, add it there with its port" },
  ],
  [
    "past-pcscf",
    { next: "set that P-CSCF as the device's outbound proxy: it follows its Service-Route alone" },
  ],
]);

export interface RefusalLogOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly history: UserHistory;
}

export class RefusalLog {
  readonly #lines: SummedLines;
  /** Who is no peer of ours: advice, said once in a while. */
  readonly #strangers: SummedLines;
  readonly #history: UserHistory;

  constructor({ log, clock, history }: RefusalLogOptions) {
    this.#lines = new SummedLines({ log, clock });
    this.#strangers = new SummedLines({ log, clock, windowMs: ADVISE_AGAIN_MS, burst: 1 });
    this.#history = history;
  }

  warn(event: string, fields: RefusalFields, kind?: EventKind): void {
    this.#say("warn", event, fields, kind);
  }

  /** What users may run into every day. */
  info(event: string, fields: RefusalFields, kind?: EventKind): void {
    this.#say("info", event, fields, kind);
  }

  /** Says what was counted and not said yet. */
  close(): void {
    this.#lines.close();
    this.#strangers.close();
  }

  #say(level: "info" | "warn", event: string, fields: RefusalFields, kind?: EventKind): void {
    const { impi, impu, source, why, status, reason } = fields;
    if (kind !== undefined)
      this.#history.tried(fields, kind, status === undefined ? why : `${status}: ${why}`);
    const host = hostOfPeer(source);
    const advice = ADVICE.get(reason);
    if (advice !== undefined) {
      const advised = { ...fields, ...advice };
      this.#strangers.say({ level: "warn", event, key: why, host, fields: advised });
      return;
    }
    const key = `${reason ?? why} ${impi ?? impu ?? ""} ${host}`;
    this.#lines.say({ level, event, key, host, fields });
  }
}
