// The other side of a UE's calls: the network says what the test tells it to.

import type { CallView } from "@ims-lab/common/admin-api/views";
import { type Dialog, dialogAsUac, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import {
  newRequest,
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { Lab } from "../lab.ts";

export type Headers = readonly (readonly [string, string])[];

export const SDP: string = [
  "v=0",
  "o=- 1 1 IN IP4 192.0.2.1",
  "s=-",
  "c=IN IP4 192.0.2.1",
  "t=0 0",
  "m=audio 40000 RTP/AVP 0",
  "",
].join("\r\n");
export const SDP_BODY: Headers = [["Content-Type", "application/sdp"]];
export const CONTACT: Headers = [["Contact", "<sip:bob@192.0.2.1:5060>"]];

type LabOptions = ConstructorParameters<typeof Lab>[0];

export class OtherSide {
  readonly lab: Lab;
  #count = 0;

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  /** A UE that has registered, and what follows it. */
  static async start(options: LabOptions = {}): Promise<OtherSide> {
    const lab = await new Lab({ event: "none", ...options }).start();
    lab.clear();
    return new OtherSide(lab);
  }

  /** Of the call that came last. */
  get call(): CallView {
    const call = this.lab.ue.calls.view.at(-1);
    if (call === undefined) throw new Error("no call");
    return call;
  }

  /** How requests of this method are answered. */
  answers(method: string, status: number, headers: Headers = [], body = ""): void {
    this.serves(method, (incoming) => {
      const { request } = incoming;
      const options = { toTag: "bob", headers, body: Buffer.from(body) };
      incoming.respond(newResponse(request, status, options));
    });
  }

  serves(method: string, handler: (incoming: Incoming) => void): void {
    this.lab.network.serves.set(method, handler);
  }

  /** The methods the UE has sent since the last look. */
  async sent(seconds = 0.1): Promise<readonly string[]> {
    await this.lab.pass(seconds);
    const methods = [...this.lab.methods];
    this.lab.clear();
    return methods;
  }

  /** A request to the UE out of a dialog. */
  request(method: string, headers: Headers = [], body = ""): SipRequest {
    this.#count++;
    return newRequest(
      method,
      "sip:alice@192.0.2.7:5060",
      [
        ["Max-Forwards", "70"],
        ["From", "<sip:bob@example.org>;tag=bob"],
        ["To", "<sip:alice@example.org>"],
        ["Call-ID", `call-${this.#count}`],
        ["CSeq", `1 ${method}`],
        ...headers,
      ],
      Buffer.from(body),
    );
  }

  /** Its final answer. */
  async ask(request: SipRequest): Promise<SipResponse> {
    const heard = this.lab.network.ask(request);
    await this.lab.pass(0.1);
    const last = heard.at(-1);
    if (last === undefined || typeof last === "string") throw new Error(`no answer: ${last}`);
    return last;
  }

  /** Calls the UE, which rings. */
  async rings(): Promise<Within> {
    const invite = this.request("INVITE", [...CONTACT, ...SDP_BODY], SDP);
    const ringing = await this.ask(invite);
    const dialog = dialogAsUac(invite, ringing);
    if (dialog === undefined) throw new Error(`no dialog: ${ringing.status}`);
    return new Within(this, dialog);
  }

  /** Calls the UE, which answers, and acknowledges. */
  async calls(headers: Headers = [...CONTACT, ...SDP_BODY], body: string = SDP): Promise<Within> {
    const invite = this.request("INVITE", headers, body);
    const ok = await this.ask(invite);
    const dialog = dialogAsUac(invite, ok);
    if (dialog === undefined) throw new Error(`no dialog: ${ok.status}`);
    const within = new Within(this, dialog);
    within.acknowledge();
    await this.lab.pass(0.1);
    return within;
  }
}

/** Requests of the other side within a call. */
export class Within {
  readonly #side: OtherSide;
  #dialog: Dialog;

  constructor(side: OtherSide, dialog: Dialog) {
    this.#side = side;
    this.#dialog = dialog;
  }

  acknowledge(): void {
    const { localCseq } = this.#dialog;
    const ack = nextRequest({ ...this.#dialog, localCseq: localCseq - 1 }, "ACK").request;
    ack.push("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-ack");
    this.#side.lab.network.tell(ack);
  }

  async asks(method: string, headers: Headers = [], body = ""): Promise<SipResponse> {
    const next = nextRequest(this.#dialog, method, headers, Buffer.from(body));
    this.#dialog = next.dialog;
    return this.#side.ask(next.request);
  }
}
