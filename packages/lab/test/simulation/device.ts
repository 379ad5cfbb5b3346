// A device of a simulation, as the simulation sees it.
import type { HandledDevice } from "./acts.ts";

export interface Device extends HandledDevice {
  /** Index among the users of the plan. */
  readonly user: number;
  /** Our UE, which does everything right. */
  readonly isOwn: boolean;
  readonly isOn: boolean;
  /** First start; nothing is sent. */
  start(): Promise<void>;
  /** From now on it does everything right. */
  behave(): void;
  /** What it believes. */
  readonly isRegistered: boolean;
  readonly wantsSubscription: boolean;
  /** A live subscription to its registration; true as well for one that wants none. */
  readonly isSubscribed: boolean;
  /** URIs that its next REGISTER names. */
  readonly contacts: readonly string[];
  /** In words, for a report. */
  readonly says: string;
}
