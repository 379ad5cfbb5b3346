// Rows that several nodes share: each group of them has one owner at a time, who alone writes it.
import type { RowsById } from "./rows.ts";
import type { RowStore } from "./store.ts";

/** Another node has these rows now: nothing has been written, and nothing may follow from it. */
export class RowsLost extends Error {}

/** How a group became this node's. */
export type Provenance =
  | "free" // nobody had it
  | "given" // its owner has handed it over
  | "own" // it was ours, as Redis knows
  | "dead" // its owner's lease had ended
  | "forced"; // its owner did not answer

export interface TakenGroup<Rows> {
  readonly group: string;
  readonly was: Provenance;
  readonly rows: RowsById<Rows>;
}

/** What the shared rows tell their node. */
export interface SharedRowsListener<Rows> {
  /** Became ours without being asked for: of nodes that have died, or ours since before a connection was lost. */
  gained(groups: readonly TakenGroup<Rows>[]): void;
  /** Are another node's: to be forgotten at once, and nobody is told. */
  lost(groups: readonly string[]): void;
  /** Another node wants them: to be given, as soon as what is under way is durable. */
  wanted(groups: readonly string[], by: string): void;
  /** Rows that all nodes have were changed by another one. @param ids undefined: nobody knows which */
  changed(table: keyof Rows & string, ids: readonly string[] | undefined): void;
}

export interface ClusterNode {
  readonly name: string;
  /** Its own word: where it is. */
  readonly address: string;
  /** Milliseconds that are left of its lease; 0: it has ended. */
  readonly leaseMs: number;
  /** Of rows: registration sets, campaigns. */
  readonly groups: number;
}

export interface SharedRows<Rows> extends RowStore<Rows> {
  /** This node among the others. */
  readonly node: string;
  /** From here on; at once what has become of the groups meanwhile. */
  attach(listener: SharedRowsListener<Rows>): void;
  /** Only its owner's commits of a group succeed; others fail with RowsLost. */
  isHeld(group: string): boolean;
  /** Whether this node may have lost its groups without having heard of it: it was asleep. */
  readonly isDoubtful: boolean;
  /** Resolves when it is known which groups are ours. Rejects when Redis does not answer. */
  confirm(): Promise<void>;
  /**
   * Makes these groups ours, whoever has them: an owner that lives is asked, and after half a second not asked any
   * more. Not among the result: those that are held already, or go from one node to another all the time. Rejects when
   * Redis does not answer.
   */
  obtain(groups: readonly string[]): Promise<readonly TakenGroup<Rows>[]>;
  /** From here on it is not held. Resolves to what has come back, as the other node is gone. */
  give(group: string, to: string): Promise<readonly TakenGroup<Rows>[]>;
  /** One row that all nodes have. */
  read<T extends keyof Rows & string>(table: T, id: string): Promise<Rows[T] | undefined>;
  nodes(): Promise<readonly ClusterNode[]>;
}
