// Somebody at an address who speaks raw SIP: a stranger, a forger, an odd device.
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import { Via } from "@ims-lab/common/sip/message/fields";
import {
  newRequest,
  newResponse,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import type { Flow, HostPort, Transport } from "@ims-lab/common/sip/transport/transport";

export type Headers = readonly (readonly [name: string, value: string])[];

export class Peer {
  readonly at: HostPort;
  /** Everything that came, in order. */
  readonly inbox: SipMessage[] = [];
  /** What a request is answered with; undefined: nothing. */
  answers: (request: SipRequest) => number | undefined = () => 200;
  readonly #transport: Transport;
  #branch = 0;

  constructor(transport: Transport, at: HostPort) {
    this.#transport = transport;
    this.at = at;
  }

  async listen(): Promise<this> {
    await this.#transport.listen({
      onMessage: (bytes, flow) => this.#take(bytes, flow),
      onClosed: () => undefined,
      onRejected: () => undefined,
    });
    return this;
  }

  get requests(): readonly SipRequest[] {
    return this.inbox.filter((message) => message.kind === "request");
  }

  get responses(): readonly SipResponse[] {
    return this.inbox.filter((message) => message.kind === "response");
  }

  send(message: SipMessage, to: HostPort): void {
    this.sendOctets(encode(message), to);
  }

  /** Whatever they are. */
  sendOctets(bytes: Buffer, to: HostPort): void {
    this.#transport.send(bytes, this.#transport.flowTo(to));
  }

  /** The final response to this request of ours, when it has come. */
  answerTo(request: SipRequest): SipResponse | undefined {
    const branch = request.get(Via)?.branch;
    return this.responses.find(
      (response) => response.status >= 200 && response.get(Via)?.branch === branch,
    );
  }

  /** A whole request of this peer; of headers given, the given value counts. */
  request(method: string, uri: string, user: string, headers: Headers = []): SipRequest {
    const { host, port } = this.at;
    const given = new Set(headers.map(([name]) => name));
    const transport = this.#transport.name.toUpperCase();
    const usual: Headers = [
      [
        "Via",
        `SIP/2.0/${transport} ${host}:${port};branch=z9hG4bK-${host}-${++this.#branch};rport`,
      ],
      ["Max-Forwards", "70"],
      ["From", `<${user}>;tag=f`],
      ["To", `<${user}>`],
      ["Call-ID", `call-${host}-${this.#branch}`],
      ["CSeq", `1 ${method}`],
    ];
    return newRequest(method, uri, [...usual.filter(([name]) => !given.has(name)), ...headers]);
  }

  #take(bytes: Buffer, flow: Flow): void {
    const { message } = decode(bytes);
    // The 400 to what has no From, or no CSeq to be read, has none either.
    if (message === undefined && bytes.toString("latin1", 0, 12) === "SIP/2.0 400 ") return;
    if (message === undefined) throw new Error(`not SIP: ${bytes.toString("latin1")}`);
    this.inbox.push(message);
    const status = message.kind === "request" ? this.answers(message) : undefined;
    if (message.kind !== "request" || status === undefined) return;
    this.#transport.send(encode(newResponse(message, status, { toTag: "peer" })), flow);
  }
}
