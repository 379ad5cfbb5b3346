// Many devices as text in, text out: they register, subscribe and answer NOTIFYs as cheaply as can be.
import { hash } from "node:crypto";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { TransportEvents } from "@ims-lab/common/sip/transport/transport";
import type { NodesInProcess } from "./lab.ts";
import { DOMAIN, PASSWORD } from "./users.ts";

export interface DevicesOptions {
  /** Over one hop the devices say what a P-CSCF would say for them. */
  readonly behindPcscf: boolean;
  readonly subscribe: boolean;
}

export class Devices implements TransportEvents {
  /** Registered, and subscribed if they were to. */
  done = 0;
  readonly #nodes: NodesInProcess<Clock>;
  readonly #options: DevicesOptions;
  /** Whether a device subscribes after its 200. */
  subscribing: boolean;
  #branch = 0;
  /** A CSeq rises with every REGISTER of a Call-ID, so of all of them. */
  #cseq = 0;

  constructor(nodes: NodesInProcess<Clock>, options: DevicesOptions) {
    this.#nodes = nodes;
    this.#options = options;
    this.subscribing = options.subscribe;
  }

  register(user: number): void {
    this.#sendRegister(user, "");
  }

  onMessage(bytes: Buffer): void {
    const text = bytes.toString("latin1");
    if (text.startsWith("NOTIFY ")) this.#answerNotify(text);
    else if (text.startsWith("SIP/2.0 401")) this.#answerChallenge(text);
    else if (text.startsWith("SIP/2.0 200")) this.#accepted(text);
    else throw new Error(`devices got: ${text}`);
  }

  onClosed(): void {}

  onRejected(reason: string): void {
    throw new Error(reason);
  }

  #answerChallenge(text: string): void {
    const user = userOf(text);
    const nonce = /nonce="([^"]+)"/.exec(text)?.[1] ?? "";
    const name = `load${user}@${DOMAIN}`;
    const ha1 = md5(`${name}:${DOMAIN}:${PASSWORD}`);
    const ha2 = md5(`REGISTER:sip:${DOMAIN}`);
    const response = md5(`${ha1}:${nonce}:00000001:6b8b4567:auth:${ha2}`);
    const claim = this.#options.behindPcscf ? "" : ', integrity-protected="ip-assoc-pending"';
    const credentials = `Digest username="${name}", realm="${DOMAIN}", nonce="${nonce}", uri="sip:${DOMAIN}", response="${response}", algorithm=MD5, cnonce="6b8b4567", qop=auth, nc=00000001${claim}`;
    this.#sendRegister(user, `Authorization: ${credentials}\r\n`);
  }

  #accepted(text: string): void {
    const isSubscribed = text.includes(" SUBSCRIBE\r\n");
    if (isSubscribed || !this.subscribing) this.done++;
    else this.#subscribe(userOf(text), /Service-Route: ([^\r]*)/.exec(text)?.[1] ?? "");
  }

  #sendRegister(user: number, authorization: string): void {
    const path = this.#options.behindPcscf
      ? ""
      : `Path: <sip:token${user}@127.0.0.1:4060;lr>\r\nRequire: path\r\n`;
    this.#send(
      `REGISTER sip:${DOMAIN} SIP/2.0\r\n${this.#via()}Max-Forwards: 70\r\nFrom: <sip:load${user}@${DOMAIN}>;tag=f${user}\r\nTo: <sip:load${user}@${DOMAIN}>\r\nCall-ID: 8f14e45fceea167a5a36-${user}@127.0.0.1\r\nCSeq: ${++this.#cseq} REGISTER\r\nContact: <sip:load${user}@127.0.0.1:5070;transport=udp>;expires=3600\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, NOTIFY, PRACK, UPDATE, REFER, SUBSCRIBE, INFO\r\nSupported: path, gruu, outbound, 100rel, timer, replaces\r\nP-Access-Network-Info: 3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=0010100010000101\r\n${path}${authorization}User-Agent: a telephone with a name of usual length/1.0.17\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n`,
    );
  }

  #subscribe(user: number, serviceRoute: string): void {
    this.#send(
      `SUBSCRIBE sip:load${user}@${DOMAIN} SIP/2.0\r\n${this.#via()}Max-Forwards: 70\r\nRoute: ${serviceRoute}\r\nP-Asserted-Identity: <sip:load${user}@${DOMAIN}>\r\nFrom: <sip:load${user}@${DOMAIN}>;tag=s${user}\r\nTo: <sip:load${user}@${DOMAIN}>\r\nCall-ID: subscription-a36dedd4be-${user}@127.0.0.1\r\nCSeq: 1 SUBSCRIBE\r\nRecord-Route: <sip:token${user}@127.0.0.1:4060;lr>\r\nContact: <sip:load${user}@127.0.0.1:5070;transport=udp>\r\nEvent: reg\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n`,
    );
  }

  #answerNotify(text: string): void {
    const kept = text.match(/^(Via|From|To|Call-ID|CSeq): .*\r\n/gm) ?? [];
    this.#send(`SIP/2.0 200 OK\r\n${kept.join("")}Content-Length: 0\r\n\r\n`);
    if (text.includes('event="shortened"')) this.register(userOf(text, "To"));
  }

  #via(): string {
    const { host, port } = this.#nodes.devices.local;
    return `Via: SIP/2.0/UDP ${host}:${port};branch=z9hG4bK${(++this.#branch).toString(36)}\r\n`;
  }

  #send(text: string): void {
    const { devices, edge } = this.#nodes;
    devices.send(Buffer.from(text, "latin1"), devices.flowTo(edge));
  }
}

/** The user's own requests and their answers name him in From, the network's in To. */
function userOf(text: string, header: "From" | "To" = "From"): number {
  const [, name = ""] = text.split(`\r\n${header}: <sip:load`, 2);
  return Number.parseInt(name, 10);
}

function md5(text: string): string {
  return hash("md5", text);
}
