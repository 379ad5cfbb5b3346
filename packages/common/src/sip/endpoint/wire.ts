// What passes an endpoint's transports, seen and counted on its way. RFC 3261 §18.

import { Via } from "../message/fields.ts";
import type { SipRequest, SipResponse } from "../message/message.ts";
import type { Via as ViaValue } from "../message/via.ts";
import type { Flow, SendFailure, Transport, TransportName } from "../transport/transport.ts";
import type { EndpointCounters, EndpointEvent, EndpointOptions, Trace } from "./options.ts";

export class EndpointWire {
  readonly #transports: ReadonlyMap<TransportName, Transport>;
  readonly #options: EndpointOptions;
  readonly #trace: Trace | undefined;
  readonly #counters: EndpointCounters | undefined;

  constructor(options: EndpointOptions) {
    this.#transports = new Map(options.transports.map((each) => [each.name, each]));
    this.#options = options;
    this.#trace = options.trace;
    this.#counters = options.counters;
  }

  transport(name: TransportName): Transport | undefined {
    return this.#transports.get(name);
  }

  count(event: EndpointEvent, label: string): void {
    this.#counters?.count(event, label);
  }

  seen(bytes: Buffer, flow: Flow): void {
    this.#trace?.("in", bytes, flow, this.#options.clock.now());
  }

  send(bytes: Buffer, flow: Flow, onFailure?: (why: SendFailure) => void): void {
    this.#trace?.("out", bytes, flow, this.#options.clock.now());
    const transport = this.#transports.get(flow.transport);
    if (transport === undefined) throw new Error(`no ${flow.transport} transport for ${flow.id}`);
    transport.send(bytes, flow, onFailure);
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

/** Writes down where a request really came from: RFC 3261 §18.2.1, RFC 3581 §4. */
export function fillReceived(request: SipRequest, via: ViaValue, flow: Flow): void {
  const { host, port } = flow.remote;
  const asksForPort = via.rport !== undefined;
  if (!asksForPort && via.host === host && via.received === undefined) return;
  const [text = ""] = request.texts("Via");
  request.replaceTop("Via", filled(text, via, host, asksForPort ? String(port) : undefined));
}

function filled(text: string, via: ViaValue, host: string, port: string | undefined): string {
  // What our own nodes send, and most others: nothing to be replaced.
  if (port !== undefined && text.endsWith(";rport") && via.received === undefined)
    return `${text.slice(0, -6)};received=${host};rport=${port}`;
  const received = via.params.with("received", host);
  const params = port === undefined ? received : received.with("rport", port);
  // Everything before the parameters stays as the peer wrote it.
  return `${text.slice(0, text.length - via.params.toString().length)}${params}`;
}
