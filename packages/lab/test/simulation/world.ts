// The world of one run: both CSCFs and all devices of its plan, and what acts do with them.
import type { ScscfFaultName } from "@ims-lab/common/admin-api/faults";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import { contactsOf } from "../../../pcscf/src/bindings/binding.ts";
import type { RemovalCause } from "../../../scscf/src/registration/binding.ts";
import { impuOf } from "../scenarios/nodes.ts";
import type { CrashMoment, CscfName, HandledDevice, Stage } from "./acts.ts";
import type { Device } from "./device.ts";
import { NOTHING_LEFT } from "./invariants.ts";
import { type LifeHooks, promisesSettled } from "./node-lives.ts";
import { type DeviceParts, OwnDevice } from "./own-device.ts";
import { PcscfLives } from "./pcscf-lives.ts";
import type { DevicePlan, Plan, UserPlan } from "./plan.ts";
import type { Plant } from "./plants.ts";
import { ScriptedDevice } from "./scripted-device.ts";
import { ScscfLives } from "./scscf-lives.ts";
import { Surroundings } from "./surroundings.ts";
import type { Conditions, WAYS } from "./weather.ts";

/** 64*T1. */
const TIMER_F_MS = 32_000;
const QUIET = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
};

export class World implements Stage {
  readonly around: Surroundings;
  readonly scscf: ScscfLives;
  readonly pcscf: PcscfLives;
  readonly devices: readonly Device[];
  readonly places: Map<string, string>;
  /** Level error in a UE's log. */
  readonly ueErrors: string[] = [];
  /** Nothing was lost, delayed or killed so far. */
  isCalm = true;
  /** Somebody was out of reach for so long that others may have given up on them. */
  wasCutLong = false;
  #hosts = 0;

  constructor(
    plan: Plan,
    options: { readonly isTold: boolean; readonly plant?: Plant | undefined },
  ) {
    const around = new Surroundings(plan, options.isTold);
    this.around = around;
    const hooks: LifeHooks = {
      onWanted: () => around.clock.pause(),
      passUntil: (isSo) => this.#passUntil(isSo),
    };
    this.scscf = new ScscfLives(around, hooks, options.plant);
    this.pcscf = new PcscfLives(around, hooks);
    this.pcscf.ledger.isAtScscf = ({ contact, callId, cseq }) => {
      for (const one of this.scscf.node?.bindings.all() ?? [])
        if (one.address.contact === contact && one.callId === callId && one.cseq === cseq)
          return true;
      return false;
    };
    const { access, core, scscf } = around.at;
    this.places = new Map([
      [access.host, "P-CSCF"],
      [core.host, "P-CSCF"],
      [scscf.host, "S-CSCF"],
    ]);
    this.devices = plan.devices.map((device, index) => this.#newDevice(device, index));
    around.clock.beforeStep = () => this.scscf.stepped();
  }

  async start(): Promise<void> {
    await this.scscf.lives.start();
    await this.pcscf.lives.start();
    for (const device of this.devices) await device.start();
  }

  /** Runs the clock on; nodes that are to start again do. False: an invariant does not hold, the run is over. */
  async pass(milliseconds: number): Promise<boolean> {
    const { clock } = this.around;
    const end = clock.now() + milliseconds;
    for (;;) {
      if (this.around.violation !== undefined) return false;
      const wanted = [this.scscf, this.pcscf].find(({ lives }) => lives.isWanted);
      if (wanted !== undefined) await wanted.lives.start();
      else if (clock.advanceTo(end)) return true;
    }
  }

  async #passUntil(isSo: () => boolean): Promise<void> {
    const { clock } = this.around;
    for (;;) {
      await promisesSettled();
      if (isSo() || this.around.violation !== undefined) return;
      clock.advanceTo(clock.now() + 1);
    }
  }

  #newDevice(plan: DevicePlan, index: number): Device {
    const { around } = this;
    const { users } = around.plan;
    const user = users[plan.user] as UserPlan;
    const callee = users[(plan.user + 1) % users.length] as UserPlan;
    const name = `device ${index + 1}`;
    const parts: DeviceParts = {
      index,
      plan,
      user,
      callee: impuOf(callee.name),
      proxy: around.at.access,
      log: this.#ueLog(name),
      nextSeed: () => around.nextSeed(),
      newLife: () => around.newLife(),
      worldOf: (life) => around.worldOf(life, (message, next) => next(message)),
      newHost: () => {
        const host = around.at.device(++this.#hosts);
        this.places.set(host, `${name} (${user.name})`);
        return host;
      },
    };
    return plan.habits === undefined
      ? new OwnDevice(parts)
      : new ScriptedDevice(parts, plan.habits);
  }

