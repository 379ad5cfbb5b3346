// Two S-CSCFs of one cluster on a simulated network, each with a clock of its own, and devices behind a scripted P-CSCF.
import { Milenage, xor } from "@ims-lab/common/ims/milenage";
import { loadConfig } from "@ims-lab/common/platform/config";
import { type Challenge, formatAnswer, readChallenge } from "@ims-lab/common/sip/auth/challenge";
import { digestResponse } from "@ims-lab/common/sip/auth/digest";
import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import { Via, WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import {
  newRequest,
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import type { HostPort, Transport } from "@ims-lab/common/sip/transport/transport";
import { openClusterRows } from "@ims-lab/common/store/cluster-rows";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { MemoryCluster } from "@ims-lab/common/testing/memory-cluster";
import { type MemoryLogger, memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { type ScscfConfig, settings } from "../../src/config.ts";
import { createScscf, type Scscf } from "../../src/node.ts";
import { SHARED_TABLES, TABLES } from "../../src/rows.ts";
import { parseSubscribers } from "../../src/subscribers/load.ts";

export const DOMAIN = "ims.example";
export const NAME = "scscf.example";
const PCSCF: HostPort = { host: "10.1.0.1", port: 4060 };
const K = "11".repeat(16);
const OPC = "22".repeat(16);
const SUBSCRIBERS = `
subscribers:
${["bob", "carol", "dave"]
  .map(
    (user) => `  - impi: ${user}@${DOMAIN}
    impus: ["sip:${user}@${DOMAIN}"]
    auth: { scheme: digest, password: pw }
`,
  )
  .join("")}  - impi: sim@${DOMAIN}
    impus: ["sip:sim@${DOMAIN}"]
    auth: { scheme: aka, k: ${K}, opc: ${OPC} }
`;

type Headers = readonly (readonly [name: string, value: string])[];

/** One S-CSCF as a test has its hands on it. */
export interface Node {
  readonly scscf: Scscf;
  readonly at: HostPort;
  readonly log: MemoryLogger;
  /** Its requests, as the P-CSCF got them. */
  readonly sent: SipRequest[];
  /** Its clock stands still: it does nothing, and does not know it. */
  isAsleep: boolean;
  /** From here on it reaches Redis no more. */
  cut(): void;
  mended(): void;
}

export class ClusterLab {
  readonly clock: FakeClock;
  readonly network: SimulatedNetwork;
  readonly redis: MemoryCluster;
  readonly a: Node;
  readonly b: Node;
  /** All requests of both, in their order. */
  readonly requests: SipRequest[] = [];
  /** What the devices answer; undefined: nothing. */
  answers: (request: SipRequest) => number | undefined = () => 200;
  readonly #nodes: Node[] = [];
  readonly #clocks = new Map<Node, FakeClock>();
  readonly #responses: SipResponse[] = [];
  readonly #transport: Transport;
  #branch = 0;

  private constructor(
    nodes: readonly [Node, FakeClock][],
    { clock, network, redis }: Pick<ClusterLab, "clock" | "network" | "redis">,
  ) {
    this.clock = clock;
    this.network = network;
    this.redis = redis;
    for (const [node, clock] of nodes) {
      this.#nodes.push(node);
      this.#clocks.set(node, clock);
    }
    const [a, b] = this.#nodes;
    if (a === undefined || b === undefined) throw new Error("two nodes are needed");
    this.a = a;
    this.b = b;
    this.#transport = memoryTransport(this.network, PCSCF, "udp");
  }

  static async start(...argv: readonly string[]): Promise<ClusterLab> {
    const clock = new FakeClock();
    const network = new SimulatedNetwork({ clock, latencyMs: 1 });
    const redis = new MemoryCluster(clock);
    const nodes: [Node, FakeClock][] = [];
    for (const [n, label] of ["a", "b"].entries()) {
      const own = new FakeClock();
      const opening = startNode({ network, redis, clock: own, label, seed: n + 3, argv });
      for (let turn = 0; turn < 20; turn++) {
        await own.advanceAsync(1);
        for (const [, other] of nodes) await other.advanceAsync(1);
        await clock.advanceAsync(1);
      }
      nodes.push([await opening, own]);
    }
    const [, late] = nodes;
    late?.[1].advance(Math.max(0, clock.now() - late[1].now()));
    const lab = new ClusterLab(nodes, { clock, network, redis });
    await lab.#listen();
    // Nobody judges others in his own first seconds.
    await lab.pass(4000);
    return lab;
  }

  async #listen(): Promise<void> {
    await this.#transport.listen({
      onMessage: (bytes, flow) => {
        const { message } = decode(bytes);
        if (message === undefined) throw new Error("not SIP");
        if (message.kind === "response") {
          this.#responses.push(message);
          return;
        }
        this.requests.push(message);
        this.#nodes.find(({ at }) => at.host === flow.remote.host)?.sent.push(message);
        const status = this.answers(message);
        if (status !== undefined)
          this.#transport.send(encode(newResponse(message, status, { toTag: "peer" })), flow);
      },
      onClosed: () => undefined,
      onRejected: () => undefined,
    });
  }

  /** Time passes, at a node that sleeps too when it is awake again. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.clock.now() + milliseconds;
    while (this.clock.now() < end) {
      const step = Math.min(milliseconds > 200 ? 20 : 1, end - this.clock.now());
      await this.clock.advanceAsync(step);
      for (const node of this.#nodes) {
        const clock = this.#clocks.get(node);
        if (clock !== undefined && !node.isAsleep)
          await clock.advanceAsync(Math.max(0, this.clock.now() - clock.now()));
      }
    }
  }

  /** Sends to this node; the final response. */
  async exchange(
    node: Node,
    method: string,
    uri: string,
    user: string,
    headers: Headers,
  ): Promise<SipResponse> {
    const branch = `z9hG4bK-${++this.#branch}`;
    const given = new Set(headers.map(([name]) => name));
    const usual: Headers = [
      ["Via", `SIP/2.0/UDP ${PCSCF.host}:${PCSCF.port};branch=${branch};rport`],
      ["Max-Forwards", "70"],
      ["From", `<${user}>;tag=f`],
      ["To", `<${user}>`],
      ["Call-ID", `call-${this.#branch}`],
      ["CSeq", `1 ${method}`],
    ];
    const request = newRequest(method, uri, [
      ...usual.filter(([name]) => !given.has(name)),
      ...headers,
    ]);
    this.#transport.send(encode(request), this.#transport.flowTo(node.at));
    for (let waited = 0; waited < 4000; waited += 5) {
      await this.pass(5);
      const found = this.#responses.find(
        (response) => response.get(Via)?.branch === branch && response.status >= 200,
      );
      if (found !== undefined) return found;
    }
    throw new Error(`no response to ${request.startLine}`);
  }

  device(user: string): ClusterDevice {
    return new ClusterDevice(this, user);
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) {
      node.isAsleep = false;
      const stopping = node.scscf.stop();
      await this.pass(1000);
      await stopping;
    }
  }
}

