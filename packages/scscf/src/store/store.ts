// The store port: nothing that an answer has announced may be lost. Contract: test/contract/store.ts.

import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import type { Binding } from "../registration/binding.ts";

/** Plain data only: what is stored must survive a trip through JSON. */
export interface Tables {
  /** By Service-Route token. A running re-authentication is part of its binding. */
  readonly bindings: Binding;
  /** Subscriptions here, with their dialog, by id. */
  readonly subscriptions: NotifierSubscription;
}

export type Change = {
  readonly [T in keyof Tables]: {
    readonly table: T;
    readonly id: string;
    /** Undefined removes the row. */
    readonly value: Tables[T] | undefined;
  };
}[keyof Tables];

export type Contents = { readonly [T in keyof Tables]: readonly Tables[T][] };

export interface Store {
  /**
   * All of `changes` or none. Calls `done` once they are durable, in the order of the commits,
   * possibly before it returns; with a problem when they are not.
   */
  commit(changes: readonly Change[], done: (problem?: Error) => void): void;
  /** Everything that was committed. */
  load(): Promise<Contents>;
  /** Flushes and releases. */
  close(): Promise<void>;
}
