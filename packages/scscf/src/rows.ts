// Durable rows, table by table: bindings, subscriptions, sequence numbers, campaigns, the policy, subscribers.
import type { PolicyRow } from "@ims-lab/common/ims/kept-policy";
import type { Sqn } from "@ims-lab/common/ims/sqn";
import { SharedTexts } from "@ims-lab/common/platform/shared-texts";
import {
  packSubscription,
  unpackSubscription,
} from "@ims-lab/common/sip/event/packed-subscription";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import type { SharedTables } from "@ims-lab/common/store/cluster-rows";
import {
  jsonRow,
  packedRow,
  type RowChange,
  type RowsById,
  type TableFormats,
} from "@ims-lab/common/store/rows";
import type { Campaign } from "./campaigns/campaign.ts";
import type { Binding } from "./registration/binding.ts";
import { packBinding, unpackBinding } from "./registration/packed-binding.ts";
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

/** A row stands for itself: what the process shares among its users dies with it. */
const NOTHING_SHARED = new SharedTexts(0);

/** How they are written. A new table is a line above and one here: every store then has it. */
export const TABLES: TableFormats<Tables> = {
  bindings: packedRow(
    (binding) => packBinding(binding, NOTHING_SHARED),
    (text, token) => unpackBinding(text, token, NOTHING_SHARED),
  ),
  subscriptions: packedRow(packSubscription, unpackSubscription),
  sqnMarks: jsonRow(),
  subscribers: jsonRow(),
  campaigns: jsonRow(),
  policy: jsonRow(),
};

export type Change = RowChange<Tables>;

/** Where S-CSCFs share their users: each registration set and each campaign is one node's at a time. */
export const SHARED_TABLES: SharedTables<Tables> = {
  common: ["policy", "subscribers"],
  groupOf: (change) => {
    switch (change.table) {
      case "policy":
      case "subscribers":
        return undefined;
      case "sqnMarks":
        return change.id;
      case "campaigns":
        return campaignGroup(change.id);
      case "bindings":
        return change.group ?? change.value?.set ?? ownerless(change);
      case "subscriptions":
        return change.group ?? change.value?.subject ?? ownerless(change);
    }
  },
};

/** No IMPI has a space. @param id of a campaign */
export function campaignGroup(id: string): string {
  return `campaign ${id}`;
}

function ownerless({ table, id }: Change): never {
  throw new Error(`nobody has the row ${id} of ${table}`);
}

/** By id, in no order. */
export type Contents = RowsById<Tables>;
