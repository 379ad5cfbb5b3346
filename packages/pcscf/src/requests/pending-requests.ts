// Requests to UEs that await an answer over a connection: when it ends, none will come over it. RFC 5626 §5.3.1.
import { Groups } from "@ims-lab/common/platform/groups";
import type { Endpoint, Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse } from "@ims-lab/common/sip/message/message";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import { refusalOf } from "../outcomes.ts";

export class PendingRequests {
  readonly #byFlow = new Groups<string, Incoming>();

  constructor(access: Pick<Endpoint, "onFlowClosed">) {
    access.onFlowClosed((flow) => this.#lost(flow));
  }

  /** Nothing ever closes a UDP flow; INVITEs have a context of their own. */
  add(flow: Flow, incoming: Incoming): void {
    const { method } = incoming.request;
    if (flow.transport === "udp" || method === "INVITE" || method === "ACK") return;
    this.#byFlow.add(flow.id, incoming);
  }

  done(flow: Flow, incoming: Incoming): void {
    this.#byFlow.remove(flow.id, incoming);
  }

  /** At once: the sender would wait for 64*T1, and take silence for the end of its subscription. */
  #lost(flow: Flow): void {
    const { status, ...options } = refusalOf({ kind: "flow-lost" });
    for (const incoming of this.#byFlow.take(flow.id))
      incoming.respond(newResponse(incoming.request, status, options));
  }
}
