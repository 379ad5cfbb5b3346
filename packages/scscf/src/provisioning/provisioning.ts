// Changes of subscribers while the node runs: one commit, then the directory, nonces and registrations. TS 24.229 §5.4.1.5, §5.4.2.1.2.

import type { Sqn } from "@ims-lab/common/ims/sqn";
import type { Clock } from "@ims-lab/common/platform/clock";
import { inSlices } from "@ims-lab/common/platform/in-slices";
import type { Logger } from "@ims-lab/common/platform/logger";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import type { Authenticator } from "../authentication/authenticator.ts";
import type { Binding } from "../registration/binding.ts";
import type { Bindings } from "../registration/bindings.ts";
import type { RegistrationEvents, SubscriberAspect } from "../registration/events.ts";
import type { Registrations } from "../registration/registrations.ts";
import type { Change } from "../rows.ts";
import { commit } from "../store/commit.ts";
import type { Store } from "../store/store.ts";
import type { ChangedDirectory, SubscriberChange } from "../subscribers/changed-directory.ts";
import { foreignUsers } from "../subscribers/foreign-users.ts";
import { derivedOpc } from "../subscribers/load.ts";
import type { SqnMarkTable } from "../subscribers/sqn-marks.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";
import {
  isSameAuth,
  REMOVED,
  rowOfSubscriber,
  type SubscriberRow,
  subscriberOfRow,
} from "../subscribers/subscriber-row.ts";

/** Subscribers that differ from the file: what an import can bring, ten times over. */
const MOST_CHANGES = 1_000_000;

export interface ProvisioningOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Home domain. */
  readonly domain: string;
  readonly store: Store;
  readonly directory: ChangedDirectory;
  readonly marks: SqnMarkTable;
  readonly authenticator: Authenticator;
  readonly bindings: Bindings;
  readonly registrations: Registrations;
  readonly events: RegistrationEvents;
  /** Where nodes share a store: makes these users this node's, so that it may raise their numbers and end their bindings. */
  claim?(impis: readonly string[]): Promise<void>;
}

/** Of an import that is looked at for a wrong domain. */
const MOST_NOTED = 1_000;

/** A subscriber to be added, and the sequence number that its card has seen already. */
export interface NewSubscriber {
  readonly subscriber: Subscriber;
  readonly sqn?: Sqn;
}

export type PutResult = "created" | "replaced" | "unchanged";

/** What became of many: how many of each. */
export type PutCounts = Readonly<Record<PutResult, number>>;

/** Which of them cannot be added, by their position; nothing has been. */
export interface PutRefused {
  readonly refused: readonly { readonly at: number; readonly why: string }[];
}

/** A change that could not be made durable: nothing has happened. */
export class NotStored extends Error {}

/** There are `MOST_CHANGES`: nothing has happened. */
export class TooManyChanges extends Error {}

export class Provisioning {
  readonly #options: ProvisioningOptions;
  /** One change after the other: each is judged by what the one before it leaves. */
  #last: Promise<unknown> = Promise.resolve();
  /** IMPIs with a binding of an earlier process that must end. */
  readonly #orphans = new Set<string>();

  constructor(options: ProvisioningOptions) {
    this.#options = options;
  }

