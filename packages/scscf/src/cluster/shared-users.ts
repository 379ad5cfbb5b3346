// Users of a cluster at this node: whom it serves, taking them from another node, handing them over, forgetting them.

import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import { asError, reasonOf } from "@ims-lab/common/platform/thrown";
import type {
  SharedRows,
  SharedRowsListener,
  TakenGroup,
} from "@ims-lab/common/store/cluster-port";
import type { Authenticator } from "../authentication/authenticator.ts";
import type { Campaign } from "../campaigns/campaign.ts";
import type { Campaigns } from "../campaigns/campaigns.ts";
import type { PcscfSubscriptions } from "../pcscf-subscription/pcscf-subscriptions.ts";
import { POLICY_ROW, type PolicyControl } from "../policy/policy-control.ts";
import type { Provisioning } from "../provisioning/provisioning.ts";
import { type Change, campaignGroup, type Tables } from "../rows.ts";
import { commit } from "../store/commit.ts";
import type { ChangedDirectory } from "../subscribers/changed-directory.ts";
import type { SubscriberRow } from "../subscribers/subscriber-row.ts";
import { restoreUsers, type UserParts } from "../take-over.ts";

export interface SharedUsersOptions extends UserParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: SharedRows<Tables>;
  /** For what was due while nobody served them. */
  readonly graceMs: number;
  readonly authenticator: Authenticator;
  readonly campaigns: Campaigns;
  /** Undefined: none are made. */
  readonly pcscfSubscriptions: PcscfSubscriptions | undefined;
  readonly policy: PolicyControl;
  readonly provisioning: Provisioning;
  readonly directory: ChangedDirectory;
}

/** Requests that wait for their users at once. */
const MOST_WAITING = 2000;
/** Longer than an owner is asked, and shorter than a P-CSCF waits. */
const PATIENCE_MS = 3000;
/** Of an import's users, whose numbers are to be raised. */
const CLAIMED_AT_ONCE = 200;
/** Campaigns of a dead node go on when its users are here. */
const CAMPAIGNS_AFTER_MS = 1000;

export class SharedUsers implements SharedRowsListener<Tables> {
  readonly #options: SharedUsersOptions;
  /** Sets that are served here. */
  readonly #ready = new Set<string>();
  /** By set that is on its way here. */
  readonly #coming = new Map<string, Promise<void>>();
  /** By set that another node is to have, until it is given. */
  readonly #leaving = new Map<string, Promise<void>>();
  #waiting = 0;
  #newCampaigns: Campaign[] = [];
  #campaignTimer: Timer | undefined;
  #isClosed = false;

  constructor(options: SharedUsersOptions) {
    this.#options = options;
  }

  /** Registration sets that are this node's, whether or not anybody of them is registered. */
  get size(): number {
    return this.#ready.size;
  }

