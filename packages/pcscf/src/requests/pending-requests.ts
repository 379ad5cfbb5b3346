// Requests to UEs that await an answer over a connection: when it ends, none will come over it. RFC 5626 §5.3.1.
import type { Endpoint, Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse } from "@ims-lab/common/sip/message/message";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import { refusalOf } from "../outcomes.ts";

export class PendingRequests {
  readonly #byFlow = new Map<string, Set<Incoming>>();

  constructor(access: Pick<Endpoint, "onFlowClosed">) {
    access.onFlowClosed((flow) => this.#lost(flow));
  }

  /** Nothing ever closes a UDP flow; INVITEs have a context of their own. */
  add(flow: Flow, incoming: Incoming): void {
    const { method } = incoming.request;
    if (flow.transport === "udp" || method === "INVITE" || method === "ACK") return;
    const waiting = this.#byFlow.get(flow.id) ?? new Set();
    this.#byFlow.set(flow.id, waiting.add(incoming));
  }

  done(flow: Flow, incoming: Incoming): void {
    const waiting = this.#byFlow.get(flow.id);
    if (waiting?.delete(incoming) && waiting.size === 0) this.#byFlow.delete(flow.id);
  }

  /** At once: the sender would wait for 64*T1, and take silence for the end of its subscription. */
  #lost(flow: Flow): void {
    const { status, ...options } = refusalOf({ kind: "flow-lost" });
    const waiting = this.#byFlow.get(flow.id) ?? [];
    this.#byFlow.delete(flow.id);
    for (const incoming of waiting)
      incoming.respond(newResponse(incoming.request, status, options));
  }
}
