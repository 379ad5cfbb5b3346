// An S-CSCF on a simulated network, and a scripted P-CSCF with devices behind it that speak in text.
import type { Reginfo } from "@ims-lab/common/ims/reginfo";
import { parseReginfo } from "@ims-lab/common/ims/reginfo";
import { loadConfig } from "@ims-lab/common/platform/config";
import { type Challenge, formatAnswer, readChallenge } from "@ims-lab/common/sip/auth/challenge";
import { digestResponse } from "@ims-lab/common/sip/auth/digest";
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import { Via, WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import {
  newRequest,
  newResponse,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import type { Flow, HostPort, Transport } from "@ims-lab/common/sip/transport/transport";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { type MemoryLogger, memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { type ScscfConfig, settings } from "../src/config.ts";
import { createScscf, type Scscf } from "../src/node.ts";
import { memoryStore } from "../src/store/memory-store.ts";
import type { Store } from "../src/store/store.ts";
import { parseSubscribers } from "../src/subscribers/load.ts";

export const SCSCF: HostPort = { host: "10.1.0.2", port: 6060 };
export const PCSCF: HostPort = { host: "10.1.0.1", port: 4060 };
export const DOMAIN = "ims.example";
export const BOB: string = `sip:bob@${DOMAIN}`;
const SUBSCRIBERS = `
subscribers:
  - impi: bob@${DOMAIN}
    impus: [${BOB}, "sip:robert@${DOMAIN}", { uri: "sip:secret@${DOMAIN}", barred: true }]
    auth: { scheme: digest, password: pw }
  - impi: carol@${DOMAIN}
    impus: ["sip:carol@${DOMAIN}"]
    auth: { scheme: digest, password: pw }
  - impi: phone@${DOMAIN}
    impus: ["sip:phone@${DOMAIN}"]
    auth: { scheme: digest, password: pw }
    subscription: optional
  - impi: sim@${DOMAIN}
    impus: ["sip:sim@${DOMAIN}"]
    auth: { scheme: aka, k: ${"11".repeat(16)}, opc: ${"22".repeat(16)} }
  - impi: mother@${DOMAIN}
    impus: ["sip:family@${DOMAIN}", "sip:mother@${DOMAIN}"]
    auth: { scheme: digest, password: pw }
  - impi: father@${DOMAIN}
    impus: ["sip:family@${DOMAIN}", "sip:father@${DOMAIN}"]
    auth: { scheme: digest, password: pw }
  - impi: child@${DOMAIN}
    impus: ["sip:child@${DOMAIN}", { uri: "sip:family@${DOMAIN}", barred: true }]
    auth: { scheme: digest, password: pw }
`;

type Headers = readonly (readonly [name: string, value: string])[];

function configOf(argv: readonly string[]): ScscfConfig {
  const loaded = loadConfig(settings, { argv, env: {}, readFile: () => "" });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

/** Somebody at an address. Requests are answered as `answers` says (200 unless it does). */
export class Peer {
  readonly at: HostPort;
  readonly requests: SipRequest[] = [];
  readonly responses: SipResponse[] = [];
  /** Undefined: no answer at all. */
  answers: (request: SipRequest) => number | undefined = () => 200;
  /** Of every answer. */
  answerHeaders: readonly [string, string][] = [];
  readonly #transport: Transport;

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

  #take(bytes: Buffer, flow: Flow): void {
    const { message } = decode(bytes);
    if (message === undefined) throw new Error(`not SIP: ${bytes.toString("latin1")}`);
    if (message.kind === "response") {
      this.responses.push(message);
      return;
    }
    this.requests.push(message);
    const status = this.answers(message);
    if (status === undefined) return;
    const headers: [string, string][] =
      message.method === "SUBSCRIBE"
        ? [
            ["Contact", `<sip:${this.at.host}:${this.at.port}>`],
            ["Expires", message.text("Expires") ?? "0"],
          ]
        : [...this.answerHeaders];
    const answer = newResponse(message, status, { toTag: "peer", headers });
    this.#transport.send(encode(answer), flow);
  }

  send(message: SipMessage): void {
    this.#transport.send(encode(message), this.#transport.flowTo(SCSCF));
  }

  /** Requests of this method, in order; forgotten then. */
  take(method: string): SipRequest[] {
    const taken = this.requests.filter((request) => request.method === method);
    const kept = this.requests.filter((request) => request.method !== method);
    this.requests.splice(0, this.requests.length, ...kept);
    return taken;
  }
}

export interface RegisterOptions {
  readonly expires?: number;
  /** integrity-protected as the P-CSCF would write it. */
  readonly integrity?: string;
  /** Empty: a REGISTER without Contact asks what is bound. */
  readonly contact?: string;
  readonly headers?: Headers;
  readonly password?: string;
  /** Ignores the 401. */
  readonly silent?: boolean;
  /** Uses the nonce of the last 401 again, with this nc. */
  readonly reuse?: string;
}

/** A device behind the P-CSCF (or in its place), with a password. */
export class Device {
  readonly impu: string;
  readonly user: string;
  contact: string;
  path: string | undefined;
  callId: string;
  cseq = 0;
  serviceRoute = "";
  /** Request-URI of its REGISTERs. */
  registrar: string = `sip:${DOMAIN}`;
  readonly #lab: Lab;
  readonly #peer: Peer;
  #challenge: Challenge | undefined;

  constructor(lab: Lab, peer: Peer, user: string, suffix = "") {
    this.#lab = lab;
    this.#peer = peer;
    this.user = user;
    this.impu = `sip:${user}@${DOMAIN}`;
    this.contact = `<sip:${user}${suffix}@192.0.2.1:5060>`;
    this.path = `<sip:tok-${user}${suffix}@${PCSCF.host}:${PCSCF.port};lr>`;
    this.callId = `reg-${user}${suffix}`;
  }

  /** The whole exchange, the answer to a 401 included; the final response. */
  register(options: RegisterOptions = {}): SipResponse {
    const { integrity = "no", reuse } = options;
    if (reuse !== undefined) return this.#exchange(options, this.#answer(options, reuse));
    const first = this.#exchange(options, this.#credentials(integrity));
    if (first.status !== 401 || options.silent === true) return first;
    this.#challenge = first.all(WwwAuthenticate).flatMap((one) => readChallenge(one) ?? [])[0];
    return this.#exchange(options, this.#answer(options, "00000001"));
  }

  #answer({ integrity = "no", password = "pw" }: RegisterOptions, count: string): string {
    const challenge = this.#challenge;
    if (challenge === undefined) throw new Error("no challenge to answer");
    const username = `${this.user}@${DOMAIN}`;
    const input = {
      algorithm: "MD5" as const,
      username,
      realm: challenge.realm,
      password: Buffer.from(password),
      method: "REGISTER",
      uri: this.registrar,
      nonce: challenge.nonce,
      qop: "auth" as const,
      nc: count,
      cnonce: "c",
    };
    const response = digestResponse(input);
    const { realm, uri, nonce, qop, nc, cnonce } = input;
    const answer = {
      username,
      realm,
      nonce,
      uri,
      response,
      algorithm: "MD5",
      qop,
      nc,
      cnonce,
    } as const;
    return `${formatAnswer(answer)},integrity-protected="${integrity}"`;
  }

  #credentials(integrity: string): string {
    const username = `${this.user}@${DOMAIN}`;
    return `Digest username="${username}",realm="${DOMAIN}",nonce="",uri="${this.registrar}",response="",integrity-protected="${integrity}"`;
  }

  #exchange(options: RegisterOptions, authorization: string): SipResponse {
    const { expires = 3600, contact = this.contact, headers = [] } = options;
    const path: Headers = this.path === undefined ? [] : [["Path", this.path]];
    const given: Headers = [
      ["Call-ID", this.callId],
      ["CSeq", `${++this.cseq} REGISTER`],
      ...(contact === "" ? [] : [["Contact", contact] as const]),
      ["Expires", String(expires)],
      ["Authorization", authorization],
      ...path,
      ...headers,
    ];
    const request = this.#lab.request(this.#peer, "REGISTER", this.registrar, this.impu, given);
    const response = this.#lab.exchange(this.#peer, request);
    this.serviceRoute = response.text("Service-Route") ?? this.serviceRoute;
    return response;
  }

  subscribe(event: string, expires: number, headers: Headers = []): SipResponse {
    const given: Headers = [
      ["Call-ID", `sub-${event}-${this.callId}`],
      ["CSeq", "1 SUBSCRIBE"],
      ["Contact", this.contact],
      ["Event", event],
      ["Expires", String(expires)],
      ...(this.serviceRoute === "" ? [] : ([["Route", this.serviceRoute]] as const)),
      ["P-Asserted-Identity", `<${this.impu}>`],
      ["Record-Route", `<sip:rr@${PCSCF.host}:${PCSCF.port};lr>`],
      ...headers,
    ];
    const request = this.#lab.request(this.#peer, "SUBSCRIBE", this.impu, this.impu, given);
    return this.#lab.exchange(this.#peer, request);
  }
}

