// A subscription at a notifier as plain data, for a store. RFC 6665 §4.2.
import type { Dialog } from "../dialog/dialog.ts";
import type { NotifierState } from "./notifier.ts";

/** JSON-able. */
export interface NotifierSubscription {
  /** The own tag: unique in this node, and not to be guessed. */
  readonly id: string;
  readonly dialog: Dialog;
  readonly package: string;
  /** The Event parameter `id`, which tells subscriptions to one package apart (RFC 6665 §4.5.2). */
  readonly eventId: string | null;
  /** What is watched, and a word of the node's own: as its verdict named them. */
  readonly subject: string;
  readonly memo: string;
  /** Value of Contact in 200s and NOTIFYs. */
  readonly contact: string;
  /** Number of the next NOTIFY: 0 in a new subscription. */
  readonly version: number;
  readonly state: NotifierState;
}

/** The row of a store: a subscription that is over has none. */
export function rowOf(subscription: NotifierSubscription): NotifierSubscription | undefined {
  return subscription.state.name === "terminated" ? undefined : subscription;
}
