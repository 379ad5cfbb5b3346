// Subscriptions that an S-CSCF has granted, as its messages and rows tell. RFC 6665 §4.2.1.
import { Expires, SubscriptionState } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { Change } from "../../../scscf/src/rows.ts";
import type { AnnouncedFacts } from "./invariants.ts";

export class SubscriptionLedger {
  /** By the notifier's tag. */
  readonly #granted = new Map<string, AnnouncedFacts>();

  /** Those whose 200 has left, and no end. */
  get announced(): Iterable<AnnouncedFacts> {
    return this.#granted.values();
  }

  /** A 200 to a SUBSCRIBE leaves. */
  granted(response: SipResponse, now: number): void {
    const what = response.to.params.get("tag") ?? "";
    const seconds = response.get(Expires) ?? 0;
    const { callId, cseq } = response;
    const until = now + seconds * 1000;
    if (seconds === 0) this.#granted.delete(what);
    else this.#granted.set(what, { what, until, callId, cseq: cseq.number });
  }

  /** A NOTIFY leaves. */
  notified(notify: SipRequest): void {
    if (notify.get(SubscriptionState)?.value === "terminated")
      this.#granted.delete(notify.from.params.get("tag") ?? "");
  }

  /** The store has it, whether or not the S-CSCF lives to hear of it: what has ended may be gone. */
  kept(change: Change): void {
    if (change.table === "subscriptions" && change.value?.state.name !== "active")
      this.#granted.delete(change.id);
  }

  /** A new process has these. */
  tookOver(found: { has(id: string): boolean }): void {
    for (const id of [...this.#granted.keys()]) if (!found.has(id)) this.#granted.delete(id);
  }

  forgotten(): void {
    this.#granted.clear();
  }
}
