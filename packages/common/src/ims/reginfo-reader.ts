// The reginfo bodies that a node takes: bounded, what it cannot read answered 400, logged and counted. RFC 3680 §5, RFC 3261 §21.4.1.
import type { Logger } from "../platform/logger.ts";
import type { SipRequest } from "../sip/message/message.ts";
import type { Reginfo, ReginfoParse } from "./reginfo-document.ts";
import { parseReginfo } from "./reginfo-parse.ts";

export interface ReginfoReaderOptions {
  readonly log: Logger;
  readonly limits: { readonly maxXmlDepth: number };
  /** A limit was exceeded; see `limits.` in the settings. */
  onLimited?(limit: string): void;
}

export class ReginfoReader {
  readonly #options: ReginfoReaderOptions;
  /** A NOTIFY is judged, then used. */
  #last: { readonly notify: SipRequest; readonly read: ReginfoParse } | undefined;

  constructor(options: ReginfoReaderOptions) {
    this.#options = options;
  }

  /** The status that refuses this NOTIFY; undefined for one without a body, too. */
  judge(notify: SipRequest): number | undefined {
    if (notify.body.length === 0) return undefined;
    const read = this.#read(notify);
    if ("reginfo" in read) return undefined;
    const { log, onLimited } = this.#options;
    if (read.limit !== undefined) onLimited?.(read.limit);
    log.warn("notify.unreadable", { callId: notify.callId, why: read.problem });
    return 400;
  }

  /** Undefined for what is no document. */
  documentIn(notify: SipRequest): Reginfo | undefined {
    const read = this.#read(notify);
    return "reginfo" in read ? read.reginfo : undefined;
  }

  #read(notify: SipRequest): ReginfoParse {
    if (this.#last?.notify !== notify) {
      const { maxXmlDepth } = this.#options.limits;
      this.#last = { notify, read: parseReginfo(notify.body, maxXmlDepth) };
    }
    return this.#last.read;
  }
}
