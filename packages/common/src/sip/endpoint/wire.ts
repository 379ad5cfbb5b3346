// The transports of an endpoint as what is sent passes them: interceptors, counts, the way back. RFC 3261 §18.
import { Via } from "../message/fields.ts";
import type { SipResponse } from "../message/message.ts";
import type { ViaValue } from "../message/via.ts";
import type { Flow, SendFailure, Transport, TransportName } from "../transport/transport.ts";
import { keepIntercepted, type Passage } from "./interceptors.ts";
import { statusClass } from "./metrics.ts";
import type { EndpointCounters, EndpointEvent, EndpointOptions } from "./options.ts";

export class EndpointWire {
  readonly #transports: ReadonlyMap<TransportName, Transport>;
  readonly #counters: EndpointCounters | undefined;
  #leave!: Passage;

  constructor(options: EndpointOptions) {
    const { transports, counters } = options;
    this.#transports = new Map(transports.map((each) => [each.name, each]));
    this.#counters = counters;
    const last: Passage = (bytes, flow, onFailure) => {
      const transport = this.#transports.get(flow.transport);
      if (transport === undefined) throw new Error(`no ${flow.transport} transport for ${flow.id}`);
      transport.send(bytes, flow, onFailure);
    };
    keepIntercepted(options, "out", last, (way) => {
      this.#leave = way;
    });
  }

  transport(name: TransportName): Transport | undefined {
    return this.#transports.get(name);
  }

  count(event: EndpointEvent, label: string): void {
    this.#counters?.count(event, label);
  }

  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void {
    this.#leave(bytes, flow, onFailure);
  }

  /** A response that is sent for the first time. */
  respond(bytes: Buffer, flow: Flow, response: SipResponse): void {
    this.count("response-out", statusClass(response));
    this.reply(bytes, flow, response);
  }

  /** RFC 3261 §18.2.2: over the request's connection; when that has gone, a new one to sent-by. */
  reply(bytes: Buffer, flow: Flow, response?: SipResponse): void {
    const via = flow.transport === "udp" ? undefined : response?.get(Via);
    if (via === undefined) {
      this.send(bytes, flow);
      return;
    }
    this.send(bytes, flow, (why) => {
      // RFC 7118 §5: nobody can connect to a WebSocket client.
      if (flow.transport !== "tcp" && flow.transport !== "tls") return;
      const { host, port } = viaAddress(via);
      const other = this.#transports.get(flow.transport)?.flowTo({ host, port });
      if (why === "closed" && other !== undefined && other.id !== flow.id) this.send(bytes, other);
    });
  }

  /** RFC 3581 §4, RFC 3261 §18.2.2: back to the source port only if `rport` asks for it. */
  replyFlow(via: ViaValue, flow: Flow): Flow {
    return this.flowBack(flow, via.rport === undefined ? (via.port ?? 5060) : undefined);
  }

  /** @param port where answers over UDP go; undefined: to the source port */
  flowBack(flow: Flow, port: number | undefined): Flow {
    if (flow.transport !== "udp" || port === undefined || port === flow.remote.port) return flow;
    return this.#transports.get("udp")?.flowTo({ host: flow.remote.host, port }) ?? flow;
  }
}

/** Where the sender of this Via takes responses; maddr is not obeyed (it could name a victim). */
function viaAddress(via: ViaValue): { host: string; port: number } {
  return {
    host: via.received ?? via.host,
    port: via.port ?? (via.transport === "TLS" ? 5061 : 5060),
  };
}
