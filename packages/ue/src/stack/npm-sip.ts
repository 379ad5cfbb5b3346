// The npm package `sip` behind the stack port, joined by text: its own transactions, Via and sockets.
// Known of 0.0.6: fixed timers (500 ms, 32 s), no T2, nothing repeated after a 100 (decision record 0001).
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import type {
  Destination,
  Incoming,
  LocalAddress,
  RefusalOptions,
  RequestHandler,
  ResponseHandlers,
} from "@ims-lab/common/sip/endpoint/endpoint";
import type { Interceptor } from "@ims-lab/common/sip/endpoint/interceptors";
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import {
  newRequest,
  newResponse,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { formatHost } from "@ims-lab/common/sip/message/uri";
import type {
  Flow,
  HostPort,
  Transport,
  TransportName,
} from "@ims-lab/common/sip/transport/transport";
import * as sip from "sip";
import type { SentRequest, Stack } from "./stack.ts";

export interface NpmSipOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: TransportName;
  readonly host: string;
  /** npm sip takes 0 for 5060, so a free port has to be found before. */
  readonly findPort: () => Promise<number>;
  /** A message npm sip delivered that is not one, or an error of its own. */
  readonly onTrouble: (reason: string) => void;
  readonly interceptors?: readonly Interceptor[];
}

/**
 * Host of its Via. It takes every Route to this host, whatever the port, for itself, so on one
 * machine it must not be our address; responses go by `received` and `rport` (RFC 3581).
 */
const SENT_BY = "ue.invalid";

/** It closes a connection that carried nothing for 120 s (RFC 5626 §4.4.1 asks for 95 s to 120 s). */
const KEEP_ALIVE_MS = 90_000;

export class NpmSipStack implements Stack {
  readonly #options: NpmSipOptions;
  #stack: sip.SipStack | undefined;
  #address: LocalAddress | undefined;
  #keepAlive: Timer | undefined;
  /** Real 503s by transaction: npm sip hands up one of its own, without Retry-After. */
  readonly #unavailable = new Map<string, sip.SipMessage>();

  constructor(options: NpmSipOptions) {
    this.#options = options;
  }

  get local(): readonly LocalAddress[] {
    return this.#address === undefined ? [] : [this.#address];
  }

  async listen(handler: RequestHandler): Promise<void> {
    const { transport, host, findPort, onTrouble } = this.#options;
    const port = await findPort();
    this.#address = { transport, host, port };
    this.#stack = sip.create(
      {
        address: host,
        port,
        publicAddress: SENT_BY,
        udp: transport === "udp",
        tcp: transport === "tcp",
        logger: {
          recv: (message, remote) => {
            this.#remember(message);
            this.#trace("in", message, remote);
          },
          send: (message, target) => this.#trace("out", message, target),
          error: (error) => onTrouble(String(error)),
        },
      },
      (message, remote) => this.#deliver(message, remote, handler),
    );
  }

  request(request: SipRequest, to: Destination, handlers: ResponseHandlers): SentRequest {
    const flow = this.#flowTo(to);
    const message = toNpm(routed(request, flow));
    let isWanted = true;
    const cancelling = this.#cancelling(request, message);
    this.#stack?.send(message, (npmResponse) => {
      cancelling.heard(npmResponse);
      if (!isWanted) return;
      const outcome = this.#outcome(message, npmResponse);
      if (typeof outcome === "string") handlers.onFailure(outcome);
      else handlers.onResponse(outcome, flow);
    });
    this.#arm(to);
    return {
      cancel: () => cancelling.cancel(),
      abandon: () => {
        isWanted = false;
      },
    };
  }

  /** RFC 3261 §9.1: the CANCEL has the INVITE's Via, which npm sip has put into what it sent. */
  #cancelling(request: SipRequest, sent: sip.SipMessage): Cancelling {
    let state: "early" | "wanted" | "possible" | "over" = "early";
    const send = (): void => {
      state = "over";
      const cancel = toNpm(cancelFor(request));
      cancel.headers = { ...cancel.headers, via: sent.headers.via?.slice(0, 1) ?? [] };
      if (sent.headers["route"] !== undefined) cancel.headers["route"] = sent.headers["route"];
      this.#stack?.send(cancel, () => undefined);
    };
    return {
      heard: ({ status = 0 }) => {
        if (status >= 200) state = "over";
        else if (state === "wanted") send();
        else if (state === "early") state = "possible";
      },
      cancel: () => {
        if (state === "possible") send();
        else if (state === "early") state = "wanted";
      },
    };
  }

  sendStateless(message: SipMessage, to: Destination): void {
    const outgoing = message.kind === "request" ? routed(message, this.#flowTo(to)) : message;
    this.#stack?.send(toNpm(outgoing));
  }

  /** npm sip does not tell: a lost connection shows as a failed request. */
  onFlowClosed(): void {}

  close(): Promise<void> {
    this.#keepAlive?.cancel();
    this.#stack?.destroy();
    this.#stack = undefined;
    return Promise.resolve();
  }

  #deliver(message: sip.SipMessage, remote: sip.SipFlow, handler: RequestHandler): void {
    const request = fromNpm(message);
    if (request?.kind !== "request") {
      this.#options.onTrouble(`a ${message.method ?? "message"} that cannot be read`);
      return;
    }
    handler(new NpmIncoming(request, this.#flow(remote), (response) => this.#respond(response)));
  }

  #respond(response: SipResponse): void {
    this.#stack?.send(toNpm(response));
  }

  /** What it invents (408, 503, 404) shares the request's Via list; what came in has one of its own. */
  #outcome(
    request: sip.SipMessage,
    npmResponse: sip.SipMessage,
  ): SipResponse | "timeout" | "refused" {
    const invented = npmResponse.headers.via === request.headers.via;
    const key = transactionOf(npmResponse);
    const real = invented ? this.#unavailable.get(key) : npmResponse;
    this.#unavailable.delete(key);
    const response = real && fromNpm(real);
    if (response?.kind === "response") return response;
    return npmResponse.status === 408 ? "timeout" : "refused";
  }

  #remember(message: sip.SipMessage): void {
    if (message.status === 503) this.#unavailable.set(transactionOf(message), message);
  }

  #trace(direction: "in" | "out", message: sip.SipMessage, peer: sip.SipFlow): void {
    const { interceptors = [], clock } = this.#options;
    if (interceptors.length === 0) return;
    const bytes = Buffer.from(sip.stringify(message), "latin1");
    const passing = { direction, bytes, flow: this.#flow(peer), at: clock.now() };
    // The package tells what it has sent and received: it can be looked at only.
    for (const interceptor of interceptors) interceptor(passing, () => undefined);
  }

  /** A stream the P-CSCF reaches us over must not go quiet. */
  #arm(to: Destination): void {
    if (this.#options.transport !== "tcp") return;
    this.#keepAlive?.cancel();
    this.#keepAlive = this.#options.clock.after(KEEP_ALIVE_MS, () => this.#ping(to));
  }

  #ping(to: Destination): void {
    const { host, port } = this.#flowTo(to).remote;
    const uri = `sip:${formatHost(host)}:${port}`;
    const ignored = { onResponse: () => {}, onFailure: () => {} };
    const ping = newRequest("OPTIONS", uri, [
      ["Max-Forwards", "0"],
      ["From", `<${uri}>;tag=${this.#options.random.hex(8)}`],
      ["To", `<${uri}>`],
      ["Call-ID", this.#options.random.hex(16)],
      ["CSeq", "1 OPTIONS"],
    ]);
    this.request(ping, to, ignored);
  }

  #flowTo(to: Destination): Flow {
    return "flow" in to ? to.flow : this.#flow({ protocol: "", address: to.host, port: to.port });
  }

  #flow(remote: sip.SipFlow): Flow {
    const { transport } = this.#options;
    const local = localOf(remote) ?? this.#address ?? { host: this.#options.host, port: 0 };
    const id = `npm-sip ${transport} ${remote.address} ${remote.port}`;
    return { id, transport, local, remote: { host: remote.address, port: remote.port } };
  }
}

