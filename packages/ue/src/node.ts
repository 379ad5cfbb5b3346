// The UE node: any number of UEs in one process, each with its own stack.
import type { ReginfoReader } from "@ims-lab/common/ims/reginfo";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import type { TransactionList } from "@ims-lab/common/sip/transaction/view";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import type { MediaSink } from "./call/media-sink.ts";
import { UeFaults } from "./faults/ue-faults.ts";
import type { Stack } from "./stack/stack.ts";
import { type UeSettings, type User, UserEquipment } from "./user-equipment.ts";

export interface UeNodeOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly settings: UeSettings;
  readonly reginfo: ReginfoReader;
  readonly users: readonly User[];
  /** The stack of the UE with this index. */
  stackFor(index: number): Stack;
  /** Where its calls have their audio sent; absent: nowhere. */
  mediaFor?(index: number): MediaSink | undefined;
  /** Those that the users' credentials know of, too; absent: credentials without any. */
  readonly faults?: UeFaults;
  /** UEs that start registering per second. */
  readonly perSecond: number;
}

export class UeNode {
  readonly ues: readonly UserEquipment[];
  /** To test networks with. */
  readonly faults: UeFaults;
  readonly #options: UeNodeOptions;
  readonly #timers: Timer[] = [];

  constructor(options: UeNodeOptions) {
    const { clock, log, settings } = options;
    this.#options = options;
    this.faults = options.faults ?? new UeFaults({ clock, log, t1: settings.t1 });
    this.ues = options.users.map(
      (user, index) =>
        new UserEquipment({
          ...options,
          faults: this.faults,
          user,
          stack: options.stackFor(index),
          media: options.mediaFor?.(index),
        }),
    );
    this.faults.meet(
      () => this.ues,
      (identity) => this.find(identity),
    );
  }

  /** Binds every stack; sends nothing yet. Rejects with the system's error. */
  async listen(): Promise<void> {
    for (const ue of this.ues) await ue.listen();
  }

  /** Registers all, at the pace of the settings. */
  registerAll(): void {
    const { clock, perSecond } = this.#options;
    for (const [index, ue] of this.ues.entries()) {
      if (index === 0) ue.register();
      else this.#timers.push(clock.after((index * 1000) / perSecond, () => ue.register()));
    }
  }

  /** Whether every UE that shall be registered is. */
  get isReady(): boolean {
    return this.ues.every((ue) => ue.isReady);
  }

  /** Where the first UE listens, for the `ready` line. */
  get address(): string {
    const address = this.ues[0]?.address;
    return address === undefined ? "" : `${address.transport}:${formatHostPort(address)}`;
  }

  /** The one with this public or private identity; those the network has added count, too. */
  find(identity: string): UserEquipment | undefined {
    const known = this.ues.find((ue) => ue.view.impu === identity || ue.view.impi === identity);
    return known ?? this.ues.find((ue) => ue.associated(identity) !== undefined);
  }

  /** One per UE whose stack knows its transactions. */
  get transactionLists(): readonly TransactionList[] {
    return this.ues.flatMap(({ transactionList }) => transactionList ?? []);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.faults.switches.close();
    await Promise.all(this.ues.map((ue) => ue.close()));
  }
}
