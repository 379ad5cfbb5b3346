// The take-over of what a store holds: everything goes on where it was when the last process ended.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import { isPacked } from "@ims-lab/common/platform/packed-table";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import { withTexts } from "@ims-lab/common/store/stored-rows";
import type { Campaigns } from "./campaigns/campaigns.ts";
import type { RegistrationNotifier } from "./notifier/registration-notifier.ts";
import type { PolicyControl } from "./policy/policy-control.ts";
import type { PolicyInForce } from "./policy/policy-in-force.ts";
import type { Provisioning } from "./provisioning/provisioning.ts";
import type { Binding } from "./registration/binding.ts";
import type { Reauthentications } from "./registration/reauthentications.ts";
import type { Registrations } from "./registration/registrations.ts";
import { afterRestart } from "./registration/restart-grace.ts";
import type { Change, Contents } from "./rows.ts";
import { commit } from "./store/commit.ts";
import type { Store } from "./store/store.ts";
import type { SqnMarkTable } from "./subscribers/sqn-marks.ts";

export interface TakeOverParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** For what was due meanwhile. */
  readonly graceMs: number;
  readonly registrations: Registrations;
  readonly reauthentications: Reauthentications;
  readonly notifier: RegistrationNotifier;
  readonly campaigns: Campaigns;
  readonly marks: SqnMarkTable;
  readonly policy: PolicyControl;
  readonly inForce: PolicyInForce;
  readonly provisioning: Provisioning;
}

/** What is sent again once the node listens. */
export interface TakenOver {
  /** Bindings whose trigger nobody has acknowledged. */
  readonly unheard: readonly Binding[];
  /** Ids of subscriptions with a NOTIFY that nobody has answered. */
  readonly unanswered: readonly string[];
}

/** Throws when a row cannot be read, or the deadlines that it moves cannot be made durable; until then the store is as it was. */
export async function takeOver(parts: TakeOverParts): Promise<TakenOver> {
  const { store, log, graceMs } = parts;
  const contents = await store.load();
  const { bindings, subscriptions, policy, subscribers } = contents;
  try {
    // Campaigns begin when all is read.
    const campaigns = [...contents.campaigns.values()];
    parts.provisioning.restore(subscribers);
    parts.policy.restore(policy);
    const { moved, unheard, unanswered } = restoreUsers(parts, contents, graceMs);
    parts.campaigns.restore(campaigns);
    if (moved.length > 0) await durable(store, moved);
    const found = { bindings: bindings.size, subscriptions: subscriptions.size };
    if (found.bindings + found.subscriptions > 0)
      log.info("store.loaded", { ...found, overdue: moved.length });
    return { unheard, unanswered };
  } catch (problem) {
    parts.registrations.close();
    parts.inForce.close();
    parts.notifier.close();
    throw problem;
  }
}

/** What registration sets consist of. */
export type UserRows = Pick<Contents, "bindings" | "subscriptions" | "sqnMarks">;

export type UserParts = Pick<
  TakeOverParts,
  | "clock"
  | "registrations"
  | "reauthentications"
  | "notifier"
  | "marks"
  | "inForce"
  | "provisioning"
>;

/** Deadlines that have got their grace: to be made durable. */
export interface RestoredUsers extends TakenOver {
  readonly moved: readonly Change[];
}

/**
 * Users whose rows these are go on here. Throws when one cannot be read, before anything else changes.
 * @param graceMs undefined: they were served without a break
 */
export function restoreUsers(
  parts: UserParts,
  { bindings, subscriptions, sqnMarks }: UserRows,
  graceMs: number | undefined,
): RestoredUsers {
  const now = parts.clock.now();
  for (const [impi, mark] of sqnMarks) parts.marks.restore(impi, mark);
  const inUse: NotifierSubscription[] = [];
  for (const [, stored, text] of withTexts(subscriptions)) {
    const subscription = graceMs === undefined ? stored : notBefore(stored, now + graceMs, now);
    const isAsStored = subscription === stored && isPacked(text);
    if (isAsStored) parts.notifier.restore(subscription, text);
    else inUse.push(subscription);
  }
  const { moved, unheard } = restoreBindings(parts, bindings, graceMs);
  // All has been read: from here on the store may change.
  const unanswered = inUse.filter((one) => parts.notifier.restore(one)).map(({ id }) => id);
  return { moved, unheard, unanswered };
}

function restoreBindings(
  parts: UserParts,
  bindings: Contents["bindings"],
  graceMs: number | undefined,
): { readonly moved: readonly Change[]; readonly unheard: readonly Binding[] } {
  const now = parts.clock.now();
  const moved: Change[] = [];
  const unheard: Binding[] = [];
  for (const [id, stored, text] of withTexts(bindings)) {
    const binding = graceMs === undefined ? stored : afterRestart(stored, now, graceMs);
    if (binding !== stored) moved.push({ table: "bindings", id, value: binding });
    parts.registrations.restore(binding, binding === stored ? text : undefined);
    parts.reauthentications.restore(binding);
    parts.inForce.restore(binding);
    parts.provisioning.restored(binding);
    if (isUnheard(binding)) unheard.push(binding);
  }
  return { moved, unheard };
}

function isUnheard({ duty, reauthentication }: Binding): boolean {
  const progress = reauthentication?.progress;
  return duty.state === "fulfilled" && (progress === "notified" || progress === "requested");
}

/** One that ran out meanwhile ends no sooner than its binding. */
function notBefore(
  subscription: NotifierSubscription,
  until: number,
  now: number,
): NotifierSubscription {
  const { state } = subscription;
  if (!("expiresAt" in state) || state.expiresAt > now) return subscription;
  return { ...subscription, state: { ...state, expiresAt: until } };
}

function durable(store: Store, changes: readonly Change[]): Promise<void> {
  return new Promise((resolve, reject) => {
    commit(store, changes, (problem) => (problem === undefined ? resolve() : reject(problem)));
  });
}
