// A whole lab on a simulated network under a fake clock, and the words its scenarios are told in.
import type {
  AccessBindingView,
  BindingView,
  ReauthenticationView,
} from "@ims-lab/common/admin-api/views";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import type { HostPort, TransportName } from "@ims-lab/common/sip/transport/transport";
import type { DropPattern } from "@ims-lab/common/testing/drop-patterns";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { type MemoryLogger, memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { afterEach, expect } from "vitest";
import { viewOf } from "../../../pcscf/src/admin/routes.ts";
import type { Pcscf } from "../../../pcscf/src/node.ts";
import { reauthenticationView } from "../../../scscf/src/admin/reauthentication-view.ts";
import { registrationView } from "../../../scscf/src/admin/views.ts";
import type { Scscf, ScscfTools } from "../../../scscf/src/node.ts";
import type { RemovalCause } from "../../../scscf/src/registration/binding.ts";
import type { Participant } from "../../src/launcher/message-correlator.ts";
import {
  ACCESS,
  type Addresses,
  addressesOf,
  directionOf,
  type Family,
  type Way,
} from "./addresses.ts";
import { HolderWatch } from "./holders.ts";
import { impuOf, type Overrides, startPcscf, startScscf, startUe, type World } from "./nodes.ts";
import { Peer } from "./peer.ts";
import { Traffic } from "./traffic.ts";
import { Translator } from "./translator.ts";
import { Ue } from "./ue.ts";

export { ACCESS, CORE, SCSCF, type Way } from "./addresses.ts";
export { DOMAIN, impuOf } from "./nodes.ts";
export { type Headers, Peer } from "./peer.ts";
export { missing } from "./traffic.ts";
export type { Ue } from "./ue.ts";

export interface LabOptions {
  /** Of all three nodes. */
  readonly profile?: "seed" | "ts24229";
  /** Life of the subscriptions at the S-CSCF. */
  readonly expires?: "registration" | "unlimited";
  /** Between UE and P-CSCF. */
  readonly transport?: TransportName;
  /** Of the P-CSCF's two sides, and of who is there; default IPv4. */
  readonly access?: Family;
  readonly core?: Family;
  /** One way per hop; a function makes packets overtake each other. Default 1 ms. */
  readonly latencyMs?: number | (() => number);
  /** Settings by name, as on the command line: `{ "subscription.duty": "warn" }`. */
  readonly scscf?: Overrides;
  readonly pcscf?: Overrides;
  readonly ue?: Overrides;
  /** What the S-CSCF at this address is made with beside the usual: the store that it shares with others. */
  readonly partsOf?: (host: string, clock: FakeClock) => Promise<Partial<ScscfTools>>;
}

/** A store of the usual scenarios commits at once, one that several share does not. */
const SHARED_COMMIT_MS = 50;

/** Of the scenario that runs. */
let watches: HolderWatch[] = [];
afterEach(() => {
  const violations = watches.flatMap((watch) => watch.violations);
  watches = [];
  expect(violations).toEqual([]);
});

/** Every home has it. */
const INSIDE = "192.168.1.2";

export class Lab extends Traffic {
  readonly clock: FakeClock = new FakeClock();
  readonly network: SimulatedNetwork;
  readonly options: LabOptions;
  readonly logs: Readonly<Record<"scscf" | "pcscf" | "ue", MemoryLogger>> = {
    scscf: memoryLogger(),
    pcscf: memoryLogger(),
    ue: memoryLogger(),
  };
  readonly #holders: HolderWatch;
  readonly #world: World;
  readonly #at: Addresses;
  readonly #places: Map<string, Participant>;
  #scscf: Scscf | undefined;
  #pcscf: Pcscf | undefined;
  #hosts = 0;

  private constructor(options: LabOptions) {
    super();
    const { latencyMs = 1 } = options;
    this.options = options;
    this.#at = addressesOf(options.access ?? "IPv4", options.core ?? "IPv4");
    this.#places = new Map([
      [this.#at.access.host, "P-CSCF"],
      [this.#at.core.host, "P-CSCF"],
      [this.#at.scscf.host, "S-CSCF"],
    ]);
    this.network = new SimulatedNetwork({ clock: this.clock, latencyMs });
    this.#holders = new HolderWatch(
      this.clock,
      options.partsOf === undefined ? 0 : SHARED_COMMIT_MS,
    );
    watches.push(this.#holders);
    this.#world = {
      clock: this.clock,
      network: this.network,
      at: this.#at,
      interceptorsOf: (node) => [
        (message, next) => {
          const { direction, bytes, flow, at } = message;
          if (direction === "in") this.arrived(bytes, this.#placeOf(flow.remote), node, at);
          next(message);
        },
      ],
    };
  }

  /** Both CSCFs; UEs are added with `ue`. */
  static async start(options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(options);
    await lab.#startScscf();
    await lab.#startPcscf();
    return lab;
  }

  /** The node ends and starts anew, a second later; what it kept in memory is gone. */
  async restart(node: "S-CSCF" | "P-CSCF"): Promise<void> {
    const ended = node === "S-CSCF" ? this.scscf.stop() : this.pcscf.stop();
    await Promise.all([ended, this.clock.advanceAsync(1000)]);
    // Another seed: a new life draws other secrets, tags and tokens.
    if (node === "S-CSCF") await this.#startScscf(11);
    else await this.#startPcscf(12);
  }

  async #startScscf(seed?: number): Promise<void> {
    const parts = await this.#partsOf(this.#at.scscf.host);
    this.#scscf = await startScscf(this.#world, this.logs.scscf, this.#scscfSettings, seed, parts);
    this.#holders.watchScscf(this.#scscf);
  }

  /** A further one at this address, and the usual port. */
  async anotherScscf(host: string): Promise<Scscf> {
    this.#places.set(host, "S-CSCF");
    const scscf = { ...this.#at.scscf, host };
    const world = { ...this.#world, at: { ...this.#at, scscf } };
    const settings = this.#scscfSettings;
    const parts = await this.#partsOf(host);
    const other = await startScscf(world, memoryLogger(), settings, this.#places.size, parts);
    this.#holders.watchScscf(other);
    return other;
  }

  #partsOf(host: string): Promise<Partial<ScscfTools>> {
    return this.options.partsOf?.(host, this.clock) ?? Promise.resolve({});
  }

  get #scscfSettings(): Overrides {
    const { profile = "seed", expires = "registration", scscf } = this.options;
    return { profile, "subscription.expires": expires, ...scscf };
  }

  async #startPcscf(seed?: number): Promise<void> {
    const { profile = "seed", pcscf } = this.options;
    this.#pcscf = await startPcscf(this.#world, this.logs.pcscf, { profile, ...pcscf }, seed);
    this.#holders.watchPcscf(this.#pcscf);
  }

  /** A lab whose alice has registered and subscribed. */
  static async withAlice(options: LabOptions = {}): Promise<{ lab: Lab; alice: Ue }> {
    const lab = await Lab.start(options);
    const alice = await lab.ue("alice");
    alice.register();
    lab.pass(5);
    return { lab, alice };
  }

  get scscf(): Scscf {
    if (this.#scscf === undefined) throw new Error("no S-CSCF yet");
    return this.#scscf;
  }

  get pcscf(): Pcscf {
    if (this.#pcscf === undefined) throw new Error("no P-CSCF yet");
    return this.#pcscf;
  }

  /** A UE for this user, which listens; nothing is sent before it is told to register. */
  ue(user: string, overrides: Overrides = {}): Promise<Ue> {
    return this.#startUe(user, this.#newHost("UE"), overrides);
  }

  /** One whose address the network sees as another. */
  async ueBehindTranslator(user: string): Promise<{ ue: Ue; translator: Translator }> {
    const translator = new Translator(this.network, this.#newHost("UE"));
    return { translator, ue: await this.#startUe(user, INSIDE, {}, translator) };
  }

  async #startUe(
    user: string,
    host: string,
    overrides: Overrides,
    behind?: Translator,
  ): Promise<Ue> {
    const { profile = "seed", transport = "udp", ue } = this.options;
    const node = await startUe(this.#world, this.logs.ue, {
      user,
      seed: this.#hosts + 100,
      host,
      transport,
      overrides: { profile, ...ue, ...overrides },
      behind,
    });
    return new Ue(host, user, node);
  }

  /** It says nothing more and is not there any more; its connections end. */
  async switchOff(ue: Ue): Promise<void> {
    await Promise.all([ue.close(), this.clock.advanceAsync(1000)]);
  }

  /** Somebody who speaks raw SIP, at an address of his own or a given one. */
  peer(
    options: { at?: HostPort; transport?: TransportName; as?: Participant } = {},
  ): Promise<Peer> {
    const { at, transport = "udp", as = "stranger" } = options;
    const address = at ?? { host: this.#newHost(as), port: 5060 };
    return new Peer(memoryTransport(this.network, address, transport), address).listen();
  }

  /** Sends a raw request and gives the final response that came within `seconds`. */
  exchange(peer: Peer, request: SipRequest, to: HostPort = ACCESS, seconds = 1): SipResponse {
    peer.send(request, to);
    this.pass(seconds);
    const response = peer.answerTo(request);
    if (response === undefined) throw new Error(`no answer to ${request.startLine}`);
    return response;
  }

  pass(seconds: number): void {
    this.clock.advance(seconds * 1000);
  }

  // What an operator does.

  /** At the S-CSCF, for all devices of the user. */
  askByScscf(user: string, withinMs?: number): void {
    this.scscf.reauthentications.ask(this.#bindings(user), "operator", withinMs);
  }

  /** At the P-CSCF; gives what its admin interface would answer. */
  askByPcscf(user: string): "asked" | "not-registered" | "not-subscribed" {
    return this.pcscf.notifier.ask(this.#aor(user)).kind;
  }

  deregister(user: string, cause: RemovalCause): void {
    const at = this.clock.now();
    for (const { token } of this.#bindings(user))
      this.scscf.registrations.input(token, { kind: "removed", at, cause });
  }

  // What an operator sees.

  atScscf(user: string): readonly BindingView[] {
    const set = this.scscf.setOf(this.#aor(user));
    return set === undefined ? [] : registrationView(this.scscf, set, impuOf(user)).bindings;
  }

  atPcscf(user: string): readonly AccessBindingView[] {
    const { table, notifier } = this.pcscf;
    return table
      .ofImpu(this.#aor(user))
      .map((binding) => viewOf(binding, notifier.subscribedUntil(binding.token)));
  }

  /** Running ones first, then the ended, latest first. */
  get reauthentications(): readonly ReauthenticationView[] {
    return this.scscf.reauthentications.list().map(reauthenticationView);
  }

  /** The one end of the one re-authentication there was. */
  get onlyEnd(): ReauthenticationView["end"] {
    const [one, ...others] = this.reauthentications;
    if (one === undefined || others.length > 0)
      throw new Error(`${this.reauthentications.length} re-authentications`);
    return one.end;
  }

  /** How many bindings of alice there are, and how many of them with a live subscription. */
  get ofAlice(): { atScscf: number; subscribed: number; atPcscf: number } {
    const bindings = this.atScscf("alice");
    const subscribed = bindings.filter(({ subscription }) => subscription !== null).length;
    return { atScscf: bindings.length, subscribed, atPcscf: this.atPcscf("alice").length };
  }

  // What the network does.

  /** Forgets what was seen so far. */
  override forget(): void {
    super.forget();
    this.network.log.length = 0;
  }

  /** Loses datagrams on one hop from now on. Returns how to end it. */
  lose(way: Way, pattern: DropPattern): () => void {
    return this.network.drop(directionOf(this.#at, way), pattern);
  }

  /** Datagrams lost so far; see `forget`. */
  get lost(): number {
    return this.network.log.filter(({ fate }) => fate === "lost").length;
  }

  /** Nothing passes on one hop from now on. Returns how to end it. */
  cut(way: Way): () => void {
    return this.network.cut(directionOf(this.#at, way));
  }

  #placeOf({ host }: HostPort): Participant {
    return this.#places.get(host) ?? "stranger";
  }

  #newHost(place: Participant): string {
    const host = this.#at.device(++this.#hosts);
    this.#places.set(host, place);
    return host;
  }

  #bindings(user: string): ReturnType<Scscf["bindings"]["ofSet"]> {
    const set = this.scscf.setOf(this.#aor(user));
    return set === undefined ? [] : this.scscf.bindings.ofSet(set.name);
  }

  #aor(user: string): string {
    const uri = parseUri(impuOf(user));
    if (uri === undefined) throw new Error(`${user} is no user`);
    return aorOf(uri);
  }
}