interface NodeStart {
  readonly network: SimulatedNetwork;
  readonly redis: MemoryCluster;
  readonly clock: FakeClock;
  readonly label: string;
  readonly seed: number;
  readonly argv: readonly string[];
}

async function startNode({ network, redis, clock, label, seed, argv }: NodeStart): Promise<Node> {
  const at: HostPort = { host: `10.1.0.${seed}`, port: 6060 };
  const log = memoryLogger();
  const line = { isCut: false };
  const random = seededRandom(seed);
  const nextTurn = (turn: () => void): void => void clock.after(0, turn);
  const shared = await openClusterRows({
    name: NAME,
    label,
    address: `${at.host}:${at.port}`,
    url: "redis://memory",
    connect: redis.connect(clock, line),
    tables: TABLES,
    shared: SHARED_TABLES,
    clock,
    nextTurn,
    random,
    log,
  });
  const subscribers = parseSubscribers(SUBSCRIBERS);
  if (subscribers.kind !== "loaded") throw new Error(subscribers.problems.join("\n"));
  const transports = [memoryTransport(network, at, "udp")];
  const config = configOf([`--sip.host=${at.host}`, `--cluster.node=${label}`, ...argv]);
  const scscf = createScscf(config, {
    clock,
    random,
    log,
    transports,
    subscribers,
    store: shared,
    shared,
  });
  await scscf.listen();
  return {
    scscf,
    at,
    log,
    sent: [],
    isAsleep: false,
    cut: () => {
      line.isCut = true;
    },
    mended: () => {
      line.isCut = false;
    },
  };
}