  /** Rejects with NotStored or TooManyChanges. @param isNew refuses to replace one that is there: undefined */
  put(
    subscriber: Subscriber,
    { isNew = false }: { readonly isNew?: boolean } = {},
  ): Promise<PutResult | undefined> {
    return this.#inTurn(async () => {
      const result = this.#resultOf(subscriber);
      if (isNew && result !== "created") return undefined;
      if (result === "unchanged") return result;
      await this.#change([{ impi: subscriber.impi, subscriber }], []);
      return result;
    });
  }

  /** The Contacts that were de-registered; undefined for a stranger. Rejects with NotStored or TooManyChanges. */
  remove(impi: string): Promise<readonly string[] | undefined> {
    return this.#inTurn(async () => {
      const { directory, bindings } = this.#options;
      if (directory.byImpi(impi) === undefined) return undefined;
      await this.#claim([impi]);
      const contacts = bindings.ofSet(impi).map(({ address }) => address.contact);
      await this.#change([{ impi, subscriber: undefined }], []);
      return contacts;
    });
  }

  /**
   * All of them in one commit, or none. Rejects with NotStored or TooManyChanges.
   * @param replace whether subscribers that are there already are replaced; else they are refused
   * @param isTrial only says what would become of them
   */
  putAll(
    all: readonly NewSubscriber[],
    { replace = false, isTrial = false }: { replace?: boolean; isTrial?: boolean } = {},
  ): Promise<PutCounts | PutRefused> {
    return this.#inTurn(async () => {
      const results: PutResult[] = [];
      await this.#inSlices(all, ({ subscriber }) => results.push(this.#resultOf(subscriber)));
      const refused = results.flatMap((result, at) =>
        replace || result !== "replaced" ? [] : [{ at, why: "is there already, with other data" }],
      );
      if (refused.length > 0) return { refused };
      const meant = all.filter((_, at) => results[at] !== "unchanged");
      const changes = meant.map(({ subscriber }) => ({ impi: subscriber.impi, subscriber }));
      if (!isTrial) await this.#change(changes, all);
      const counts = { created: 0, replaced: 0, unchanged: 0 };
      for (const result of results) counts[result]++;
      return counts;
    });
  }

  /** Says what is likely a mistake, and of a single one the OPc to be put into the device: as at start. */
  note(subscribers: readonly Subscriber[]): void {
    const { log, domain } = this.#options;
    const why = foreignUsers(subscribers.slice(0, MOST_NOTED), domain);
    if (why !== undefined) log.warn("subscribers.foreign-domain", { why, setting: "domain" });
    const [only] = subscribers;
    if (only === undefined || subscribers.length > 1) return;
    for (const notice of derivedOpc(only)) log.info("subscribers.notice", { notice });
  }

  /** What was changed in an earlier process. Throws for rows of an unknown form. */
  restore(rows: ReadonlyMap<string, SubscriberRow>): void {
    const changes: SubscriberChange[] = [];
    for (const [impi, row] of rows) changes.push({ impi, subscriber: subscriberOfRow(impi, row) });
    this.#options.directory.apply(changes);
  }

  /**
   * A binding of an earlier process, looked at while it is at hand: whether its user is no subscriber any more, or not with
   * this identity, as the file was changed, or the process ended before he heard of it.
   */
  restored({ impi, impu }: Binding): void {
    if (!hasImpu(this.#options.directory.byImpi(impi), impu)) this.#orphans.add(impi);
  }

  /** The registrations of those. */
  endOrphans(): void {
    const { directory } = this.#options;
    for (const impi of this.#orphans) void this.#endBindings(impi, directory.byImpi(impi), []);
    this.#orphans.clear();
  }

  /**
   * Changed at another node, and durable. Throws for rows of an unknown form.
   * @param rows by IMPI; undefined: what was added is no more
   */
  changedElsewhere(rows: ReadonlyMap<string, SubscriberRow | undefined>): Promise<void> {
    return this.#inTurn(async () => {
      const { directory } = this.#options;
      await this.#inSlices(rows, ([impi, row]) => {
        const before = directory.byImpi(impi);
        const change = { impi, subscriber: row && subscriberOfRow(impi, row) };
        directory.apply([change]);
        void this.#follow(before, change, false);
      });
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #resultOf(subscriber: Subscriber): PutResult {
    const before = this.#options.directory.byImpi(subscriber.impi);
    if (before === undefined) return "created";
    return aspectsOf(before, subscriber).length === 0 ? "unchanged" : "replaced";
  }

  async #change(
    changes: readonly SubscriberChange[],
    numbered: readonly NewSubscriber[],
  ): Promise<void> {
    const { directory } = this.#options;
    if (directory.changes + changes.length > MOST_CHANGES)
      throw new TooManyChanges(`at most ${MOST_CHANGES} subscribers may differ from the file`);
    await this.#claim(numbered.flatMap(({ subscriber: { impi }, sqn }) => (sqn ? impi : [])));
    const rows: Change[] = [];
    await this.#inSlices(changes, (change) => rows.push(this.#rowOf(change)));
    await this.#store([...rows, ...this.#marksOf(numbered)]);
    // Of many, the first count a moment before the others; nobody has been told yet that they are there.
    const ends: Promise<void>[] = [];
    await this.#inSlices(changes, (change) => {
      const before = directory.byImpi(change.impi);
      directory.apply([change]);
      const end = this.#follow(before, change, changes.length === 1);
      if (end !== undefined) ends.push(end);
    });
    await Promise.all(ends);
  }

  async #claim(impis: readonly string[]): Promise<void> {
    try {
      await this.#options.claim?.(impis);
    } catch (why) {
      throw new NotStored(reasonOf(why));
    }
  }

  #inSlices<T>(all: Iterable<T>, work: (one: T) => unknown): Promise<void> {
    return inSlices(this.#options.clock, all, (one) => {
      work(one);
      return true;
    });
  }

  #rowOf({ impi, subscriber }: SubscriberChange): Change {
    const isForgotten = subscriber === undefined && !this.#options.directory.isInFile(impi);
    if (isForgotten) return { table: "subscribers", id: impi, value: undefined };
    const value = subscriber === undefined ? REMOVED : rowOfSubscriber(subscriber);
    return { table: "subscribers", id: impi, value };
  }

  /** A number that is skipped because the commit fails does no harm. */
  #marksOf(numbered: readonly NewSubscriber[]): readonly Change[] {
    const { authenticator, marks } = this.#options;
    return numbered.flatMap(({ subscriber: { impi, auth }, sqn }) => {
      if (sqn === undefined || auth.scheme !== "aka") return [];
      authenticator.raiseSqn(impi, sqn);
      return marks.unsaved(impi);
    });
  }

  #store(rows: readonly Change[]): Promise<void> {
    const { store, marks } = this.#options;
    if (rows.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      commit(store, rows, (problem) => {
        if (problem !== undefined) {
          reject(new NotStored(problem.message));
          return;
        }
        marks.saved(rows.filter(({ table }) => table === "sqnMarks"));
        resolve();
      });
    });
  }

  /** @param isAlone whether it is told of though nobody is registered */
  #follow(
    before: Subscriber | undefined,
    { impi, subscriber: after }: SubscriberChange,
    isAlone: boolean,
  ): Promise<void> | undefined {
    const { authenticator, events, bindings, registrations } = this.#options;
    const aspects = aspectsOf(before, after);
    if (aspects.includes("credentials")) authenticator.credentialsChanged(impi);
    const isRegistered = bindings.countOfSet(impi) > 0 || !registrations.isSettled(impi);
    if (!isAlone && !isRegistered) return undefined;
    const [was, is] = [openAors(before), openAors(after)];
    const change = changeWord(before, after);
    events.publish({ kind: "subscriber-changed", impi, change, aspects, before: was, after: is });
    if (!aspects.includes("identities")) return undefined;
    const ended = was.filter((aor) => !is.includes(aor));
    return this.#endBindings(impi, after, ended);
  }

  /** Resolves when the bindings whose identity has gone have gone, or cannot go yet because the store fails. */
  #endBindings(
    impi: string,
    after: Subscriber | undefined,
    ended: readonly string[],
  ): Promise<void> {
    const { registrations, bindings, clock, events } = this.#options;
    const tell = (): void => events.publish({ kind: "identities-changed", set: impi, ended });
    return new Promise((resolve) => {
      // A REGISTER whose commit is under way was judged by what counted before.
      registrations.whenSettled(impi, () => {
        const going = bindings.ofSet(impi).filter(({ impu }) => !hasImpu(after, impu));
        if (going.length === 0) tell();
        let left = going.length;
        const gone = (): void => {
          left -= 1;
          // Their own NOTIFYs come first.
          if (left === 0) queueMicrotask(tell);
        };
        const at = clock.now();
        const removed = { kind: "removed", at, cause: { kind: "rejected" } } as const;
        for (const { token } of going) registrations.input(token, removed, { settled: gone });
        registrations.whenSettled(impi, () => resolve());
      });
    });
  }
}

function openAors(subscriber: Subscriber | undefined): readonly string[] {
  return (subscriber?.impus ?? []).filter(({ barred }) => !barred).map(({ aor }) => aor);
}

function hasImpu(subscriber: Subscriber | undefined, aor: string): boolean {
  return subscriber?.impus.some((impu) => impu.aor === aor) === true;
}

function changeWord(
  before: Subscriber | undefined,
  after: Subscriber | undefined,
): "added" | "replaced" | "removed" {
  if (after === undefined) return "removed";
  return before === undefined ? "added" : "replaced";
}

/** What differs. */
function aspectsOf(
  before: Subscriber | undefined,
  after: Subscriber | undefined,
): readonly SubscriberAspect[] {
  if (before === undefined || after === undefined)
    return before === after ? [] : ["identities", "credentials"];
  const aspects: SubscriberAspect[] = [];
  if (JSON.stringify(before.impus) !== JSON.stringify(after.impus)) aspects.push("identities");
  if (!isSameAuth(before, after)) aspects.push("credentials");
  if (before.subscription !== after.subscription) aspects.push("duty");
  if (JSON.stringify(before.policy) !== JSON.stringify(after.policy)) aspects.push("policy");
  return aspects;
}
