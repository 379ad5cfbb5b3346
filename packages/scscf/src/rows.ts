// Durable rows, table by table: bindings, subscriptions, sequence numbers, campaigns, the policy, subscribers.
import type { PolicyDocument } from "@ims-lab/common/ims/policy-document";
import type { Sqn } from "@ims-lab/common/ims/sqn";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import type { Campaign } from "./campaigns/campaign.ts";
import type { Binding } from "./registration/binding.ts";
import type { SubscriberRow } from "./subscribers/subscriber-row.ts";

/** Plain data only: what is stored must survive a trip through JSON. */
export interface Tables {
  /** By Service-Route token. A running re-authentication is part of its binding. */
  readonly bindings: Binding;
  /** Subscriptions here, with their dialog, by id. */
  readonly subscriptions: NotifierSubscription;
  /** By IMPI: the highest sequence number that may have been used. */
  readonly sqnMarks: Sqn;
  /** By IMPI: those that were changed at run time, and now count instead of the subscribers file. */
  readonly subscribers: SubscriberRow;
  /** By id. Whom one has asked stands in their bindings. */
  readonly campaigns: Campaign;
  /** The one that an operator put. */
  readonly policy: PolicyRow;
}

export interface PolicyRow {
  readonly document: PolicyDocument;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
}

export type Change = {
  readonly [T in keyof Tables]: {
    readonly table: T;
    readonly id: string;
    /** Undefined removes the row. */
    readonly value: Tables[T] | undefined;
  };
}[keyof Tables];

/** By id, in no order. */
export type Contents = { readonly [T in keyof Tables]: ReadonlyMap<string, Tables[T]> };
