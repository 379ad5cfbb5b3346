// A P-CSCF's asking for a re-authentication (Figure 5), followed or not as the policy says.
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Binding } from "../registration/binding.ts";
import type { Reauthentications } from "../registration/reauthentications.ts";
import type { PolicyInForce } from "./policy-in-force.ts";

export interface PcscfAskingOptions {
  readonly policy: PolicyInForce;
  readonly reauthentications: Reauthentications;
  readonly log: Logger;
  readonly history: { note(impi: string, kind: "not-followed", detail: string): void };
}

export class PcscfAsking {
  readonly #options: PcscfAskingOptions;

  constructor(options: PcscfAskingOptions) {
    this.#options = options;
  }

  /** Its NOTIFY was answered already: whether it is followed is ours to say. False: it is not. */
  asked(binding: Binding): boolean {
    const { policy, reauthentications, log, history } = this.#options;
    const asking = policy.askedByPcscf(binding);
    if (asking.kind === "followed") {
      reauthentications.ask([binding], asking.cause);
      return true;
    }
    const { impi, impu, callId, address } = binding;
    const { rule } = asking;
    log.info("policy.not-followed", { rule, impi, impu, callId, contact: address.contact });
    history.note(impi, "not-followed", `rule ${rule}`);
    return false;
  }
}
