// Dialogs in which a UE has asked to stay unnamed: its later requests do not say so again. RFC 3325 §7, TS 24.229 §4.4.
import { asksForId } from "@ims-lab/common/ims/trust-domain";
import { tagOf } from "@ims-lab/common/sip/dialog/dialog";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";

const MOST = 100_000;

export class PrivateDialogs {
  /** By Call-ID and the UE's tag; the oldest is forgotten first. */
  readonly #keys = new Set<string>();

  /** A request of a UE that makes a dialog. */
  asked(request: SipRequest): void {
    if (asksForId(request)) this.#keep(request.callId, tagOf(request.from));
  }

  /** A UE's answer to one. */
  answered(response: SipResponse): void {
    if (asksForId(response)) this.#keep(response.callId, tagOf(response.to));
  }

  /** Within the dialog the UE is no more to be named than when it began. Changes `request`. */
  keepPrivate(request: SipRequest): void {
    if (this.#keys.size === 0 || request.has("Privacy")) return;
    if (this.#keys.has(keyOf(request.callId, tagOf(request.from)))) request.set("Privacy", "id");
  }

  #keep(callId: string, tag: string): void {
    const key = ownCopy(keyOf(callId, tag));
    this.#keys.delete(key);
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > MOST && oldest !== undefined) this.#keys.delete(oldest);
  }
}

function keyOf(callId: string, tag: string): string {
  return `${callId} ${tag}`;
}
