// A network side that does as the test says: registrar and notifier in one, on an endpoint of its own.
import { OWN_PACKAGE, REGINFO_TYPE } from "@ims-lab/common/ims/events";
import { formatReginfo, type ReginfoContact } from "@ims-lab/common/ims/reginfo";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import {
  createEndpoint,
  type Endpoint,
  type Incoming,
} from "@ims-lab/common/sip/endpoint/endpoint";
import { Expires } from "@ims-lab/common/sip/message/fields";
import {
  newRequest,
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import type { Flow, Transport } from "@ims-lab/common/sip/transport/transport";

type Headers = readonly (readonly [string, string])[];

export class ScriptedNetwork {
  readonly requests: SipRequest[] = [];
  /** Status of each NOTIFY's answer. */
  readonly notified: (number | string)[] = [];
  /** How the next REGISTERs are answered: a status and headers; the last stays. */
  script: (readonly [status: number, headers: Headers])[] = [[200, []]];
  grantedSeconds = 600_000;
  /** Undefined: the SUBSCRIBE gets what it asked for. */
  subscriptionSeconds: number | undefined;
  /** 0: none, the SUBSCRIBE is lost. */
  subscribeStatus = 200;
  /** What becomes of other requests; absent: they are lost. */
  readonly serves: Map<string, (incoming: Incoming) => void> = new Map();
  readonly #endpoint: Endpoint;
  readonly #random: Random;
  #flow: Flow | undefined;
  #register: SipRequest | undefined;
  #subscribe: SipRequest | undefined;
  #localTag = "";
  #cseq = 0;
  #version = 0;

  constructor(clock: Clock, random: Random, transport: Transport) {
    this.#random = random;
    this.#endpoint = createEndpoint({ name: "network", clock, random, transports: [transport] });
  }

  listen(): Promise<void> {
    return this.#endpoint.listen((incoming) => this.#handle(incoming));
  }

  close(): Promise<void> {
    return this.#endpoint.close();
  }

  of(method: string): readonly SipRequest[] {
    return this.requests.filter((request) => request.method === method);
  }

  /** In the dialog of the last SUBSCRIBE that made one. */
  notify(change: Partial<ReginfoContact>, state = "active;expires=600000", gap = 0): void {
    const subscribe = this.#subscribe;
    const register = this.#register;
    if (subscribe === undefined || register === undefined || this.#flow === undefined) return;
    const contact: ReginfoContact = {
      id: "c1",
      state: "active",
      event: "registered",
      uri: contactOf(register),
      callId: register.callId,
      cseq: register.cseq.number,
      ...change,
    };
    this.#version += gap;
    const body = formatReginfo({
      version: this.#version++,
      state: "full",
      registrations: [
        { aor: subscribe.to.uriText, id: "r1", state: "active", contacts: [contact] },
      ],
    });
    const notify = newRequest(
      "NOTIFY",
      contactOf(subscribe),
      [
        ["From", `<${subscribe.to.uriText}>;tag=${this.#localTag}`],
        ["To", subscribe.text("From") ?? ""],
        ["Call-ID", subscribe.callId],
        ["CSeq", `${++this.#cseq} NOTIFY`],
        ["Max-Forwards", "70"],
        ["Contact", "<sip:scscf.example.org;lr>"],
        ["Event", subscribe.text("Event") ?? OWN_PACKAGE],
        ["Subscription-State", state],
        ["Content-Type", REGINFO_TYPE],
      ],
      Buffer.from(body),
    );
    this.#endpoint.request(
      notify,
      { flow: this.#flow },
      {
        onResponse: (response) => this.notified.push(response.status),
        onFailure: (why) => this.notified.push(why),
      },
    );
  }

  #handle(incoming: Incoming): void {
    const { request } = incoming;
    this.requests.push(request);
    this.#flow = incoming.flow;
    if (request.method === "REGISTER") incoming.respond(this.#registered(request));
    if (request.method === "SUBSCRIBE") this.#subscribed(incoming);
    this.serves.get(request.method)?.(incoming);
  }

  /** Sends a request to the UE the way it came; its answers, and `why` there was none, in the order of their coming. */
  ask(request: SipRequest): readonly (SipResponse | string)[] {
    const heard: (SipResponse | string)[] = [];
    if (this.#flow === undefined) throw new Error("the UE has not spoken yet");
    this.#endpoint.request(
      request,
      { flow: this.#flow },
      {
        onResponse: (response) => heard.push(response),
        onFailure: (why) => heard.push(why),
      },
    );
    return heard;
  }

  /** Without a transaction: an ACK of a 2xx. */
  tell(request: SipRequest): void {
    if (this.#flow !== undefined) this.#endpoint.sendStateless(request, { flow: this.#flow });
  }

  #registered(request: SipRequest): SipResponse {
    const [status, headers] =
      (this.script.length > 1 ? this.script.shift() : this.script[0]) ?? ([200, []] as const);
    if (status === 200) this.#register = request;
    const asked = request.get(Expires) ?? 0;
    const expires = asked === 0 ? 0 : Math.min(asked, this.grantedSeconds);
    const ok: Headers = [
      ...(expires === 0
        ? []
        : [["Contact", `${request.text("Contact")};expires=${expires}`] as const]),
      ["Service-Route", "<sip:s1@scscf.example.org:6060;lr>"],
      ["P-Associated-URI", `<${request.to.uriText}>, <tel:+15550001>`],
    ];
    return newResponse(request, status, {
      toTag: this.#random.hex(4),
      headers: status === 200 ? [...ok, ...headers] : headers,
    });
  }

  #subscribed(incoming: Incoming): void {
    const { request } = incoming;
    const isNew = !request.to.params.has("tag");
    if (this.subscribeStatus === 0) {
      incoming.drop();
      return;
    }
    if (this.subscribeStatus !== 200) {
      incoming.respond(newResponse(request, this.subscribeStatus, { toTag: "refused" }));
      return;
    }
    if (isNew) {
      this.#localTag = this.#random.hex(4);
      this.#cseq = 0;
      this.#version = 0;
    }
    this.#subscribe = request;
    const expires = this.subscriptionSeconds ?? request.get(Expires) ?? 0;
    const headers: Headers = [
      ["Expires", String(expires)],
      ["Contact", "<sip:scscf.example.org;lr>"],
    ];
    incoming.respond(newResponse(request, 200, { toTag: this.#localTag, headers }));
    this.notify({}, expires === 0 ? "terminated;reason=timeout" : `active;expires=${expires}`);
  }
}

function contactOf(request: SipRequest): string {
  const [, uri = ""] = /<([^>]+)>/.exec(request.text("Contact") ?? "") ?? [];
  return uri;
}
