// The plan of a run, drawn from its seed alone: users, devices, settings, and what happens when. Plain data, so that it can be shrunk and replayed.
import type { TransportName } from "@ims-lab/common/sip/transport/transport";
import { DOMAIN, K, OPC, type Overrides } from "../scenarios/nodes.ts";
import { ACT_KINDS, type ActKind, CALM_KINDS, type Chances } from "./acts.ts";
import { Chance } from "./chance.ts";
import { drawHabits, type Habits } from "./habits.ts";

export type Profile = "seed" | "ts24229";

export interface UserPlan {
  readonly name: string;
  /** Of the `auth` mapping in the subscribers file. */
  readonly auth: string;
  readonly isAka: boolean;
  /** Absent: the S-CSCF's default. */
  readonly subscription: "enforce" | "warn" | "optional" | undefined;
}

export interface DevicePlan {
  /** Index among the users. */
  readonly user: number;
  readonly transport: TransportName;
  readonly expiresSeconds: number;
  /** Our UE, with its settings. */
  readonly ue?: Overrides;
  /** A scripted device, and what it does. */
  readonly habits?: Habits;
}

export interface Act {
  /** Milliseconds since the beginning. */
  readonly at: number;
  /** Of `ACT_KINDS`. */
  readonly kind: string;
  /** Index among the devices. */
  readonly device: number;
  readonly chances: Chances;
}

export interface StorePlan {
  readonly isDurable: boolean;
  /** A commit takes between these, milliseconds. */
  readonly delayMs: readonly [least: number, most: number];
}

export interface Plan {
  readonly seed: number;
  readonly scscf: Overrides;
  readonly pcscf: Overrides;
  readonly scscfStore: StorePlan;
  readonly pcscfStore: StorePlan;
  readonly users: readonly UserPlan[];
  readonly devices: readonly DevicePlan[];
  readonly acts: readonly Act[];
}

/** Longest registration, seconds: so long it takes at the end until nothing is left. */
export const MAX_EXPIRES = 3600;

export function drawPlan(seed: number): Plan {
  const chance = new Chance(seed, "plan");
  const users = Array.from({ length: chance.from(1, 3) }, (_, at) => drawUser(chance, at + 1));
  const profile = chance.of<Profile>(["seed", "seed", "ts24229"]);
  // Each user has a device, and one or two have a second.
  const owners = users.map((_, at) => at);
  if (chance.is(0.5)) owners.push(chance.from(0, users.length - 1));
  const devices = owners.map((user) => drawDevice(chance, user, profile));
  return {
    seed,
    scscf: { profile, ...drawScscf(chance) },
    pcscf: { profile: chance.is(0.8) ? profile : "ts24229", ...drawPcscf(chance) },
    scscfStore: drawStore(chance),
    pcscfStore: drawStore(chance),
    users,
    devices,
    // One in five lets everything arrive, so that nothing that differs between the nodes can be put down to a loss.
    acts: drawActs(chance, devices.length, chance.is(0.2) ? CALM_KINDS : ACT_KINDS),
  };
}

function drawStore(chance: Chance): StorePlan {
  const delays = [
    [0, 0],
    [1, 4],
    [2, 40],
    [2, 400],
  ] as const;
  return { isDurable: chance.is(0.7), delayMs: chance.of(delays) };
}

function drawUser(chance: Chance, number: number): UserPlan {
  const isAka = chance.is(0.5);
  const algorithm = chance.of(["AKAv1-MD5", "AKAv2-SHA-256", "AKAv2-MD5"]);
  const algorithms = chance.of(["[MD5]", "[SHA-256, MD5]"]);
  return {
    name: `u${number}`,
    isAka,
    auth: isAka
      ? `{ scheme: aka, algorithm: ${algorithm}, k: ${K}, opc: ${OPC} }`
      : `{ scheme: digest, algorithms: ${algorithms}, password: pw }`,
    subscription: chance.of([undefined, undefined, "enforce", "warn", "optional"] as const),
  };
}

function drawDevice(chance: Chance, user: number, profile: Profile): DevicePlan {
  const transport = chance.of<TransportName>(["udp", "udp", "tcp"]);
  const expiresSeconds = chance.of([120, 600, 1200, MAX_EXPIRES]);
  if (chance.is(0.35))
    return { user, transport: "udp", expiresSeconds, habits: drawHabits(chance) };
  const usual = profile === "seed" ? "own" : "reg";
  const event = chance.of([usual, usual, "own", "reg", "none"]);
  const ue = {
    "subscription.event": event,
    "registration.checkSeconds": chance.of([0, 0, 120]),
  };
  return { user, transport, expiresSeconds, ue };
}

function drawScscf(chance: Chance): Overrides {
  return {
    "registration.minExpires": 60,
    "registration.defaultExpires": 1200,
    "registration.maxExpires": MAX_EXPIRES,
    "subscription.duty": chance.of(["enforce", "enforce", "warn", "optional"]),
    "subscription.deadlineSeconds": chance.of([16, 32, 120]),
    "subscription.expires": chance.of(["registration", "unlimited"]),
    "authentication.awaitSeconds": chance.of([20, 60, 240]),
    "authentication.onRefresh": chance.of(["never", "never", "always"]),
    "reauthentication.deadlineSeconds": chance.of([30, 60, 600]),
    "reauthentication.onRefused": chance.of(["wait", "wait", "deregister"]),
    ...(chance.is(0.3) && {
      "policy.onMethods": "MESSAGE",
      "policy.outcome": chance.of(["proceed", "reject"]),
    }),
    dialogs: chance.of(["leave", "release"]),
    "restart.graceSeconds": chance.of([0, 32]),
  };
}

function drawPcscf(chance: Chance): Overrides {
  return {
    ...(chance.is(0.2) && { "reauthentication.maxAgeSeconds": 600 }),
    "reauthentication.onFlowReplaced": chance.is(0.3),
    "restart.graceSeconds": chance.of([0, 32]),
  };
}

const ACTS = 30;

/** In bursts, so that what happens meets what is still under way. */
function drawActs(
  chance: Chance,
  devices: number,
  kinds: Readonly<Record<string, ActKind>>,
): readonly Act[] {
  const weights = Object.fromEntries(
    Object.entries(kinds).map(([kind, { weight }]) => [kind, weight]),
  );
  const acts: Act[] = [];
  let at = 0;
  for (let index = 0; index < ACTS; index++) {
    at += chance.is(0.5) ? chance.fraction() * 400 : chance.fraction() * chance.of([5e3, 1e5]);
    // Everybody begins by registering.
    const isFirst = index < devices;
    acts.push({
      at: Math.round(at),
      kind: isFirst ? "register" : chance.weighted(weights),
      device: isFirst ? index : chance.from(0, devices - 1),
      chances: [chance.fraction(), chance.fraction(), chance.fraction()],
    });
  }
  return acts;
}

export function impiOf({ name }: UserPlan): string {
  return `${name}@${DOMAIN}`;
}

/** As a subscribers file says it. */
export function subscribersIn({ users }: Plan): string {
  const entries = users.map((user) => {
    const { name, auth, subscription } = user;
    const duty = subscription === undefined ? "" : `\n    subscription: ${subscription}`;
    return `  - impi: ${impiOf(user)}\n    impus: [sip:${name}@${DOMAIN}]\n    auth: ${auth}${duty}\n`;
  });
  return `subscribers:\n${entries.join("")}`;
}
