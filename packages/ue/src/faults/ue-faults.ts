// The UEs' faults put together: their switches, and the ports through which they act. docs/faults.md.
import { type UeFaultName, ueFaults } from "@ims-lab/common/admin-api/faults";
import { FaultSwitches } from "@ims-lab/common/faults/fault-switches";
import { NetworkFaults } from "@ims-lab/common/faults/network-faults";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { IsimFaults } from "../isim/isim.ts";
import type { Credentials } from "../registration/credentials.ts";
import type { Stack } from "../stack/stack.ts";
import { FaultyCredentials } from "./faulty-credentials.ts";
import { FaultyStack } from "./faulty-stack.ts";

export type UeFaultSwitches = FaultSwitches<UeFaultName>;

/** What can be done to a UE, or asked of it. */
export interface FaultyUe {
  readonly impi: string;
  /** No password: there is an AUTN to check. */
  readonly hasIsim: boolean;
  /** Undefined: its stack cannot. */
  readonly move: (() => Promise<void>) | undefined;
  reboot(): void;
}

export interface UeFaultsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Timer T1, milliseconds. */
  readonly t1: number;
  /** Of the network, from the start; absent: none. */
  readonly networkRules?: readonly string[];
  /** Why the stack lets nobody in between; absent: it does. */
  readonly whyNoNetworkRules?: string;
}

const OF_ISIM: ReadonlySet<UeFaultName> = new Set(["reject-autn", "force-auts", "skip-mac-check"]);

export class UeFaults {
  readonly switches: UeFaultSwitches;
  /** What becomes of the messages that leave. */
  readonly network: NetworkFaults;
  readonly #options: UeFaultsOptions;
  #ues: () => readonly FaultyUe[] = () => [];
  #find: (identity: string) => FaultyUe | undefined = () => undefined;

  /** All are off, until it is told who there is. */
  constructor(options: UeFaultsOptions) {
    const { clock, log, networkRules: rules = [], whyNoNetworkRules: whyNot } = options;
    this.#options = options;
    this.network = new NetworkFaults({ from: "U", clock, log, rules, whyNot });
    this.switches = new FaultSwitches({
      catalogue: ueFaults,
      clock,
      log,
      subjectOf: (identity) => this.#find(identity)?.impi,
      unsuitable: (name, impi) => this.#unsuitable(name, impi),
      perform: (name, impi) => this.#perform(name, impi),
    });
  }

  /** @param find by IMPU or IMPI */
  meet(ues: () => readonly FaultyUe[], find: (identity: string) => FaultyUe | undefined): void {
    this.#ues = ues;
    this.#find = find;
  }

  /** What the card of this UE does wrong with its next challenge; asking is using. */
  isimFaults(impi: string): IsimFaults {
    const { switches } = this;
    if (switches.count === 0) return NO_FAULTS;
    const isOn = (name: UeFaultName): boolean => switches.take(name, impi) !== undefined;
    if (isOn("reject-autn")) return { rejectAutn: true };
    const skipMacCheck = isOn("skip-mac-check");
    if (isOn("force-auts")) return { skipMacCheck, forceAuts: true };
    return { skipMacCheck, wrongRes: isOn("wrong-res") };
  }

  /** @param stack without faults */
  equip(
    impi: string,
    stack: Stack,
    credentials: Credentials,
  ): { readonly stack: Stack; readonly credentials: Credentials } {
    const { clock, t1 } = this.#options;
    const { switches } = this;
    const faulty = new FaultyCredentials(switches, impi, credentials);
    const tools = { switches, impi, clock, timerF: 64 * t1, isAnswer: () => faulty.isAnswering };
    return { stack: new FaultyStack(stack, tools), credentials: faulty };
  }

  #meant(impi: string | undefined): readonly FaultyUe[] {
    const ues = this.#ues();
    return impi === undefined ? ues : ues.filter((ue) => ue.impi === impi);
  }

  #unsuitable(name: UeFaultName, impi: string | undefined): string | undefined {
    const meant = this.#meant(impi);
    if (OF_ISIM.has(name) && !meant.some(({ hasIsim }) => hasIsim))
      return "there is no ISIM, but a password";
    if (name === "new-address" && meant.some(({ move }) => move === undefined))
      return "the SIP stack cannot send from another port (setting stack: core)";
    return undefined;
  }

  #perform(name: UeFaultName, impi: string | undefined): void {
    const { log } = this.#options;
    for (const ue of this.#meant(impi)) {
      if (name === "reboot") ue.reboot();
      else
        ue.move?.().catch((error: unknown) => {
          log.warn("fault.failed", { fault: name, impi: ue.impi, why: String(error) });
        });
    }
  }
}

const NO_FAULTS: IsimFaults = {};