function configOf(argv: readonly string[]): ScscfConfig {
  const usual = [
    `--domain=${DOMAIN}`,
    `--trustedPeers=${PCSCF.host}:${PCSCF.port}`,
    `--cluster.name=${NAME}`,
    "--store=redis://memory",
    "--pcscf.subscribe=false",
  ];
  const loaded = loadConfig(settings, { argv: [...usual, ...argv], env: {}, readFile: () => "" });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

/** A device with a password, behind the P-CSCF, that sends to the node it is told. */
export class ClusterDevice {
  readonly user: string;
  readonly impi: string;
  readonly impu: string;
  serviceRoute = "";
  readonly #lab: ClusterLab;
  #cseq = 0;
  #subscribes = 0;

  constructor(lab: ClusterLab, user: string) {
    this.#lab = lab;
    this.user = user;
    this.impi = `${user}@${DOMAIN}`;
    this.impu = `sip:${user}@${DOMAIN}`;
  }

  /** The answer to the 401 may go to another node. */
  async register(node: Node, answerAt: Node = node): Promise<SipResponse> {
    const first = await this.attempt(node);
    if (first.status !== 401) return first;
    return this.attempt(answerAt, first);
  }

  /** @param challenged by this 401 */
  async attempt(node: Node, challenged?: SipResponse): Promise<SipResponse> {
    const challenge = challenged
      ?.all(WwwAuthenticate)
      .flatMap((one) => readChallenge(one) ?? [])[0];
    const credentials = challenge === undefined ? this.#empty() : this.#answer(challenge);
    const response = await this.#lab.exchange(node, "REGISTER", `sip:${DOMAIN}`, this.impu, [
      ["Call-ID", `reg-${this.user}`],
      ["CSeq", `${++this.#cseq} REGISTER`],
      ["Contact", `<sip:${this.user}@192.0.2.1:5060>`],
      ["Expires", "3600"],
      ["Path", `<sip:tok-${this.user}@${PCSCF.host}:${PCSCF.port};lr>`],
      ["Authorization", credentials],
    ]);
    this.serviceRoute = response.text("Service-Route") ?? this.serviceRoute;
    return response;
  }

  subscribe(node: Node): Promise<SipResponse> {
    return this.#lab.exchange(node, "SUBSCRIBE", this.impu, this.impu, [
      ["Call-ID", `sub-${this.user}`],
      ["CSeq", `${++this.#subscribes} SUBSCRIBE`],
      ["Contact", `<sip:${this.user}@192.0.2.1:5060>`],
      ["Event", "reg"],
      ["Expires", "3600"],
      ["Route", this.serviceRoute],
      ["P-Asserted-Identity", `<${this.impu}>`],
      ["Record-Route", `<sip:rr@${PCSCF.host}:${PCSCF.port};lr>`],
    ]);
  }

  message(node: Node, to: string): Promise<SipResponse> {
    return this.#lab.exchange(node, "MESSAGE", to, this.impu, [
      ["To", `<${to}>`],
      ["Route", this.serviceRoute],
      ["P-Asserted-Identity", `<${this.impu}>`],
    ]);
  }

  /** The NOTIFYs that it has got, without the copies of those that it has not answered. */
  get notifies(): readonly SipRequest[] {
    const branches = new Set<string | undefined>();
    return this.#lab.requests.filter((request) => {
      const { method, callId } = request;
      if (method !== "NOTIFY" || callId !== `sub-${this.user}`) return false;
      const branch = request.get(Via)?.branch;
      const isFirst = !branches.has(branch);
      branches.add(branch);
      return isFirst;
    });
  }

  #empty(): string {
    return `Digest username="${this.impi}",realm="${DOMAIN}",nonce="",uri="sip:${DOMAIN}",response="",integrity-protected="no"`;
  }

  #answer({ realm, nonce }: Challenge): string {
    const answer = {
      username: this.impi,
      realm,
      uri: `sip:${DOMAIN}`,
      nonce,
      qop: "auth",
      nc: "00000001",
      cnonce: "c",
    } as const;
    const password = Buffer.from("pw");
    const input = { ...answer, algorithm: "MD5", method: "REGISTER", password } as const;
    const response = digestResponse(input);
    return `${formatAnswer({ ...answer, algorithm: "MD5", response })},integrity-protected="no"`;
  }
}

/** The sequence number that a 401 to the user `sim` carries. TS 33.102 §6.3.2 */
export function sqnIn(challenged: SipResponse): number {
  const [challenge] = challenged.all(WwwAuthenticate).flatMap((one) => readChallenge(one) ?? []);
  const octets = Buffer.from(challenge?.nonce ?? "", "base64");
  const milenage = new Milenage(Buffer.from(K, "hex"), Buffer.from(OPC, "hex"));
  const { ak } = milenage.keys(octets.subarray(0, 16));
  return xor(octets.subarray(16, 22), ak).readUIntBE(0, 6);
}
