// Durable rows, table by table: bindings, subscriptions, sequence numbers.
import type { Sqn } from "@ims-lab/common/ims/sqn";
import {
  packSubscription,
  unpackSubscription,
} from "@ims-lab/common/sip/event/packed-subscription";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import {
  jsonRow,
  packedRow,
  type RowChange,
  type RowsById,
  type TableFormats,
} from "@ims-lab/common/store/rows";
import type { Binding } from "./registration/binding.ts";
import { packBinding, unpackBinding } from "./registration/packed-binding.ts";

/** Plain data only: what is stored must survive a trip through JSON. */
export interface Tables {
  /** By Service-Route token. A running re-authentication is part of its binding. */
  readonly bindings: Binding;
  /** Subscriptions here, with their dialog, by id. */
  readonly subscriptions: NotifierSubscription;
  /** By IMPI: the highest sequence number that may have been used. */
  readonly sqnMarks: Sqn;
}

/** How they are written. A new table is a line above and one here: every store then has it. */
export const TABLES: TableFormats<Tables> = {
  bindings: packedRow(packBinding, unpackBinding),
  subscriptions: packedRow(packSubscription, unpackSubscription),
  sqnMarks: jsonRow(),
};

export type Change = RowChange<Tables>;

/** By id, in no order. */
export type Contents = RowsById<Tables>;
