// A notifier's subscriptions, by id and by what they watch.
import type { Timer } from "../../platform/clock.ts";
import { isInDialog, tagOf } from "../dialog/dialog.ts";
import type { SipRequest } from "../message/message.ts";
import type { NotifyRequest } from "./notifier-port.ts";
import type { NotifierSubscription } from "./subscription.ts";

/** One subscription with what is not plain data. */
export interface Entry {
  subscription: NotifierSubscription;
  expiry: Timer | undefined;
  /** Asked for since the last NOTIFY left. */
  queued: NotifyRequest[];
}

export class SubscriptionTable {
  readonly #entries = new Map<string, Entry>();
  readonly #subjects = new Map<string, Entry[]>();

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** The subscription to whose dialog a received request belongs: our tag is its id. */
  find(request: SipRequest): Entry | undefined {
    const entry = this.#entries.get(tagOf(request.to));
    return entry && isInDialog(entry.subscription.dialog, request) ? entry : undefined;
  }

  ofSubject(subject: string): readonly NotifierSubscription[] {
    return (this.#subjects.get(subject) ?? []).map((entry) => entry.subscription);
  }

  all(): readonly NotifierSubscription[] {
    return [...this.#entries.values()].map((entry) => entry.subscription);
  }

  add(subscription: NotifierSubscription): Entry {
    const entry: Entry = { subscription, expiry: undefined, queued: [] };
    this.restore(entry);
    return entry;
  }

  /** One that had been removed is there again. */
  restore(entry: Entry): void {
    const { id, subject } = entry.subscription;
    this.#entries.set(id, entry);
    const others = this.#subjects.get(subject);
    if (others === undefined) this.#subjects.set(subject, [entry]);
    else others.push(entry);
  }

  remove(entry: Entry): void {
    const { id, subject } = entry.subscription;
    entry.expiry?.cancel();
    this.#entries.delete(id);
    const others = this.#subjects.get(subject)?.filter((other) => other !== entry) ?? [];
    if (others.length === 0) this.#subjects.delete(subject);
    else this.#subjects.set(subject, others);
  }

  clear(): void {
    for (const entry of this.#entries.values()) entry.expiry?.cancel();
    this.#entries.clear();
    this.#subjects.clear();
  }
}
