// `npm run test:crash`: kills the CSCFs at random instants under load, and looks whether anything that was acknowledged is lost.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "@ims-lab/common/platform/clock";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { ueAccount } from "../../src/launcher/accounts.ts";
import { readSubscribers, SUBSCRIBERS_FILE } from "../../src/launcher/subscribers-file.ts";
import { AskedReauthentications } from "./asked.ts";
import { type Devices, startDevices } from "./devices.ts";
import { registerOnce } from "./newcomer.ts";
import { CrashNodes, HOST, type KilledNode } from "./nodes.ts";
import { type CrashOptions, HELP, readOptions } from "./options.ts";
import { outage } from "./outage.ts";
import { type PromisedRegistration, Promises } from "./promises.ts";
import { RedisServer } from "./redis-server.ts";
import { SimCard } from "./sim-card.ts";

const USERS_A_RUN = 20;
const PER_SECOND = 15;
const ASKED_A_RUN = 4;
/** A node that is killed has run between these, milliseconds. */
const SHORTEST_LIFE = 100;
const LONGEST_LIFE = 1100;
/** What was on its way to a device when its network was killed. */
const ON_ITS_WAY_MS = 50;
/** For the other S-CSCF to claim the users of the one that was killed. */
const TAKEN_OVER_WITHIN_MS = 20_000;
/** For the devices that were asked last. */
const LAST_WORD_MS = 60_000;
const AT_LEAST = 2;

const clock: Clock = systemClock();

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void clock.after(milliseconds, resolve));
}

interface CrashParts {
  readonly nodes: CrashNodes;
  readonly devices: Devices;
  readonly sim: SimCard;
  readonly redis: RedisServer | undefined;
  /** Of the P-CSCF. */
  readonly access: number;
  readonly domain: string;
  /** How many of load1, load2, … SIPp plays. */
  readonly users: number;
}

class CrashTest {
  readonly #options: CrashOptions;
  readonly #parts: CrashParts;
  readonly #random: ReturnType<typeof seededRandom>;
  readonly #nodes: CrashNodes;
  readonly #devices: Devices;
  readonly #sim: SimCard;
  readonly #promises = new Promises();
  readonly #asked: AskedReauthentications;
  #checked = 0;
  /** Of the last start, milliseconds: on a busy machine a node lives as long as that, or nothing would get through it. */
  #startedIn = 0;

  constructor(options: CrashOptions, parts: CrashParts) {
    const { nodes, devices, sim } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#random = seededRandom(options.seed);
    this.#nodes = nodes;
    this.#devices = devices;
    this.#sim = sim;
    this.#asked = new AskedReauthentications(nodes, this.#promises);
  }

  /** Throws with what was lost. */
  async run(): Promise<string> {
    const { runs, seconds } = this.#options;
    const begin = clock.now();
    const elapsed = (): number => (clock.now() - begin) / 1000;
    await this.#untilRegistered();
    const plan: readonly (readonly ["scscf" | "pcscf", number, number])[] = [
      ["scscf", runs, seconds / 2],
      ["pcscf", Math.max(AT_LEAST, Math.ceil(runs / 5)), seconds],
    ];
    const kills: string[] = [];
    for (const [node, wanted, until] of plan) {
      let count = 0;
      while (count < wanted && (count < AT_LEAST || elapsed() < until)) {
        count += 1;
        await this.#killOnce(this.#oneOf(node), count);
      }
      kills.push(`${count} times the ${node === "scscf" ? "S-CSCF" : "P-CSCF"}`);
    }
    const outages = await this.#outages();
    await this.#lastWord();
    const { registrations, subscribed } = this.#promises;
    return (
      `killed ${kills.join(", ")}${outages}: ${registrations.size} registrations, ${subscribed.size} subscriptions, ` +
      `${this.#asked.done} re-authentications and ${this.#sim.seen} sequence numbers, ` +
      `${this.#promises.deaf.size} devices that left NOTIFYs unanswered, ` +
      `${this.#checked} looks, nothing lost (${Math.round(elapsed())} s)`
    );
  }

