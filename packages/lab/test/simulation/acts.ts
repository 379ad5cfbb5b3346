// Everything that users, operators, the network and fate do in a simulation: a table in which one line is one kind of act.
import type { ScscfFaultName, UeFaultName } from "@ims-lab/common/admin-api/faults";
import type { RemovalCause } from "../../../scscf/src/registration/binding.ts";
import type { CommitPhase } from "./simulated-disk.ts";
import { type Conditions, FAIR, WAYS } from "./weather.ts";

/** A device as its user handles it. */
export interface HandledDevice {
  register(): void;
  deregister(): void;
  /** A MESSAGE to the device's own identity. */
  message(): void;
  /** A call to another user, or the end of the one that is up. */
  call(): void;
  /** Off and on again: it has forgotten its registration, and registers. */
  reboot(): Promise<void>;
  /** Another address, of which the network knows nothing yet; it registers. */
  move(): Promise<void>;
  /** It ends its subscription. */
  unsubscribe(): void;
  /** It does this wrong, the next time or two; see `admin-api/faults`. */
  err(fault: UeFaultName): void;
  /** Off, without a word, until it reboots. */
  switchOff(): void;
}

export type CscfName = "S-CSCF" | "P-CSCF";

/** When exactly a node dies. */
export type CrashMoment =
  | { readonly when: "now" }
  /** At this point of its nth commit from now. */
  | { readonly when: "commit"; readonly phase: CommitPhase; readonly nth: number }
  /** When it takes its nth message from now, before it has looked at it. */
  | { readonly when: "received"; readonly nth: number }
  /** Right before or after its nth message from now leaves. */
  | { readonly when: "sends" | "sent"; readonly nth: number };

/** What acts are done with. */
export interface Stage {
  device(index: number): HandledDevice;
  /** Asks for a re-authentication of all devices of the user. */
  askByScscf(device: number): void;
  askByPcscf(device: number): void;
  removeByOperator(device: number, cause: RemovalCause): void;
  /** Asks so many a second, everybody. */
  beginCampaign(pacePerSecond: number): Promise<void>;
  /** Whoever authenticated so long ago must do so again. */
  putPolicy(maxAgeMs: number): Promise<void>;
  /** The S-CSCF does this wrong to the device's user, once. */
  err(device: number, fault: ScscfFaultName): void;
  become(conditions: Conditions): void;
  /** Connections of devices that stand carry nothing any more, and nobody is told. */
  silenceConnections(): void;
  /** Nothing passes on one hop for so long. */
  cut(way: (typeof WAYS)[number], milliseconds: number): void;
  /** It dies at that moment, and starts again so much later. */
  crash(node: CscfName, moment: CrashMoment, downMs: number): void;
  /** It ends as told to, and starts again. */
  restart(node: CscfName): Promise<void>;
  /** The node cannot commit for so long. */
  fillDisk(node: CscfName, milliseconds: number): void;
}

/** 0 to 1, for what a kind has to choose. */
export type Chances = readonly [number, number, number];

export interface ActKind {
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  perform(stage: Stage, device: number, chances: Chances): void | Promise<void>;
}

const UE_FAULTS: readonly UeFaultName[] = [
  "no-subscribe",
  "notify-ignored",
  "notify-481",
  "notify-500",
  "notify-late",
  "silent-after-notify",
  "wrong-res",
  "reject-autn",
  "force-auts",
  "challenge-unanswered",
];
/** Those that leave what it announces true. */
const SCSCF_FAULTS: readonly ScscfFaultName[] = [
  "bad-autn",
  "interval-too-brief",
  "unavailable",
  "no-service-route",
  "trigger-without-callid",
  "reginfo-unknown-namespace",
];
const CSCFS: readonly CscfName[] = ["S-CSCF", "P-CSCF"];
const PHASES: readonly CommitPhase[] = ["asked", "kept", "kept", "answered"];

