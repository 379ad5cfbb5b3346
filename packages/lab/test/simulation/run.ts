// One run of the simulation: its plan is acted out, the lab comes to rest, everything expires; every invariant on the way.
import type { ReauthenticationEnd } from "@ims-lab/common/admin-api/views";
import { ACT_KINDS } from "./acts.ts";
import { BOTH_AGREE, COMES_TO_REST, NO_ERROR_LINE, NOTHING_LEFT } from "./invariants.ts";
import { MAX_EXPIRES, type Plan } from "./plan.ts";
import type { Plant } from "./plants.ts";
import { placeNames } from "./story.ts";
import type { Violation } from "./surroundings.ts";
import { World } from "./world.ts";

export interface RunResult {
  readonly violation: Violation | undefined;
  /** Events of the clock, messages on the wire. */
  readonly steps: number;
  readonly messages: number;
  readonly acts: ReadonlyMap<string, number>;
  readonly ends: ReadonlyMap<string, number>;
  /** Process lives of both CSCFs beyond the first ones. */
  readonly restarts: number;
  /** The last `lines` before the end. */
  ladder(lines: number): string;
}

export interface RunOptions {
  /** The ladder will be read. */
  readonly isTold?: boolean;
  readonly plant?: Plant | undefined;
}

/** 64*T1 and more: what is under way has ended. */
const UNDER_WAY_MS = 70_000;
/** Within this a device that was refused has tried again. */
const SETTLING_MS = 120_000;

export async function run(plan: Plan, options: RunOptions = {}): Promise<RunResult> {
  const world = new World(plan, { isTold: options.isTold === true, plant: options.plant });
  const acted = new Map<string, number>();
  try {
    await world.start();
    await actOut(world, plan, acted);
    await comeToRest(world, plan);
    await expire(world);
  } catch (error) {
    const thrown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    world.around.judge(NO_ERROR_LINE, { node: "some node", errors: [`throws ${thrown}`] });
  }
  const { around, scscf, pcscf, places } = world;
  return {
    violation: around.violation,
    steps: around.clock.steps,
    messages: around.network.log.length,
    acts: acted,
    ends: scscf.ledger.ends.byKind,
    restarts: scscf.lives.count + pcscf.lives.count - 2,
    ladder: (lines) => around.story.ladder(around.network.log, placeNames(places), lines),
  };
}

async function actOut(world: World, plan: Plan, acted: Map<string, number>): Promise<void> {
  const { clock, story } = world.around;
  const start = clock.now();
  for (const { at, kind, device, chances } of plan.acts) {
    await world.pass(Math.max(0, start + at - clock.now()));
    judgeErrors(world);
    judgeCalm(world);
    if (world.around.violation !== undefined) return;
    acted.set(kind, (acted.get(kind) ?? 0) + 1);
    story.tell(clock.now(), `${kind} (device ${device + 1})`);
    await ACT_KINDS[kind]?.perform(world, device, chances);
  }
  await world.pass(UNDER_WAY_MS);
}

function judgeErrors({ around, scscf, pcscf, ueErrors }: World): void {
  for (const { lives, disk } of [scscf, pcscf]) {
    const isMeant = (line: string): boolean => disk.wasFull && line.startsWith("store.failed");
    around.judge(NO_ERROR_LINE, {
      node: lives.name,
      errors: lives.errors.filter((line) => !isMeant(line)),
    });
  }
  around.judge(NO_ERROR_LINE, { node: "UE", errors: ueErrors });
}

/** Where nothing was lost and nothing is under way, both agree without being told anew. */
function judgeCalm(world: World): void {
  const { around, scscf, pcscf, atScscf, atPcscf } = world;
  const last = around.network.log.at(-1)?.at ?? 0;
  if (!world.isCalm || around.clock.now() - last < UNDER_WAY_MS / 2) return;
  if (scscf.node === undefined || pcscf.node === undefined) return;
  // A challenge gives a device more time than the P-CSCF was told.
  if (scscf.node.reauthentications.runningCount > 0) return;
  around.judge(BOTH_AGREE, { atScscf, atPcscf, told: "all", mayMissEnds: false });
}

