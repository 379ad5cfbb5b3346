// The P-CSCF's durable state: written behind its table and its notifier, taken over by the next process.

import type { PolicyRow } from "@ims-lab/common/ims/kept-policy";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import { isPacked } from "@ims-lab/common/platform/packed-table";
import type { Random } from "@ims-lab/common/platform/random";
import { type NotifierSubscription, rowOf } from "@ims-lab/common/sip/event/subscription";
import { StoreLog } from "@ims-lab/common/store/store-log";
import { withTexts } from "@ims-lab/common/store/stored-rows";
import { WriteBehind } from "@ims-lab/common/store/write-behind";
import { type Binding, contactsOf, endOf, withContacts } from "./bindings/binding.ts";
import type { FlowTable } from "./bindings/flow-table.ts";
import type { DurableAskings, ReregistrationNotifier } from "./notifier/reregistration-notifier.ts";
import type { Contents, Store, Tables } from "./rows.ts";

export interface StoredState {
  readonly store: Store;
  /** All of it, as loaded before anything else. */
  readonly contents: Contents;
}

export interface TakingOver {
  readonly table: FlowTable;
  readonly notifier: ReregistrationNotifier;
  /** Each binding is in the table, and at hand. */
  onBinding(binding: Binding): void;
}

/** What is said once the node listens. */
interface TakenOver {
  /** Ids of subscriptions with a NOTIFY that nobody has answered. */
  readonly unanswered: Iterable<string>;
  /** Tokens of subscriptions whose binding had ended, and whose context died with the process. */
  readonly forgotten: Iterable<string>;
}

export interface DurableStateOptions extends StoredState {
  readonly clock: Clock;
  readonly log: Logger;
  /** What a registration that ran out meanwhile gets. */
  readonly graceMs: number;
}

/** Name of the key that all tokens are made with: a Path and a Record-Route hold over a restart. */
const TOKEN_KEY = "tokenKey";
const KEY_OCTETS = 32;
/** The only row of its table. */
const POLICY_ID = "in-force";

export class DurableState {
  readonly #options: DurableStateOptions;
  readonly #behind: WriteBehind<Tables>;
  /** For the notifier. */
  readonly askings: DurableAskings;

  constructor(options: DurableStateOptions) {
    const { store, clock, log } = options;
    this.#options = options;
    const storeLog = new StoreLog(log, clock);
    this.#behind = new WriteBehind({ store, storeLog, clock });
    this.askings = {
      save: ({ subscription, isAwaited }, proceed) => {
        const change = {
          table: "subscriptions",
          id: subscription.id,
          value: rowOf(subscription),
        } as const;
        if (isAwaited) {
          store.commit([change], (problem) => {
            if (problem !== undefined) storeLog.failed(problem);
            proceed(problem);
          });
          return;
        }
        // What nobody waits for has happened, and is tried until it is durable.
        this.#behind.put(change);
        this.#behind.onceDurable(proceed);
      },
      onAsking: (id, value) => this.#behind.put({ table: "askings", id, value }),
    };
  }

  /** Rejects where the store does not take it. */
  readonly savePolicy = (value: PolicyRow): Promise<void> =>
    new Promise((resolve, reject) => {
      this.#options.store.commit([{ table: "policy", id: POLICY_ID, value }], (problem) => {
        if (problem === undefined) resolve();
        else reject(problem);
      });
    });

  get policy(): PolicyRow | undefined {
    return this.#options.contents.policy.get(POLICY_ID);
  }

  changed(id: string, value: Binding | undefined): void {
    this.#behind.put({ table: "bindings", id, value });
  }

  whenDurable(then: (problem?: Error) => void): void {
    this.#behind.whenDurable(then);
  }

  /** The same in every life of this P-CSCF. */
  tokenKey(random: Random): Buffer {
    const kept = this.#options.contents.secrets.get(TOKEN_KEY);
    if (kept !== undefined) return Buffer.from(kept, "hex");
    const key = random.bytes(KEY_OCTETS);
    this.#behind.put({ table: "secrets", id: TOKEN_KEY, value: key.toString("hex") });
    return key;
  }

  /** Before the node listens. Throws when a row cannot be read; until then the store is as it was. */
  takeOver({ table, notifier, onBinding }: TakingOver): TakenOver {
    const { bindings, subscriptions, askings } = this.#options.contents;
    const overdue = this.#restoreBindings(table, onBinding);
    for (const [token, asking] of askings) notifier.restoreAsking(token, asking);
    const forgotten = new Set<string>();
    const inUse: NotifierSubscription[] = [];
    for (const [, subscription, text] of withTexts(subscriptions)) {
      if (!table.isRegistered(subscription.subject)) forgotten.add(subscription.subject);
      if (isPacked(text)) notifier.restore(subscription, text);
      else inUse.push(subscription);
    }
    const unanswered = inUse.filter((one) => notifier.restore(one) && !forgotten.has(one.subject));
    const found = { bindings: bindings.size, subscriptions: subscriptions.size };
    if (found.bindings + found.subscriptions > 0)
      this.#options.log.info("store.loaded", { ...found, overdue });
    return { unanswered: unanswered.map(({ id }) => id), forgotten };
  }

  /** How many had run out meanwhile. */
  #restoreBindings(table: FlowTable, onBinding: (binding: Binding) => void): number {
    const { contents, clock, graceMs } = this.#options;
    const now = clock.now();
    let overdue = 0;
    for (const [, stored, text] of withTexts(contents.bindings)) {
      const isInTime = endOf(stored) > now;
      const binding = isInTime ? stored : extended(stored, now + graceMs);
      if (!isInTime) overdue += 1;
      table.restore(binding, isInTime ? text : undefined);
      onBinding(binding);
    }
    return overdue;
  }

  async close(): Promise<void> {
    this.#behind.close();
    await this.#options.store.close();
  }
}

function extended(binding: Binding, expiresAt: number): Binding {
  const contacts = contactsOf(binding).map((one) => ({ ...one, expiresAt }));
  return withContacts(binding, contacts) ?? binding;
}