/** Those that leave the network and all nodes as they are: all that is under way arrives. By name. */
export const CALM_KINDS: Readonly<Record<string, ActKind>> = {
  // Users.
  register: { weight: 14, perform: (stage, device) => stage.device(device).register() },
  deregister: { weight: 3, perform: (stage, device) => stage.device(device).deregister() },
  message: { weight: 4, perform: (stage, device) => stage.device(device).message() },
  call: { weight: 3, perform: (stage, device) => stage.device(device).call() },
  reboot: { weight: 3, perform: (stage, device) => stage.device(device).reboot() },
  move: { weight: 4, perform: (stage, device) => stage.device(device).move() },
  unsubscribe: { weight: 2, perform: (stage, device) => stage.device(device).unsubscribe() },
  err: {
    weight: 5,
    perform: (stage, device, [a]) => stage.device(device).err(of(UE_FAULTS, a)),
  },
  off: { weight: 1, perform: (stage, device) => stage.device(device).switchOff() },

  // Operators.
  "ask at S-CSCF": { weight: 14, perform: (stage, device) => stage.askByScscf(device) },
  "ask at P-CSCF": { weight: 7, perform: (stage, device) => stage.askByPcscf(device) },
  expired: { weight: 1, perform: (stage, device) => remove(stage, device, "expired") },
  deactivated: { weight: 2, perform: (stage, device) => remove(stage, device, "deactivated") },
  rejected: { weight: 1, perform: (stage, device) => remove(stage, device, "rejected") },
  probation: {
    weight: 1,
    perform: (stage, device, [a]) =>
      stage.removeByOperator(device, { kind: "probation", retryAfterSeconds: 1 + pick(60, a) }),
  },

  campaign: { weight: 2, perform: (stage, _, [a]) => stage.beginCampaign(0.2 + 5 * a) },
  policy: { weight: 1, perform: (stage, _, [a]) => stage.putPolicy(60_000 + 900_000 * a) },
  "err at S-CSCF": {
    weight: 3,
    perform: (stage, device, [a]) => stage.err(device, of(SCSCF_FAULTS, a)),
  },
};

/** All, by name. */
export const ACT_KINDS: Readonly<Record<string, ActKind>> = {
  ...CALM_KINDS,

  // The network.
  losses: {
    weight: 4,
    perform: (stage, _, [a, b, c]) =>
      stage.become({ lost: 0.3 * a, doubled: b < 0.5 ? 0 : 0.3 * b, delayMs: [2, 2 + 300 * c] }),
  },
  fair: { weight: 3, perform: (stage) => stage.become(FAIR) },
  cut: {
    weight: 4,
    perform: (stage, _, [a, b]) => stage.cut(of(WAYS, a), b < 0.7 ? 20_000 * b : 200_000 * b),
  },

  "silent connections": { weight: 2, perform: (stage) => stage.silenceConnections() },

  // Fate.
  crash: {
    weight: 4,
    perform: (stage, _, [a, b]) => stage.crash(of(CSCFS, a), { when: "now" }, downMs(b)),
  },
  "crash in a commit": {
    weight: 8,
    perform: (stage, _, [a, b, c]) =>
      stage.crash(
        of(CSCFS, (b * 10) % 1),
        { when: "commit", phase: of(PHASES, a), nth: pick(4, b) },
        downMs(c),
      ),
  },
  "crash at a message": {
    weight: 8,
    perform: (stage, _, [a, b, c]) =>
      stage.crash(
        of(CSCFS, (a * 10) % 1),
        { when: of(["received", "sends", "sent"], a), nth: pick(8, b) },
        downMs(c),
      ),
  },
  restart: { weight: 2, perform: (stage, _, [a]) => stage.restart(of(CSCFS, a)) },
  "disk full": {
    weight: 3,
    perform: (stage, _, [a, b]) => stage.fillDisk(of(CSCFS, b), 30_000 * a),
  },
};

/** Short mostly: the next process comes up while others still wait for the last one. */
function downMs(chance: number): number {
  return chance < 0.7 ? 20 + 2000 * chance : 200_000 * (chance - 0.69);
}

function remove(stage: Stage, device: number, kind: "expired" | "deactivated" | "rejected"): void {
  stage.removeByOperator(device, { kind });
}

/** 0 to `count` - 1. */
function pick(count: number, chance: number): number {
  return Math.min(count - 1, Math.floor(count * chance));
}

function of<T>(choices: readonly T[], chance: number): T {
  const chosen = choices[pick(choices.length, chance)];
  if (chosen === undefined) throw new Error("nothing to choose from");
  return chosen;
}
