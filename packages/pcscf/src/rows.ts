// Durable rows of the P-CSCF: bindings, the S-CSCFs' subscriptions here, what they are asked for, the policy, the key of its tokens.

import type { PolicyRow } from "@ims-lab/common/ims/kept-policy";
import {
  packSubscription,
  unpackSubscription,
} from "@ims-lab/common/sip/event/packed-subscription";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import { jsonRow, packedRow, type RowsById, type TableFormats } from "@ims-lab/common/store/rows";
import type { RowStore } from "@ims-lab/common/store/store";
import type { Binding } from "./bindings/binding.ts";
import { packBinding, unpackBinding } from "./bindings/packed-binding.ts";
import type { Asking } from "./notifier/reregistration-notifier.ts";

export interface Tables {
  /** By token. */
  readonly bindings: Binding;
  /** Subscriptions here, with their dialog, by id. */
  readonly subscriptions: NotifierSubscription;
  /** By token of the binding that shall register again. */
  readonly askings: Asking;
  /** Hexadecimal, by name. */
  readonly secrets: string;
  /** The one that an operator put. */
  readonly policy: PolicyRow;
}

/** How they are written. A new table is a line above and one here. */
export const TABLES: TableFormats<Tables> = {
  bindings: { write: packBinding, read: unpackBinding },
  subscriptions: packedRow(packSubscription, unpackSubscription),
  askings: jsonRow(),
  secrets: jsonRow(),
  policy: jsonRow(),
};

export type Contents = RowsById<Tables>;
export type Store = RowStore<Tables>;
