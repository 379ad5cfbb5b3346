// One call from its INVITE to its final answer: what its users' registrations have to do with it. TS 24.229 §5.4.5.1.
import type { Incoming } from "@ims-lab/common/sip/endpoint";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import type { Target } from "@ims-lab/common/sip/proxy/fork";
import type { KeptDialogs } from "./kept-dialogs.ts";
import type { DeviceTarget } from "./terminating.ts";

/** One of our devices, or somebody elsewhere. */
export type Callee = Target & Partial<Pick<DeviceTarget, "token">>;

export class CallWatch {
  readonly #dialogs: KeptDialogs;
  readonly #invite: Incoming;
  readonly #caller: string | undefined;
  #isReleased = false;

  /** @param caller token of the binding that calls; `end` ends the INVITE under way */
  constructor(
    dialogs: KeptDialogs,
    invite: Incoming,
    caller: string | undefined,
    callees: readonly Callee[],
    end: () => void,
  ) {
    this.#dialogs = dialogs;
    this.#invite = invite;
    this.#caller = caller;
    const [first, ...others] = callees;
    // Of several devices that ring one may go.
    const callee = others.length === 0 ? first?.token : undefined;
    dialogs.begins(invite, this.#tokensWith(callee), () => {
      this.#isReleased = true;
      end();
    });
  }

  /** True: the caller shall hear that the callee is not to be had, not that he has cancelled. */
  hides({ status }: SipResponse): boolean {
    return this.#isReleased && status === 487;
  }

  answered(response: SipResponse, by: Callee | undefined): void {
    if (response.status < 200) return;
    this.#dialogs.hasBegun(this.#invite);
    if (response.status < 300)
      this.#dialogs.established(this.#invite.request, response, this.#tokensWith(by?.token));
  }

  #tokensWith(callee: string | undefined): readonly string[] {
    return [this.#caller, callee].filter((token) => token !== undefined);
  }
}
