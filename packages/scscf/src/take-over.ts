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
  const { store, log, graceMs, provisioning } = parts;
  const contents = await store.load();
  const { bindings, subscriptions, policy, subscribers } = contents;
  try {
    provisioning.restore(subscribers);
    parts.policy.restore(policy);
    const campaigns = [...contents.campaigns.values()];
    const onBinding = (binding: Binding): void => provisioning.restored(binding);
    const { moved, unheard, unanswered } = restoreUsers(parts, contents, graceMs, onBinding);
    parts.campaigns.restore(campaigns);
    if (moved.length > 0) await durable(store, moved);
    const found = { bindings: bindings.size, subscriptions: subscriptions.size };
    if (found.bindings + found.subscriptions > 0)
      log.info("store.loaded", { ...found, overdue: moved.length });
    return { unheard, unanswered };
  } catch (problem) {
    for (const part of [parts.registrations, parts.inForce, parts.notifier]) part.close();
    throw problem;
  }
}

/** What registration sets consist of. */
export type UserRows = Pick<Contents, "bindings" | "subscriptions" | "sqnMarks">;

export type UserParts = Pick<
  TakeOverParts,
  "clock" | "registrations" | "reauthentications" | "notifier" | "marks" | "inForce"
>;

/** Deadlines that have got their grace: to be made durable. */
export interface RestoredUsers extends TakenOver {
  readonly moved: readonly Change[];
}

/**
 * Users whose rows these are go on here. All rows have been read before anything is said to the store.
 * @param graceMs undefined: they were served without a break @param onBinding each one, while it is at hand
 */
export function restoreUsers(
  parts: UserParts,
  { bindings, subscriptions, sqnMarks }: UserRows,
  graceMs: number | undefined,
  onBinding: (binding: Binding) => void = () => undefined,
): RestoredUsers {
  const now = parts.clock.now();
  for (const [impi, mark] of sqnMarks) parts.marks.restore(impi, mark);
  const inUse = restoreAtRest(parts.notifier, subscriptions, (stored) =>
    graceMs === undefined ? stored : notBefore(stored, now + graceMs, now),
  );
  const moved: Change[] = [];
  const unheard: Binding[] = [];
  for (const [id, stored, text] of withTexts(bindings)) {
    const binding = graceMs === undefined ? stored : afterRestart(stored, now, graceMs);
    if (binding !== stored) moved.push({ table: "bindings", id, value: binding });
    parts.registrations.restore(binding, binding === stored ? text : undefined);
    parts.reauthentications.restore(binding);
    parts.inForce.restore(binding);
    onBinding(binding);
    if (isUnheard(binding)) unheard.push(binding);
  }
  const unanswered = inUse.filter((one) => parts.notifier.restore(one)).map(({ id }) => id);
  return { moved, unheard, unanswered };
}

/** Those that are left: a NOTIFY of them was under way, or they ran out meanwhile. */
function restoreAtRest(
  notifier: RegistrationNotifier,
  subscriptions: UserRows["subscriptions"],
  asItIsNow: (stored: NotifierSubscription) => NotifierSubscription,
): readonly NotifierSubscription[] {
  const inUse: NotifierSubscription[] = [];
  for (const [, stored, text] of withTexts(subscriptions)) {
    const subscription = asItIsNow(stored);
    if (subscription !== stored || !isPacked(text)) inUse.push(subscription);
    else notifier.restore(subscription, text);
  }
  return inUse;
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
