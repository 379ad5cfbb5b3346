// A notifier's subscriptions, by id and by what they watch, with their deadlines.
import type { Clock } from "../../platform/clock.ts";
import { Deadlines } from "../../platform/deadlines.ts";
import { Groups } from "../../platform/groups.ts";
import { isPacked, PackedTable } from "../../platform/packed-table.ts";
import { isInDialog, tagOf } from "../dialog/dialog.ts";
import type { SipRequest } from "../message/message.ts";
import { ownCopy } from "../message/scan.ts";
import { isLive } from "./notifier.ts";
import type { NotifyRequest } from "./notifier-port.ts";
import { packSubscription, unpackSubscription } from "./packed-subscription.ts";
import type { NotifierSubscription } from "./subscription.ts";

/** One subscription with what is not plain data. */
export interface Entry {
  subscription: NotifierSubscription;
  /** Asked for since the last NOTIFY left. */
  queued: NotifyRequest[];
}

export class SubscriptionTable {
  readonly #entries = new PackedTable<Entry>({
    pack: ({ subscription, queued }) =>
      queued.length > 0 ? undefined : packSubscription(subscription),
    unpack: (text, id) => ({ subscription: unpackSubscription(text, id), queued: [] }),
  });
  /** Ids, oldest first. */
  readonly #bySubject = new Groups<string, string>();
  readonly #deadlines: Deadlines<string>;

  /** @param onExpired a live subscription's time is over */
  constructor(clock: Clock, onExpired: (entry: Entry) => void) {
    this.#deadlines = new Deadlines({
      clock,
      count: () => this.#entries.size,
      dueOf: (id) => {
        const state = this.#entries.get(id)?.subscription.state;
        return state !== undefined && isLive(state) ? state.expiresAt : undefined;
      },
      onDue: (id) => {
        const entry = this.#entries.get(id);
        if (entry !== undefined) onExpired(entry);
      },
    });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** To be changed: it stays the object it is while others are looked at. */
  get(id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#entries.use(id);
    return entry;
  }

  /** The subscription to whose dialog a received request belongs: our tag is its id. */
  find(request: SipRequest): Entry | undefined {
    const entry = this.get(tagOf(request.to));
    return entry && isInDialog(entry.subscription.dialog, request) ? entry : undefined;
  }

  ofSubject(subject: string): readonly NotifierSubscription[] {
    const found: NotifierSubscription[] = [];
    for (const id of this.#bySubject.of(subject)) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) found.push(entry.subscription);
    }
    return found;
  }

  all(): readonly NotifierSubscription[] {
    return Array.from(this.#entries.values(), ({ subscription }) => subscription);
  }

  add(subscription: NotifierSubscription): Entry {
    const entry: Entry = { subscription, queued: [] };
    this.restore(entry);
    return entry;
  }

  /** One that had been removed is there again. */
  restore(entry: Entry): void {
    const { id, subject } = entry.subscription;
    this.#entries.set(id, entry);
    this.#bySubject.add(ownCopy(subject), id);
  }

  /** One that was stored while nothing of it was under way, and that is not here; false where that is not so. @param text its row */
  restoreAtRest({ id, subject, state }: NotifierSubscription, text: string | undefined): boolean {
    if (!isPacked(text) || !isLive(state) || this.#entries.has(id)) return false;
    this.#entries.restore(id, text);
    this.#bySubject.add(subject, id);
    this.#deadlines.add(id, state.expiresAt);
    return true;
  }

  /** The entry has changed. */
  changed({ subscription }: Entry): void {
    if (this.#entries.has(subscription.id)) this.#entries.use(subscription.id);
  }

  /** Its deadline is now `at`, milliseconds since the epoch; it may have been another one. */
  expireAt({ subscription }: Entry, at: number): void {
    this.#deadlines.add(subscription.id, at);
  }

  remove(entry: Entry): void {
    const { id, subject } = entry.subscription;
    this.#entries.delete(id);
    this.#bySubject.remove(subject, id);
    this.#deadlines.gone();
  }

  clear(): void {
    this.#deadlines.close();
    this.#entries.clear();
    this.#bySubject.clear();
  }
}