  /** Those of them that this node does not serve: to be taken before anything is done for them. */
  missing(sets: readonly string[]): readonly string[] {
    return sets.filter((set) => !this.#ready.has(set));
  }

  /** Whether this node may have lost users without having heard of it. */
  get isDoubtful(): boolean {
    return this.#options.store.isDoubtful;
  }

  /** Calls `then` once: when all of them are this node's, or with why they are not. */
  take(sets: readonly string[], then: (problem?: Error) => void): void {
    if (this.#waiting >= MOST_WAITING) {
      then(new Error(`${MOST_WAITING} requests wait for their users already`));
      return;
    }
    this.#waiting += 1;
    let isOver = false;
    const end = (problem?: Error): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      this.#waiting -= 1;
      then(problem);
    };
    const timer = this.#options.clock.after(PATIENCE_MS, () =>
      end(new Error("the cluster has not given them in time")),
    );
    this.#takeAll(sets).then(
      () => end(),
      (why: unknown) => end(asError(why)),
    );
  }

  /** The same for whoever can wait. */
  async claim(sets: readonly string[]): Promise<void> {
    const missing = this.missing(sets);
    for (let at = 0; at < missing.length; at += CLAIMED_AT_ONCE)
      await this.#takeAll(missing.slice(at, at + CLAIMED_AT_ONCE));
  }

  async claimCampaign(id: string): Promise<void> {
    await this.#options.store.obtain([campaignGroup(id)]);
  }

  gained(groups: readonly TakenGroup<Tables>[]): void {
    if (this.#isClosed) return;
    this.#restore(groups);
    this.#options.log.info("cluster.taken-over", { sets: groups.length });
  }

  lost(groups: readonly string[]): void {
    for (const group of groups) this.#drop(group);
    this.#options.log.warn("cluster.lost", { sets: groups.length });
  }

  wanted(groups: readonly string[], by: string): void {
    for (const set of groups) {
      if (!this.#ready.delete(set)) continue;
      const left = this.#settled(set)
        .then(() => this.#give(set, by))
        .finally(() => this.#leaving.delete(set));
      this.#leaving.set(set, left);
    }
  }

  changed(table: keyof Tables, ids: readonly string[] | undefined): void {
    this.#readAgain(table, ids).catch((problem: unknown) => {
      // With the next connection everything is read again.
      const why = reasonOf(problem);
      this.#options.log.warn("cluster.not-read", { table, why });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#campaignTimer?.cancel();
  }

  async #takeAll(sets: readonly string[]): Promise<void> {
    if (this.isDoubtful) await this.#options.store.confirm();
    const missing = this.missing(sets);
    for (const set of missing)
      if (!this.#coming.has(set)) {
        const coming = this.#fetch(set).finally(() => this.#coming.delete(set));
        this.#coming.set(set, coming);
      }
    await Promise.all(missing.map((set) => this.#coming.get(set)));
  }

  async #fetch(set: string): Promise<void> {
    await this.#leaving.get(set);
    // What was under way here when it went ends first.
    await this.#settled(set);
    this.#restore(await this.#options.store.obtain([set]));
    if (!this.#ready.has(set)) throw new Error("other nodes take it all the time");
  }

  /** Nothing of it is under way. */
  #settled(set: string): Promise<void> {
    return new Promise((resolve) => {
      this.#options.registrations.whenSettled(set, () => resolve());
    });
  }

  /** Whether or not all is durable: what is not, the other node does from what is. */
  async #give(set: string, to: string): Promise<void> {
    const { store } = this.#options;
    if (!store.isHeld(set)) return;
    this.#drop(set);
    // Should Redis not answer, it is read again with the next connection.
    const back = await store.give(set, to).catch(() => []);
    if (back.length > 0) this.#restore(back);
  }

  #restore(groups: readonly TakenGroup<Tables>[]): void {
    for (const taken of groups) {
      // Lost again before it was here.
      if (!this.#options.store.isHeld(taken.group)) continue;
      if (isCampaign(taken.group))
        for (const campaign of taken.rows.campaigns.values()) this.#goOnWith(campaign);
      else this.#restoreSet(taken);
    }
  }

  #restoreSet({ group, rows, was }: TakenGroup<Tables>): void {
    const { graceMs, notifier, pcscfSubscriptions, provisioning } = this.#options;
    const isWithoutBreak = was === "given" || was === "free";
    const restored = restoreUsers(this.#options, rows, isWithoutBreak ? undefined : graceMs);
    this.#ready.add(group);
    if (restored.moved.length > 0) this.#keep(restored.moved);
    for (const binding of restored.unheard) notifier.trigger(binding);
    for (const id of restored.unanswered) notifier.repeat(id);
    if (rows.bindings.size === 0) return;
    pcscfSubscriptions?.resume([...rows.bindings.keys()].values());
    provisioning.endOrphans();
  }

  #drop(group: string): void {
    const { campaigns, reauthentications, notifier, inForce } = this.#options;
    const { registrations, authenticator, marks, pcscfSubscriptions } = this.#options;
    this.#ready.delete(group);
    if (isCampaign(group)) {
      const id = group.slice(CAMPAIGN.length);
      this.#newCampaigns = this.#newCampaigns.filter((campaign) => campaign.id !== id);
      campaigns.dropCampaign(id);
      return;
    }
    const gone = registrations.knownOf(group);
    for (const binding of gone) reauthentications.drop(binding);
    notifier.drop(group, gone);
    pcscfSubscriptions?.drop(gone);
    registrations.drop(group);
    for (const binding of gone) inForce.drop(binding);
    authenticator.drop(group);
    marks.drop(group);
    campaigns.drop(gone);
  }

  #keep(moved: readonly Change[]): void {
    const { store, log } = this.#options;
    commit(store, moved, (error) => {
      if (error !== undefined) log.error("store.failed", { error });
    });
  }

  /** When the users that it has asked, or will, have come as well. */
  #goOnWith(campaign: Campaign): void {
    this.#newCampaigns.push(campaign);
    this.#campaignTimer?.cancel();
    if (this.#isClosed) return;
    this.#campaignTimer = this.#options.clock.after(CAMPAIGNS_AFTER_MS, () => {
      const stored = this.#newCampaigns;
      this.#newCampaigns = [];
      this.#options.campaigns.restore(stored);
    });
  }

  async #readAgain(table: keyof Tables, ids: readonly string[] | undefined): Promise<void> {
    const { store, policy, provisioning, directory } = this.#options;
    if (table === "policy") policy.changedElsewhere(await store.read("policy", POLICY_ROW));
    if (table !== "subscribers") return;
    const rows = new Map<string, SubscriberRow | undefined>();
    if (ids === undefined) {
      for (const impi of directory.changedImpis()) rows.set(impi, undefined);
      for (const [impi, row] of (await store.load()).subscribers) rows.set(impi, row);
    } else for (const impi of ids) rows.set(impi, await store.read("subscribers", impi));
    await provisioning.changedElsewhere(rows);
  }
}

const CAMPAIGN = campaignGroup("");

function isCampaign(group: string): boolean {
  return group.startsWith(CAMPAIGN);
}
