// The store port: nothing that an answer has announced may be lost. Contract: test/contract/store.ts.

import type { Sqn } from "@ims-lab/common/ims/sqn";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import type { Binding } from "../registration/binding.ts";

/** Plain data only: what is stored must survive a trip through JSON. */
export interface Tables {
  /** By Service-Route token. A running re-authentication is part of its binding. */
  readonly bindings: Binding;
  /** Subscriptions here, with their dialog, by id. */
  readonly subscriptions: NotifierSubscription;
  /** By IMPI: the highest sequence number that may have been used. */
  readonly sqnMarks: Sqn;
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

export interface Store {
  /**
   * All of `changes` or none; of two for one row the later counts. Calls `done` once when they are durable, or with a
   * problem when they are not and nothing of them will be: possibly before it returns, and in the order of the commits,
   * so that a later commit is never durable without an earlier one that succeeded.
   */
  commit(changes: readonly Change[], done: (problem?: Error) => void): void;
  /** Everything that was committed. At start, before the first commit. */
  load(): Promise<Contents>;
  /** Ends when every commit has been answered. */
  close(): Promise<void>;
}