  /** In a cluster, either of its nodes. */
  #oneOf(node: "scscf" | "pcscf"): KilledNode {
    const isOther = node === "scscf" && this.#options.cluster && this.#random.fraction() < 0.5;
    return isOther ? "scscf2" : node;
  }

  async #untilRegistered(): Promise<void> {
    for (let tries = 0; this.#promises.subscribed.size < ASKED_A_RUN; tries++) {
      if (tries > 300) throw new Error("nobody registers");
      await sleep(100);
      this.#hear();
    }
  }

  async #killOnce(node: KilledNode, count: number): Promise<void> {
    const drawn = SHORTEST_LIFE + this.#random.fraction() * (LONGEST_LIFE - SHORTEST_LIFE);
    const life = drawn + Math.max(0, this.#startedIn - LONGEST_LIFE);
    // The last asking may be a moment before the end: a trigger that has not left, or is on its way.
    for (let asked = 0; asked < ASKED_A_RUN; asked++) {
      await sleep(life / ASKED_A_RUN);
      this.#hear();
      const impu = this.#draw();
      if (impu !== undefined) await this.#asked.ask(impu);
    }
    await this.#sim.ask(500);
    await this.#asked.look(clock.now());
    const last = this.#draw();
    const asking = last === undefined ? undefined : this.#asked.ask(last);
    await sleep(this.#random.fraction() * 15);
    await this.#nodes.kill(node);
    await asking;
    await sleep(ON_ITS_WAY_MS);
    this.#hear();
    const promised = [...this.#promises.registrations.values()];
    const subscribed = new Set(this.#promises.subscribed);
    const isTakenOver = this.#options.cluster && node !== "pcscf";
    const untaken = isTakenOver ? await this.#untaken(promised, subscribed) : [];
    const since = clock.now();
    await this.#nodes.start(node);
    this.#startedIn = clock.now() - since;
    const lost = [...untaken, ...(await this.#missing(promised, subscribed))];
    await this.#asked.look(clock.now());
    await this.#sim.ask(500);
    this.#check([...lost, ...this.#promises.broken, ...this.#asked.broken, ...this.#sim.broken]);
    if (this.#options.verbose)
      process.stdout.write(
        `${node} ${count}: after ${Math.round(life)} ms, ${promised.length} registrations, ${this.#asked.open} re-authentications open\n`,
      );
  }

  /** What the other node of the cluster does not have, once it has had the time to claim it. */
  async #untaken(
    promised: readonly PromisedRegistration[],
    subscribed: ReadonlySet<string>,
  ): Promise<readonly string[]> {
    const until = clock.now() + TAKEN_OVER_WITHIN_MS;
    for (;;) {
      const lost = await this.#missing(promised, subscribed);
      if (lost.length === 0 || clock.now() > until) return lost;
      await sleep(500);
    }
  }

  async #missing(
    promised: readonly PromisedRegistration[],
    subscribed: ReadonlySet<string>,
  ): Promise<readonly string[]> {
    const lost: string[] = [];
    const atPcscf = await this.#nodes.atPcscf();
    const atScscf = await this.#nodes.atScscf();
    for (const { impu, callId, cseq } of promised) {
      this.#checked += 1;
      const binding = atScscf.get(impu)?.bindings.find((one) => one.callId === callId);
      if (binding === undefined) lost.push(`${impu}: its registration (${callId}) is gone`);
      else if (binding.cseq < cseq)
        lost.push(`${impu}: its REGISTER ${cseq} was accepted, and ${binding.cseq} is the last`);
      else if (subscribed.has(impu) && binding.subscription === null)
        lost.push(`${impu}: its subscription is gone`);
      if (!atPcscf.has(impu)) lost.push(`${impu}: the P-CSCF has forgotten it`);
    }
    return lost;
  }

  /** What to say of them. */
  async #outages(): Promise<string> {
    const { redis, access, domain, users } = this.#parts;
    const { outage: seconds } = this.#options;
    if (redis === undefined || seconds === 0) return "";
    const newcomer = { clock, host: HOST, access, domain };
    let n = users;
    const register = (): ReturnType<typeof registerOnce> => registerOnce(newcomer, ++n);
    const eventsOf = (node: KilledNode): readonly string[] => this.#nodes.eventsOf(node);
    const { names: nodes } = this.#nodes;
    const isCluster = this.#options.cluster;
    const said: string[] = [];
    for (const kind of ["stopped", "killed"] as const) {
      this.#hear();
      const promised = [...this.#promises.registrations.values()];
      const seen = await outage(kind, {
        ...{ clock, redis, seconds, register },
        ...{ eventsOf, nodes, isCluster },
      });
      this.#hear();
      const kept = await this.#untaken([...promised, ...seen.registrations], new Set());
      this.#check([...seen.broken, ...kept, ...this.#promises.broken]);
      said.push(
        `, Redis ${kind} for ${seconds} s (${seen.refused} refused, served again after ${Math.round(seen.resumedAfter)} ms)`,
      );
    }
    return said.join("");
  }

  /** All who were asked have registered again, whoever was killed meanwhile. */
  async #lastWord(): Promise<void> {
    const until = clock.now() + LAST_WORD_MS;
    while (this.#asked.open > 0 && clock.now() < until) {
      await sleep(200);
      this.#hear();
      await this.#asked.look(clock.now());
    }
    this.#check([
      ...this.#asked.unfinished(clock.now()),
      ...this.#promises.broken,
      ...this.#asked.broken,
      ...this.#sim.broken,
    ]);
  }

  #draw(): string | undefined {
    const free = [...this.#promises.subscribed].filter((impu) => !this.#asked.isOpen(impu));
    return free[Math.floor(this.#random.fraction() * free.length)];
  }

  #hear(): void {
    const why = this.#devices.ended();
    if (why !== undefined) throw new Error(why);
    const now = clock.now();
    for (const logged of this.#devices.log.read()) this.#promises.hear(logged, now);
    this.#promises.endThoseOfDeaf(now);
  }

  #check(lost: readonly string[]): void {
    if (lost.length === 0) return;
    const shown = lost.slice(0, 20).join("\n  ");
    throw new Error(`${lost.length} promises broken:\n  ${shown}`);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(0, HOST, () => {
      const at = server.address();
      server.close(() => resolve(typeof at === "object" && at !== null ? at.port : 0));
    });
  });
}