interface Cancelling {
  heard(response: sip.SipMessage): void;
  cancel(): void;
}

function cancelFor(invite: SipRequest): SipRequest {
  return newRequest("CANCEL", invite.uri, [
    ["Max-Forwards", "70"],
    ["From", invite.text("From") ?? ""],
    ["To", invite.text("To") ?? ""],
    ["Call-ID", invite.callId],
    ["CSeq", `${invite.cseq.number} CANCEL`],
  ]);
}

class NpmIncoming implements Incoming {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly #send: (response: SipResponse) => void;

  constructor(request: SipRequest, flow: Flow, send: (response: SipResponse) => void) {
    this.request = request;
    this.flow = flow;
    this.#send = send;
  }

  respond(response: SipResponse): void {
    this.#send(response);
  }

  refuse(status: number, options: RefusalOptions = {}): void {
    this.#send(newResponse(this.request, status, options));
  }

  drop(): void {}
}

/** Where a connection starts from; npm sip knows it of what came in. */
function localOf({ local }: sip.SipFlow): HostPort | undefined {
  return local && { host: local.address, port: local.port };
}

/** It sends where the topmost Route points; one for the next hop is legal (RFC 3261 §8.1.2). */
function routed(request: SipRequest, flow: Flow): SipRequest {
  const { host, port } = flow.remote;
  const next = `<sip:${formatHost(host)}:${port};transport=${flow.transport};lr>`;
  const top = request.text("Route");
  return top === undefined ? request.clone().push("Route", next) : request;
}

function toNpm(message: SipMessage): sip.SipMessage {
  const npm = sip.parse(encode(message).toString("latin1"));
  if (npm === undefined) throw new Error("npm sip cannot read a message of ours");
  return npm;
}

/** Via, To and From of the copy are its own: `stringify` writes Content-Length into what it gets. */
function fromNpm(message: sip.SipMessage): SipMessage | undefined {
  return decode(Buffer.from(sip.stringify(message), "latin1")).message;
}

function transactionOf(message: sip.SipMessage): string {
  return String(message.headers.via?.[0]?.params["branch"] ?? "");
}

/** A port that is free now. Binds `probe`, made with port 0, and closes it: another process may take the port meanwhile. */
export async function freePort(probe: Transport): Promise<number> {
  await probe.listen({
    onMessage: () => undefined,
    onClosed: () => undefined,
    onRejected: () => undefined,
  });
  const { port } = probe.local;
  await probe.close();
  return port;
}
