// A server under load: two hops, started and stopped by the bench.
import type { Child } from "../machine/child.ts";

export interface Server {
  readonly name: string;
  /** Where devices send their REGISTER. */
  readonly port: number;
  readonly processes: readonly Child[];
  /** Beside them, and not measured. */
  readonly others?: readonly Child[];
  /** Messages that its nodes have repeated so far; absent where nobody counts them. */
  repeats?(): Promise<number>;
}

/** Where everything of one run is kept, and which ports it may use. */
export interface Bench {
  readonly folder: string;
  readonly portBase: number;
}