/** What only some tests need. */
interface LabExtras {
  /** Entries of the subscribers file, behind those of the lab. */
  readonly more?: string;
  readonly fetch?: typeof globalThis.fetch;
}

export class Lab {
  readonly clock: FakeClock = new FakeClock();
  readonly network: SimulatedNetwork = new SimulatedNetwork({ clock: this.clock, latencyMs: 1 });
  readonly log: MemoryLogger = memoryLogger();
  /** Names of the limits that were exceeded, once each time. */
  readonly limited: string[] = [];
  readonly scscf: Scscf;
  #branch = 0;

  private constructor(
    config: ScscfConfig,
    store: Store,
    { more = "", fetch }: LabExtras,
    time: number,
  ) {
    this.clock.advance(Math.max(0, time - this.clock.now()));
    const subscribers = parseSubscribers(SUBSCRIBERS + more);
    if (subscribers.kind !== "loaded") throw new Error(subscribers.problems.join("\n"));
    this.scscf = createScscf(config, {
      clock: this.clock,
      random: seededRandom(3),
      log: this.log,
      transports: (["udp", "tcp"] as const).map((name) =>
        memoryTransport(this.network, SCSCF, name),
      ),
      subscribers,
      store,
      ...(fetch !== undefined && { fetch }),
      counters: {
        count: (event, label) => {
          if (event === "limited") this.limited.push(label);
        },
      },
    });
  }