async function crash(options: CrashOptions): Promise<number> {
  process.stdout.write(`seed ${options.seed}\n`);
  const folder = mkdtempSync(join(tmpdir(), "ims-lab-crash-"));
  const account = ueAccount(readSubscribers(SUBSCRIBERS_FILE));
  if (account?.op === undefined) throw new Error(`${SUBSCRIBERS_FILE}: no user with K and OP`);
  const ports: number[] = [];
  while (ports.length < 9) ports.push(await freePort());
  const [access = 0, core = 0, serving = 0, pcscfHttp = 0, scscfHttp = 0, sipp = 0] = ports;
  const [serving2 = 0, scscf2Http = 0, redisPort = 0] = ports.slice(6);
  const { store, cluster } = options;
  const redis =
    store === "redis" ? new RedisServer({ host: HOST, port: redisPort }, folder, clock) : undefined;
  const nodes = new CrashNodes({
    folder,
    ports: { access, core, serving, serving2, pcscfHttp, scscfHttp, scscf2Http },
    redis: redis?.port,
    cluster,
  });
  let devices: Devices | undefined;
  let isWhole = false;
  try {
    await redis?.start();
    for (const node of nodes.names) await nodes.start(node);
    const { domain, impi, impu, k, op } = account;
    const users = Math.min(5000, (options.runs + 5) * USERS_A_RUN);
    const load = { folder, host: HOST, access, port: sipp, domain, users, perSecond: PER_SECOND };
    devices = startDevices({ ...load, seconds: options.seconds + 600 });
    const sim = new SimCard({ clock, host: HOST, access, domain, impi, impu, k, op });
    const parts = { nodes, devices, sim, redis, access, domain, users };
    const said = await new CrashTest(options, parts).run();
    process.stdout.write(`${said}\n`);
    isWhole = true;
    return 0;
  } catch (problem) {
    const why = reasonOf(problem);
    process.stderr.write(`seed ${options.seed}: ${why}\nlogs and databases: ${folder}\n`);
    return 1;
  } finally {
    await devices?.stop();
    await nodes.stop();
    await redis?.kill();
    if (isWhole) rmSync(folder, { recursive: true });
  }
}

try {
  const options = readOptions(process.argv.slice(2), cryptoRandom().bytes(4).readUInt32BE() >>> 1);
  if (options === undefined) process.stdout.write(HELP);
  else process.exitCode = await crash(options);
} catch (problem) {
  process.stderr.write(`${reasonOf(problem)}\n`);
  process.exitCode = 2;
}