/** A fair network, nodes that stay, devices that do everything right. */
async function comeToRest(world: World, plan: Plan): Promise<void> {
  const { around, scscf, pcscf, devices } = world;
  if (around.violation !== undefined) return;
  const { story, clock } = around;
  story.tell(clock.now(), "the network is fair from now on, and every device behaves");
  around.weather.clear();
  for (const { lives, disk } of [scscf, pcscf]) {
    disk.clear();
    lives.disarm();
  }
  await world.pass(300_000); // whoever is down is up again
  scscf.node?.faults.switches.off();
  for (const device of devices) {
    device.behave();
    if (device.isOn) device.register();
    else await device.reboot();
  }
  await world.pass(SETTLING_MS);
  for (const device of devices) device.register();
  await world.pass(SETTLING_MS);
  judgeErrors(world);
  judgeAgreement(world);
  // Dialogs that a P-CSCF has forgotten show when they are used; their devices come back.
  if (pcscf.hasForgotten) {
    await reauthenticateAll(world, plan);
    for (const device of devices) device.register();
    await world.pass(SETTLING_MS);
  }
  const ends = await reauthenticateAll(world, plan);
  around.judge(COMES_TO_REST, {
    devices: devices.map((device) => ({
      says: device.says,
      isRegistered: device.isRegistered,
      isSubscribed: device.isSubscribed,
      // Whoever cannot be told hears of it by and by.
      ends: device.wantsSubscription
        ? device.contacts.flatMap((contact) => ends.get(contact) ?? [])
        : [],
    })),
  });
  judgeAgreement(world);
}

function judgeAgreement({ around, devices, atScscf, atPcscf, isCalm, wasCutLong }: World): void {
  // A device may have left an address whose 200 did not reach the P-CSCF.
  const told = isCalm ? "all" : new Set(devices.flatMap(({ contacts }) => contacts));
  around.judge(BOTH_AGREE, { atScscf, atPcscf, told, mayMissEnds: wasCutLong });
}

/** By Contact: how the re-authentications ended that all devices were asked for. */
async function reauthenticateAll(
  world: World,
  plan: Plan,
): Promise<ReadonlyMap<string, readonly ReauthenticationEnd[]>> {
  const { scscf, devices } = world;
  const before = new Set((scscf.node?.reauthentications.list() ?? []).map(({ id }) => id));
  for (const index of devices.keys()) world.askByScscf(index);
  const deadline = Number(plan.scscf["reauthentication.deadlineSeconds"]) * 1000;
  await world.pass(deadline + Number(plan.scscf["authentication.awaitSeconds"]) * 1000);
  const ends = new Map<string, ReauthenticationEnd[]>();
  for (const one of scscf.node?.reauthentications.list() ?? [])
    if (one.progress === "ended" && !before.has(one.id))
      ends.set(one.contact, [...(ends.get(one.contact) ?? []), one.end]);
  return ends;
}

/** Every device is off; when the longest registration is over, nothing of it is left. */
async function expire(world: World): Promise<void> {
  const { around, scscf, pcscf, devices } = world;
  if (around.violation !== undefined) return;
  around.story.tell(around.clock.now(), "every device is off from now on");
  for (const device of devices) device.switchOff();
  await world.pass((MAX_EXPIRES + 700) * 1000);
  judgeErrors(world);
  await scscf.judgeEnds();
  around.judge(NOTHING_LEFT, { left: leftIn(scscf.node, pcscf.node) });
  around.judge(NOTHING_LEFT, {
    left: new Map([
      ["timers of the S-CSCF", scscf.lives.timersLeft],
      ["timers of the P-CSCF", pcscf.lives.timersLeft],
    ]),
  });
}

function leftIn(
  scscf: World["scscf"]["node"],
  pcscf: World["pcscf"]["node"],
): ReadonlyMap<string, number> {
  if (scscf === undefined || pcscf === undefined) return new Map([["nodes that are down", 1]]);
  const transactions = (node: { readonly servers: number; readonly clients: number }): number =>
    node.servers + node.clients;
  return new Map([
    ["bindings of the S-CSCF", scscf.bindings.size],
    ["subscriptions of the S-CSCF", scscf.notifier.size],
    ["subscriptions of the S-CSCF at P-CSCFs", scscf.pcscfSubscriptions.size],
    ["re-authentications that run", scscf.reauthentications.runningCount],
    ["transactions of the S-CSCF", transactions(scscf.endpoint.transactions)],
    ["bindings of the P-CSCF", pcscf.table.size],
    ["subscriptions of the P-CSCF", pcscf.notifier.size],
    ["transactions of the P-CSCF's access side", transactions(pcscf.access.transactions)],
    ["transactions of the P-CSCF's core side", transactions(pcscf.core.transactions)],
  ]);
}