  static start(...argv: readonly string[]): Promise<{ lab: Lab; pcscf: Peer }> {
    return Lab.startWith(memoryStore(), ...argv);
  }

  static startWith(store: Store, ...argv: readonly string[]): Promise<{ lab: Lab; pcscf: Peer }> {
    return Lab.#start(store, argv, {});
  }

  /** The next process, this much later. @param store what has outlived the first one */
  restarted(
    milliseconds: number,
    store: Store,
    ...argv: readonly string[]
  ): Promise<{ lab: Lab; pcscf: Peer }> {
    return Lab.#start(store, argv, {}, this.clock.now() + milliseconds);
  }

  /** Whose webhook is told over this. */
  static startTelling(
    fetch: typeof globalThis.fetch,
    ...argv: readonly string[]
  ): Promise<{ lab: Lab; pcscf: Peer }> {
    return Lab.#start(memoryStore(), argv, { fetch });
  }

  /** @param more entries of the subscribers file, behind those of the lab */
  static startMore(
    more: string,
    store: Store,
    ...argv: readonly string[]
  ): Promise<{ lab: Lab; pcscf: Peer }> {
    return Lab.#start(store, argv, { more });
  }

  static async #start(
    store: Store,
    argv: readonly string[],
    extras: LabExtras,
    time = 0,
  ): Promise<{ lab: Lab; pcscf: Peer }> {
    const listen = [
      `--sip.host=${SCSCF.host}`,
      `--domain=${DOMAIN}`,
      `--trustedPeers=${PCSCF.host}:${PCSCF.port}`,
    ];
    const lab = new Lab(configOf([...listen, ...argv]), store, extras, time);
    await lab.scscf.listen();
    return { lab, pcscf: await lab.peer(PCSCF) };
  }

  peer(at: HostPort): Promise<Peer> {
    return new Peer(memoryTransport(this.network, at, "udp"), at).listen();
  }

  run(milliseconds = 10): void {
    this.clock.advance(milliseconds);
  }

  /** Of headers given twice, the last counts. */
  request(peer: Peer, method: string, uri: string, user: string, headers: Headers): SipRequest {
    const { host, port } = peer.at;
    const given = new Set(headers.map(([name]) => name));
    const usual: Headers = [
      ["Via", `SIP/2.0/UDP ${host}:${port};branch=z9hG4bK-${++this.#branch};rport`],
      ["Max-Forwards", "70"],
      ["From", `<${user}>;tag=f`],
      ["To", `<${user}>`],
      ["Call-ID", `call-${this.#branch}`],
      ["CSeq", `1 ${method}`],
    ];
    const last = headers.filter(
      ([name], at) => !headers.some(([other], later) => other === name && later > at),
    );
    return newRequest(method, uri, [...usual.filter(([name]) => !given.has(name)), ...last]);
  }

  /** Sends and gives the response to it. */
  exchange(peer: Peer, request: SipRequest): SipResponse {
    peer.send(request);
    this.run();
    const branch = request.get(Via)?.branch;
    const found = peer.responses.find((response) => response.get(Via)?.branch === branch);
    if (found === undefined) throw new Error(`no response to ${request.startLine}`);
    return found;
  }
}

export function reginfoOf(notify: SipRequest | undefined): Reginfo {
  const read = notify === undefined ? { problem: "no NOTIFY" } : parseReginfo(notify.body, 16);
  if ("problem" in read) throw new Error(read.problem);
  return read.reginfo;
}

/** `aor contact-event` of each row. */
export function rowsOf(notify: SipRequest | undefined): string[] {
  return reginfoOf(notify).registrations.flatMap(({ aor, contacts }) =>
    contacts.map(({ event }) => `${aor.replace(/^sip:|@.*$/g, "")} ${event}`),
  );
}
