// The world of one run: both CSCFs and all devices of its plan, and what acts do with them.
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import { contactsOf } from "../../../pcscf/src/bindings/binding.ts";
import type { RemovalCause } from "../../../scscf/src/registration/binding.ts";
import { impuOf } from "../scenarios/nodes.ts";
import type { CrashMoment, CscfName, HandledDevice, Stage } from "./acts.ts";
import type { Device } from "./device.ts";
import { NOTHING_LEFT } from "./invariants.ts";
import { type DeviceParts, OwnDevice } from "./own-device.ts";
import { PcscfLives } from "./pcscf-lives.ts";
import type { DevicePlan, Plan, UserPlan } from "./plan.ts";
import type { Plant } from "./plants.ts";
import { ScriptedDevice } from "./scripted-device.ts";
import { ScscfLives } from "./scscf-lives.ts";
import { Surroundings } from "./surroundings.ts";
import type { Conditions, WAYS } from "./weather.ts";

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
  /** The disk has been full: what nodes say of it is right. */
  wasFull = false;
  #hosts = 0;

  constructor(
    plan: Plan,
    options: { readonly isTold: boolean; readonly plant?: Plant | undefined },
  ) {
    const around = new Surroundings(plan, options.isTold);
    this.around = around;
    const onWanted = (): void => around.clock.pause();
    this.scscf = new ScscfLives(around, onWanted, options.plant);
    this.pcscf = new PcscfLives(around, onWanted);
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
    while (this.around.violation === undefined && !clock.advanceTo(end))
      for (const { lives } of [this.scscf, this.pcscf]) if (lives.isWanted) await lives.start();
    return this.around.violation === undefined;
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

  become(conditions: Conditions): void {
    this.around.weather.become(conditions);
    if (!this.around.weather.isFair) this.isCalm = false;
  }

  cut(way: (typeof WAYS)[number], milliseconds: number): void {
    const { weather, at, clock } = this.around;
    this.isCalm = false;
    weather.cut(at, way);
    clock.after(milliseconds, () => weather.heal(way));
  }

  crash(node: CscfName, moment: CrashMoment, downMs: number): void {
    this.isCalm = false;
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

  fillDisk(milliseconds: number): void {
    const { disk } = this.scscf;
    this.isCalm = false;
    this.wasFull = true;
    disk.isFull = true;
    this.around.clock.after(milliseconds, () => {
      disk.isFull = false;
    });
  }

  #lives(node: CscfName): ScscfLives["lives"] | PcscfLives["lives"] {
    return node === "S-CSCF" ? this.scscf.lives : this.pcscf.lives;
  }

  // What both nodes have.

  /** `IMPI Contact` each. */
  get atScscf(): ReadonlySet<string> {
    const bindings = [...(this.scscf.node?.bindings.all() ?? [])];
    return new Set(bindings.map(({ impi, address }) => `${impi} ${address.contact}`));
  }

  get atPcscf(): ReadonlySet<string> {
    const bindings = [...(this.pcscf.node?.table.all() ?? [])];
    return new Set(
      bindings.flatMap((binding) =>
        contactsOf(binding).map(({ contact }) => `${binding.impi} ${contact}`),
      ),
    );
  }
}
