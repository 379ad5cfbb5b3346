// A device of a simulation that is our UE.
import type { UeFaultName } from "@ims-lab/common/admin-api/faults";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import type { UeNode } from "../../../ue/src/node.ts";
import type { UserEquipment } from "../../../ue/src/user-equipment.ts";
import { impuOf, K, OPC, startUe, type World } from "../scenarios/nodes.ts";
import type { Device } from "./device.ts";
import type { Life } from "./life.ts";
import type { DevicePlan, UserPlan } from "./plan.ts";

export interface DeviceParts {
  readonly index: number;
  readonly plan: DevicePlan;
  readonly user: UserPlan;
  readonly log: Logger;
  /** An address that nobody has had. */
  newHost(): string;
  newLife(): Life;
  /** What a process of this life is given. */
  worldOf(life: Life): World;
  /** Another seed for each life. */
  nextSeed(): number;
  /** Somebody to call. */
  readonly callee: string;
  /** The P-CSCF. */
  readonly proxy: HostPort;
}

export class OwnDevice implements Device {
  readonly isOwn = true;
  readonly #parts: DeviceParts;
  #host: string;
  #life: Life | undefined;
  #node: UeNode | undefined;
  #ue: UserEquipment | undefined;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
    this.#host = parts.newHost();
  }

  get user(): number {
    return this.#parts.plan.user;
  }

  get isOn(): boolean {
    return this.#life?.isAlive === true;
  }

  async start(): Promise<void> {
    const { plan, user, index, log } = this.#parts;
    this.#life = this.#parts.newLife();
    const urn = `urn:uuid:00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
    const node: UeNode = await startUe(this.#parts.worldOf(this.#life), log, {
      user: user.name,
      seed: this.#parts.nextSeed(),
      host: this.#host,
      transport: plan.transport,
      credentials: user.isAka ? { "user.k": K, "user.opc": OPC } : { "user.password": "pw" },
      overrides: {
        "user.instance": urn,
        "registration.expiresSeconds": plan.expiresSeconds,
        "calls.media": false,
        ...plan.ue,
      },
    });
    this.#node = node;
    this.#ue = node.ues[0];
  }

  register(): void {
    if (this.isOn) this.#ue?.register();
  }

  deregister(): void {
    if (this.isOn) this.#ue?.deregister();
  }

  message(): void {
    if (this.isOn) void this.#ue?.messages.send(impuOf(this.#parts.user.name), "hello");
  }

  call(): void {
    if (!this.isOn || this.#ue === undefined) return;
    const { calls } = this.#ue;
    if (calls.active.length > 0) calls.hangUpAll();
    else calls.dial(this.#parts.callee);
  }

  async reboot(): Promise<void> {
    this.switchOff();
    await this.start();
    this.register();
  }

  async move(): Promise<void> {
    this.#host = this.#parts.newHost();
    await this.reboot();
  }

  unsubscribe(): void {
    // It never does by itself.
  }

  err(fault: UeFaultName): void {
    if (this.isOn) this.#node?.faults.switches.on(fault, { times: 1 });
  }

  switchOff(): void {
    this.#life?.end();
  }

  behave(): void {
    this.#node?.faults.switches.off();
  }

  get isRegistered(): boolean {
    return this.#ue?.view.registration.state === "registered";
  }

  get wantsSubscription(): boolean {
    return this.#ue?.view.subscription !== null;
  }

  get isSubscribed(): boolean {
    const subscription = this.#ue?.view.subscription;
    return subscription === null || subscription?.state === "active";
  }

  get contacts(): readonly string[] {
    return this.#ue === undefined ? [] : [this.#ue.view.contact];
  }

  get says(): string {
    const { registration, subscription } = this.#ue?.view ?? {};
    const why = registration?.why ?? registration?.lastFailure ?? "";
    return `${registration?.state} ${why}; subscription ${subscription?.state ?? "none"}`;
  }
}
