// A P-CSCF between scripted peers on a simulated network: a UE side and an S-CSCF side that speak in text.
import { type LoadedConfig, loadConfig } from "@ims-lab/common/platform/config";
import { createMetrics } from "@ims-lab/common/platform/metrics";
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import {
  newRequest,
  newResponse,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import type {
  Flow,
  HostPort,
  Transport,
  TransportName,
} from "@ims-lab/common/sip/transport/transport";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { type MemoryLogger, memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { type PcscfConfig, settings } from "../src/config.ts";
import type { StoredState } from "../src/durable-state.ts";
import { createPcscf, type Pcscf } from "../src/node.ts";
import type { Store } from "../src/rows.ts";

export const ACCESS: HostPort = { host: "10.0.0.1", port: 5060 };
export const CORE: HostPort = { host: "10.1.0.1", port: 4060 };
export const SCSCF: HostPort = { host: "10.1.0.2", port: 6060 };
export const UE: HostPort = { host: "192.0.2.1", port: 5060 };

export const DOMAIN = "ims.example";
export const IMPI: string = `alice@${DOMAIN}`;
export const ALICE: string = `sip:alice@${DOMAIN}`;
export const SERVICE_ROUTE = "<sip:orig-1@10.1.0.2:6060;lr>";

type Headers = readonly (readonly [name: string, value: string])[];

function configOf(argv: readonly string[] = []): PcscfConfig {
  const loaded: LoadedConfig<PcscfConfig> = loadConfig(settings, {
    argv,
    env: {},
    readFile: () => "",
  });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

/** Somebody at an address who sends text and keeps what comes. */
export class Peer {
  readonly at: HostPort;
  readonly inbox: SipMessage[] = [];
  /** Octets that were no message: keep-alives. */
  readonly #transport: Transport;
  #flow: Flow | undefined;

  constructor(transport: Transport, at: HostPort) {
    this.#transport = transport;
    this.at = at;
  }

  async listen(): Promise<this> {
    await this.#transport.listen({
      onMessage: (bytes, flow) => {
        this.#flow = flow;
        const { message } = decode(bytes);
        if (message !== undefined) this.inbox.push(message);
      },
      onClosed: () => undefined,
      onRejected: () => undefined,
    });
    return this;
  }

  send(message: SipMessage, to: HostPort): void {
    this.#transport.send(encode(message), this.#transport.flowTo(to));
  }

  /** Back over the flow that the last message came by. */
  reply(message: SipMessage): void {
    if (this.#flow === undefined) throw new Error("nothing came yet");
    this.#transport.send(encode(message), this.#flow);
  }

  /** The oldest message not yet taken; which it must be is the test's to say. */
  takeRequest(method: string): SipRequest {
    const message = this.inbox.shift();
    if (message?.kind !== "request" || message.method !== method)
      throw new Error(`expected ${method}, got ${message?.startLine ?? "nothing"}`);
    return message;
  }

  takeResponse(status: number): SipResponse {
    const message = this.inbox.shift();
    if (message?.kind !== "response" || message.status !== status)
      throw new Error(`expected ${status}, got ${message?.startLine ?? "nothing"}`);
    return message;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

interface Life {
  readonly stored?: StoredState;
  readonly seed?: number;
  /** Milliseconds since the epoch. */
  readonly from?: number;
}

export class Lab {
  readonly clock: FakeClock = new FakeClock();
  readonly network: SimulatedNetwork = new SimulatedNetwork({ clock: this.clock, latencyMs: 1 });
  readonly log: MemoryLogger = memoryLogger();
  readonly metrics: ReturnType<typeof createMetrics> = createMetrics({
    node: "pcscf",
    processFigures: false,
  });
  readonly config: PcscfConfig;
  readonly pcscf: Pcscf;
  #branch = 0;

  private constructor(config: PcscfConfig, life: Life = {}) {
    this.config = config;
    const { stored, seed = 7, from = 0 } = life;
    this.clock.advance(Math.max(0, from - this.clock.now()));
    const both = (at: HostPort): Transport[] =>
      (["udp", "tcp"] as const).map((name) => memoryTransport(this.network, at, name));
    this.pcscf = createPcscf({
      config,
      clock: this.clock,
      random: seededRandom(seed),
      stored,
      log: this.log,
      metrics: this.metrics,
      resolver: { resolve: () => Promise.resolve([]) },
      transports: { access: both(ACCESS), core: both(CORE) },
    });
  }

  static start(...argv: readonly string[]): Promise<Lab> {
    return Lab.#start({}, argv);
  }

  /** One whose state outlives it. */
  static async startWith(store: Store, ...argv: readonly string[]): Promise<Lab> {
    return Lab.#start({ stored: { store, contents: await store.load() } }, argv);
  }

  /** The next process, this much later: it draws other chances. @param store what has outlived this one */
  async restarted(milliseconds: number, store: Store, ...argv: readonly string[]): Promise<Lab> {
    const stored = { store, contents: await store.load() };
    return Lab.#start({ stored, seed: 8, from: this.clock.now() + milliseconds }, argv);
  }

  static async #start(life: Life, argv: readonly string[]): Promise<Lab> {
    const listen = [
      `--access.host=${ACCESS.host}`,
      `--core.host=${CORE.host}`,
      `--scscf=sip:${SCSCF.host}:${SCSCF.port}`,
    ];
    const given = new Set(argv.map((option) => option.replace(/=.*/, "")));
    const usual = listen.filter((option) => !given.has(option.replace(/=.*/, "")));
    const lab = new Lab(configOf([...usual, ...argv]), life);
    await lab.pcscf.start();
    return lab;
  }

  peer(at: HostPort, name: TransportName = "udp"): Promise<Peer> {
    return new Peer(memoryTransport(this.network, at, name), at).listen();
  }

  /** Lets what is under way arrive and be answered. */
  run(milliseconds = 20): void {
    this.clock.advance(milliseconds);
  }

  via(at: HostPort, transport: TransportName = "udp"): string {
    const branch = `z9hG4bK-test-${++this.#branch}`;
    return `SIP/2.0/${transport.toUpperCase()} ${at.host}:${at.port};branch=${branch};rport`;
  }

  request(
    peer: Peer,
    method: string,
    uri: string,
    headers: Headers,
    transport: TransportName = "udp",
  ): SipRequest {
    const given = new Set(headers.map(([name]) => name));
    const usual: Headers = [
      ["Via", this.via(peer.at, transport)],
      ["Max-Forwards", "70"],
      ["From", `<${ALICE}>;tag=a`],
      ["To", `<${ALICE}>`],
      ["Call-ID", "call-1"],
      ["CSeq", `1 ${method}`],
    ];
    return newRequest(method, uri, [...usual.filter(([name]) => !given.has(name)), ...headers]);
  }

  register(ue: Peer, headers: Headers = [], transport: TransportName = "udp"): SipRequest {
    const given = new Set(headers.map(([name]) => name));
    const usual: Headers = [
      ["Call-ID", "reg-1"],
      ["Contact", `<sip:alice@${ue.at.host}:${ue.at.port}>`],
      ["Expires", "600"],
      ["Supported", "path"],
      ["Authorization", credentials()],
    ];
    return this.request(
      ue,
      "REGISTER",
      `sip:${DOMAIN}`,
      [...usual.filter(([name]) => !given.has(name)), ...headers],
      transport,
    );
  }

  /** The S-CSCF's 200 to a REGISTER as it stands at the S-CSCF. */
  accepted(register: SipRequest, expires = 600, headers: Headers = []): SipResponse {
    const contact = register.text("Contact") ?? "";
    const bindings: Headers = expires === 0 ? [] : [["Contact", `${contact};expires=${expires}`]];
    return newResponse(register, 200, {
      toTag: "s",
      headers: [
        ...bindings,
        ["Path", register.text("Path") ?? ""],
        ["Service-Route", SERVICE_ROUTE],
        ["P-Associated-URI", `<${ALICE}>, <sip:al@${DOMAIN}>, <tel:+15550001>`],
        ...headers,
      ],
    });
  }

  /** REGISTER, 401, REGISTER, 200 with everything taken from the inboxes; gives the Path value. */
  registered(ue: Peer, scscf: Peer, headers: Headers = [], expires = 600): string {
    ue.send(this.register(ue, headers), ACCESS);
    this.run();
    const first = scscf.takeRequest("REGISTER");
    scscf.reply(challenge(first));
    this.run();
    ue.takeResponse(401);
    const answer = this.register(ue, [
      ["CSeq", "2 REGISTER"],
      ["Authorization", credentials("n1", "r")],
      ...headers
        .filter(([name]) => name !== "CSeq" && name !== "Authorization")
        .map(([name, value]): [string, string] => [
          name,
          name === "Via" ? value.replace("branch=", "branch=z9hG4bK2-") : value,
        ]),
    ]);
    ue.send(answer, ACCESS);
    this.run();
    const second = scscf.takeRequest("REGISTER");
    scscf.reply(this.accepted(second, expires));
    this.run();
    ue.takeResponse(200);
    return second.text("Path") ?? "";
  }
}

export function credentials(nonce = "", response = "", impi: string = IMPI): string {
  return `Digest username="${impi}",realm="${DOMAIN}",nonce="${nonce}",uri="sip:${DOMAIN}",response="${response}"`;
}

export function challenge(register: SipRequest): SipResponse {
  const keys = `ik="${"1".repeat(32)}",ck="${"2".repeat(32)}"`;
  const value = `Digest realm="${DOMAIN}",nonce="n1",algorithm=AKAv1-MD5,${keys},qop="auth"`;
  return newResponse(register, 401, { toTag: "s", headers: [["WWW-Authenticate", value]] });
}

/** The URI of a name-addr value. */
export function uriOf(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value;
}