  #ueLog(name: string): DeviceParts["log"] {
    return {
      ...QUIET,
      enabled: () => false,
      error: (event) => this.ueErrors.push(`${name}: ${event}`),
      child: () => this.#ueLog(name),
    };
  }

  // The stage.

  device(index: number): HandledDevice {
    return this.devices[index] as Device;
  }

  #impuOf(device: number): string {
    const user = this.around.plan.users[this.devices[device]?.user ?? 0] as UserPlan;
    return impuOf(user.name);
  }

  askByScscf(device: number): void {
    const { node } = this.scscf;
    const set = node?.setOf(this.#impuOf(device));
    if (node === undefined || set === undefined) return;
    node.reauthentications.ask(node.bindings.ofSet(set.name), "operator");
  }

  askByPcscf(device: number): void {
    const uri = parseUri(this.#impuOf(device));
    if (uri !== undefined) this.pcscf.node?.notifier.ask(aorOf(uri));
  }

  removeByOperator(device: number, cause: RemovalCause): void {
    const { node } = this.scscf;
    const set = node?.setOf(this.#impuOf(device));
    if (node === undefined || set === undefined) return;
    const at = this.around.clock.now();
    for (const { token } of node.bindings.ofSet(set.name))
      node.registrations.input(token, { kind: "removed", at, cause });
  }

  beginCampaign(pacePerSecond: number): Promise<void> {
    const { node } = this.scscf;
    if (node === undefined) return Promise.resolve();
    const order = { filter: {}, percent: 100, pacePerSecond, jitter: 0.5, seed: "s" };
    const begun = async (): Promise<void> => {
      const selection = await node.campaigns.select(order);
      if (selection.tokens.length > 0) await node.campaigns.start(order, selection);
    };
    return this.#done(begun());
  }

  putPolicy(maxAgeMs: number): Promise<void> {
    const { node } = this.scscf;
    if (node === undefined) return Promise.resolve();
    const rules = [{ name: "aged", kind: "max-age", ageMs: maxAgeMs }] as const;
    return this.#done(node.policy.put({ pacePerSecond: 5, rules }));
  }

  /** Runs the clock until it is durable, or cannot be, or its node is gone. */
  async #done(work: Promise<void>): Promise<void> {
    const { lives } = this.scscf;
    const { count } = lives;
    let isOver = false;
    const end = (): void => {
      isOver = true;
    };
    work.then(end, end);
    await this.#passUntil(() => isOver || lives.node === undefined || lives.count !== count);
  }

  err(device: number, fault: ScscfFaultName): void {
    this.scscf.node?.faults.switches.on(fault, { impu: this.#impuOf(device), times: 1 });
  }

  become(conditions: Conditions): void {
    this.around.weather.become(conditions);
    if (!this.around.weather.isFair) this.isCalm = false;
  }

  silenceConnections(): void {
    this.isCalm = false;
    this.wasCutLong = true;
    this.around.network.silenceStreams({ to: { host: this.around.at.access.host } });
  }

  cut(way: (typeof WAYS)[number], milliseconds: number): void {
    const { weather, at, clock } = this.around;
    this.isCalm = false;
    if (milliseconds > TIMER_F_MS / 2) this.wasCutLong = true;
    weather.cut(at, way);
    clock.after(milliseconds, () => weather.heal(way));
  }

  crash(node: CscfName, moment: CrashMoment, downMs: number): void {
    this.isCalm = false;
    if (downMs > TIMER_F_MS / 2) this.wasCutLong = true;
    this.#lives(node).crash(moment, downMs);
  }

  async restart(node: CscfName): Promise<void> {
    this.isCalm = false;
    const lives = this.#lives(node);
    if (lives.node === undefined) return;
    const left = await lives.stop(() => this.pass(500));
    this.around.judge(NOTHING_LEFT, {
      left: new Map([[`timers of the ${node} that was stopped`, left]]),
    });
    if (this.around.violation === undefined) await lives.start();
  }

  fillDisk(node: CscfName, milliseconds: number): void {
    const { disk } = node === "S-CSCF" ? this.scscf : this.pcscf;
    this.isCalm = false;
    disk.fill();
    this.around.clock.after(milliseconds, () => disk.clear());
  }

  #lives(node: CscfName): ScscfLives["lives"] | PcscfLives["lives"] {
    return node === "S-CSCF" ? this.scscf.lives : this.pcscf.lives;
  }

  // What both nodes have.

  /** By IMPI and Path, which a P-CSCF takes for one device: its Contacts. */
  get atScscf(): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, string[]>();
    for (const { impi, address } of this.scscf.node?.bindings.all() ?? []) {
      const key = `${impi} ${pathUser(address.path[0] ?? "")}`;
      found.set(key, [...(found.get(key) ?? []), address.contact]);
    }
    return found;
  }

  get atPcscf(): ReadonlyMap<string, readonly string[]> {
    const bindings = [...(this.pcscf.node?.table.all() ?? [])];
    return new Map(
      bindings.map((binding) => [
        `${binding.impi} ${binding.token}`,
        contactsOf(binding).map(({ contact }) => contact),
      ]),
    );
  }
}

function pathUser(path: string): string {
  return /<sips?:([^@]*)@/.exec(path)?.[1] ?? path;
}
