// Promises of the network to its devices: every answer that they got, and what must hold of it from then on.
import { parseReginfo } from "@ims-lab/common/ims/reginfo";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { LoggedMessage } from "./message-log.ts";

export interface PromisedRegistration {
  readonly impu: string;
  readonly callId: string;
  readonly cseq: number;
}

interface LastNotify {
  readonly cseq: number;
  readonly version: number;
}

/** RFC 3261 §17.1.2.2: 64*T1. */
const TIMER_F_MS = 32_000;
const DAY_MS = 86_400_000;

export class Promises {
  /** By IMPU: of the REGISTERs that were answered 200 the last. */
  readonly registrations: Map<string, PromisedRegistration> = new Map<
    string,
    PromisedRegistration
  >();
  /** IMPUs of devices whose SUBSCRIBE was answered 200. */
  readonly subscribed: Set<string> = new Set<string>();
  /** By IMPU: how many REGISTERs that answered a challenge have been accepted. */
  readonly accepted: Map<string, number> = new Map<string, number>();
  /** By IMPU: NOTIFYs that asked it to register again. */
  readonly asked: Map<string, number> = new Map<string, number>();
  /** What was broken already. */
  readonly broken: string[] = [];
  /** NOTIFYs that the device has not answered, by Call-ID and CSeq: since when, and whose. */
  readonly #unanswered = new Map<string, { readonly impu: string; readonly since: number }>();
  /** Of the last message, milliseconds of the day. */
  #latest = 0;
  readonly #lastNotify = new Map<string, LastNotify>();
  readonly #seen = new Set<string>();

  hear({ at, direction, message }: LoggedMessage): void {
    this.#latest = at;
    if (direction === "sent") {
      if (message.kind === "response") this.#unanswered.delete(keyOf(message));
    } else if (message.kind === "response") this.#answered(message);
    else if (message.method === "NOTIFY") this.#notified(message, at);
  }

  /**
   * Whether SIPp's device has left a NOTIFY alone for 64*T1, as it does when answers and NOTIFYs come in an order that it
   * does not know: then its subscription is over (RFC 6665 §4.2.2).
   */
  isDeaf(impu: string): boolean {
    for (const one of this.#unanswered.values())
      if (one.impu === impu && (this.#latest - one.since + DAY_MS) % DAY_MS >= TIMER_F_MS)
        return true;
    return false;
  }

  #answered(response: SipResponse): void {
    const { status, callId, cseq, to } = response;
    if (status < 200 || status >= 300) return;
    const impu = to.uriText;
    if (cseq.method === "SUBSCRIBE") this.subscribed.add(impu);
    if (cseq.method !== "REGISTER") return;
    const before = this.registrations.get(impu);
    if (before !== undefined && before.callId === callId && before.cseq >= cseq.number) return;
    this.registrations.set(impu, { impu, callId, cseq: cseq.number });
    this.accepted.set(impu, (this.accepted.get(impu) ?? 0) + 1);
  }

  #notified(notify: SipRequest, at: number): void {
    const { callId, cseq, from } = notify;
    const unanswered = keyOf(notify);
    // A NOTIFY that was sent again is the same one, over whatever P-CSCF it comes.
    const key = `${callId} ${cseq.number} ${notify.all(Via).at(-1)?.branch ?? ""}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const impu = from.uriText;
    this.#unanswered.set(unanswered, { impu, since: at });
    const read = parseReginfo(notify.body, 16);
    if ("problem" in read) {
      this.broken.push(`${impu}: a NOTIFY whose body is no reginfo: ${read.problem}`);
      return;
    }
    const { version } = read.reginfo;
    const dialog = `${callId} ${from.params.get("tag") ?? ""}`;
    const last = this.#lastNotify.get(dialog);
    if (last !== undefined && (cseq.number <= last.cseq || version <= last.version))
      this.broken.push(
        `${impu}: NOTIFY with CSeq ${cseq.number}, version ${version} after CSeq ${last.cseq}, version ${last.version}`,
      );
    this.#lastNotify.set(dialog, { cseq: cseq.number, version });
    const events = read.reginfo.registrations.flatMap(({ contacts }) => contacts);
    if (events.some(({ event }) => event === "shortened"))
      this.asked.set(impu, (this.asked.get(impu) ?? 0) + 1);
  }
}

function keyOf({ callId, cseq }: SipRequest | SipResponse): string {
  return `${callId} ${cseq.number} ${cseq.method}`;
}
