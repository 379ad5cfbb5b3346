// One call from its INVITE to its final answer: what its users' registrations have to do with it. TS 24.229 §5.4.5.1.
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import type { Target } from "@ims-lab/common/sip/proxy/fork";
import type { ProxyCore } from "@ims-lab/common/sip/proxy/proxy";
import { type DialogTable, RELEASED } from "./dialog-table.ts";

/** One of our devices, or somebody elsewhere. */
export interface Callee extends Target {
  /** Of the binding, where it is one of our registrations. */
  readonly token?: string;
}

export class CallTracker {
  readonly #dialogs: DialogTable;
  readonly #invite: Incoming;
  readonly #caller: string | undefined;

  /** @param caller token of the binding that calls; `core` has the INVITE under way */
  constructor(
    dialogs: DialogTable,
    core: Pick<ProxyCore, "end" | "withdraw">,
    invite: Incoming,
    caller: string | undefined,
    callees: readonly Callee[],
  ) {
    this.#dialogs = dialogs;
    this.#invite = invite;
    this.#caller = caller;
    dialogs.begins(invite.request, {
      caller,
      callees: new Set(callees.flatMap(({ token }) => token ?? [])),
      end: () => core.end(invite, RELEASED),
      withdraw: (token) => {
        const gone = callees.find((callee) => callee.token === token);
        if (gone !== undefined) core.withdraw(invite, gone, RELEASED);
      },
    });
  }

  answered(response: SipResponse, by: Callee | undefined): void {
    const { request } = this.#invite;
    if (response.status < 200) return;
    this.#dialogs.hasBegun(request);
    if (response.status >= 300) return;
    const tokens = [this.#caller, by?.token].filter((token) => token !== undefined);
    this.#dialogs.established(request, response, tokens);
  }
}
