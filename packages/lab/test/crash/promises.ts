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

/** A device that waits for the answer to its REGISTER takes no NOTIFY: long before 64*T1, RFC 6665 §4.2.2. */
const DEAF_MS = 20_000;

interface LastNotify {
  readonly cseq: number;
  readonly version: number;
}

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
  /** IMPUs of devices that left a NOTIFY unanswered so long that their subscription may end: nothing is promised to them. */
  readonly deaf: Set<string> = new Set<string>();
  /** By Call-ID and CSeq: when it came first, be it that its answer has not arrived and it came again. */
  readonly #unanswered = new Map<string, { readonly impu: string; readonly at: number }>();
  readonly #notifiedAt = new Map<string, number>();
  readonly #lastNotify = new Map<string, LastNotify>();
  readonly #seen = new Set<string>();

  /** @param now milliseconds since the epoch */
  hear({ direction, message }: LoggedMessage, now: number): void {
    const key = `${message.callId} ${message.cseq.number}`;
    if (direction === "sent") {
      if (message.kind === "response") this.#unanswered.delete(key);
    } else if (message.kind === "response") this.#answered(message);
    else if (message.method === "NOTIFY") {
      const impu = message.from.uriText;
      const at = this.#notifiedAt.get(key) ?? now;
      this.#notifiedAt.set(key, at);
      this.#unanswered.set(key, { impu, at });
      this.#notified(message);
    }
  }

  /** @param now milliseconds since the epoch */
  endThoseOfDeaf(now: number): void {
    for (const [key, { impu, at }] of this.#unanswered) {
      if (now - at < DEAF_MS) continue;
      this.#unanswered.delete(key);
      this.deaf.add(impu);
      this.registrations.delete(impu);
      this.subscribed.delete(impu);
    }
  }

  #answered(response: SipResponse): void {
    const { status, callId, cseq, to } = response;
    const impu = to.uriText;
    if (status < 200 || status >= 300 || this.deaf.has(impu)) return;
    if (cseq.method === "SUBSCRIBE") this.subscribed.add(impu);
    if (cseq.method !== "REGISTER") return;
    const before = this.registrations.get(impu);
    if (before !== undefined && before.callId === callId && before.cseq >= cseq.number) return;
    this.registrations.set(impu, { impu, callId, cseq: cseq.number });
    this.accepted.set(impu, (this.accepted.get(impu) ?? 0) + 1);
  }

  #notified(notify: SipRequest): void {
    const { callId, cseq, from } = notify;
    // A NOTIFY that was sent again is the same one, over whatever P-CSCF it comes.
    const key = `${callId} ${cseq.number} ${notify.all(Via).at(-1)?.branch ?? ""}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const impu = from.uriText;
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
