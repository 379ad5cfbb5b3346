// All that is shown of a running lab: messages, the causes behind them, and of one device only when so asked.
import type { Clock } from "@ims-lab/common/platform/clock";
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";
import { Causes, type LogEvent, parseLogLine } from "./causes.ts";
import { type Device, Devices } from "./devices.ts";
import type { LabPorts } from "./node-environments.ts";
import type { LabOptions } from "./options.ts";
import { People } from "./people.ts";
import { type Remark, Remarks } from "./remarks.ts";
import { isRegistrationCheck, type Sighting } from "./sightings.ts";
import type { StageStep } from "./stage.ts";
import type { SubscriberEntry } from "./subscribers-file.ts";
import type { View } from "./view.ts";
import { WrongPorts } from "./wrong-ports.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error"];
/** Hosts that spoke the other IP version, each told once. */
const MOST_KNOCKS = 100;

export class Screen {
  readonly #view: View;
  readonly #verbose: boolean;
  readonly #only: string | undefined;
  readonly #people: People;
  readonly #devices: Devices;
  readonly #causes: Causes;
  readonly #remarks: Remarks;
  readonly #wrongPorts: WrongPorts;
  readonly #introduced = new Set<string>();
  /** What the device of `--only` is called: an address alone does not tell it to the logs. */
  readonly #ofOnly = new Set<string>();
  readonly #knocked = new Set<string>();
  #ueAddress: string | undefined;
  #isClosed = false;

  constructor(options: {
    readonly view: View;
    readonly clock: Clock;
    readonly ports: LabPorts;
    readonly options: Pick<LabOptions, "verbose" | "only">;
    readonly subscribers: readonly SubscriberEntry[];
  }) {
    const { view, clock, ports, subscribers } = options;
    const { verbose, only } = options.options;
    this.#view = view;
    this.#verbose = verbose;
    this.#people = new People(subscribers);
    this.#only = only === undefined ? undefined : (this.#people.known(only) ?? only);
    this.#devices = new Devices(this.#people);
    this.#causes = new Causes(this.#people, this.#devices);
    this.#remarks = new Remarks(clock, (remark) => this.#remark(remark));
    this.#wrongPorts = new WrongPorts(ports);
  }

  message(seen: Sighting, step: StageStep | undefined): void {
    const device = this.#devices.of(seen);
    if (seen.from === "UE" || seen.to === "UE") this.#ueAddress = device.address;
    const isOwnCheck = device.address === this.#ueAddress && isRegistrationCheck(seen);
    if (this.#isShown(device) && !isOwnCheck) {
      if (this.#only !== undefined) this.#ofOnly.add(device.label);
      this.#introduce(device);
      this.#view.message(seen, device, step);
    }
    const wrongPort = this.#wrongPorts.check(seen);
    if (wrongPort !== undefined) this.#remark(wrongPort);
    this.#remarks.shown(seen, device);
  }

  /** @param level the least important that `--verbose` shows */
  log(node: string, line: string, level: string): void {
    const event = parseLogLine(line);
    if (this.#verbose && isAtLeast(event, level)) this.#view.say(`${node}  ${line}`, 2);
    const remark = event && this.#causes.of(node, event);
    if (remark !== undefined) this.#remarks.add(remark);
  }

  /** Nothing more is said: the nodes are ended on purpose. */
  close(): void {
    this.#isClosed = true;
  }

  otherFamily(from: string, at: string, access: HostPort): void {
    const host = from.replace(/:\d+\/\w+$/, "");
    if (this.#knocked.has(host) || this.#knocked.size >= MOST_KNOCKS) return;
    this.#knocked.add(host);
    const version = access.host.includes(":") ? "IPv6" : "IPv4";
    const text = `: speaks to ${at}, but the P-CSCF is at ${formatHostPort(access)}, ${version} only; use that address, or start the lab with --host`;
    this.#remark({ tone: "bad", who: from, text });
  }

  /** Once for each address: the column has no room for all of it. */
  #introduce({ label, user, address }: Device): void {
    if (address === undefined) return;
    const text = user === undefined ? " speaks to the lab" : ` is at ${address}`;
    const key = label + text;
    if (this.#introduced.has(key)) return;
    if (this.#introduced.size >= 2_000) this.#introduced.clear();
    this.#introduced.add(key);
    this.#remark({ tone: "note", who: label, text });
  }

  #remark(remark: Remark): void {
    if (this.#isClosed) return;
    const who = remark.label?.() ?? remark.who;
    const isShown = [who, remark.who].some((name) => name === "" || this.#isNamed(name));
    if (isShown) this.#view.remark({ ...remark, who });
  }

  #isShown({ label, user, address }: Device): boolean {
    const only = this.#only;
    if (only === undefined) return true;
    return label === only || user === only || (address !== undefined && isAddress(address, only));
  }

  #isNamed(who: string): boolean {
    const only = this.#only;
    if (only === undefined || this.#ofOnly.has(who)) return true;
    return who.replace(/#\d+$/, "") === only.replace(/#\d+$/, "") || isAddress(who, only);
  }
}

/** `192.0.2.7`, `192.0.2.7:5062` and `192.0.2.7:5062/udp` name it. */
function isAddress(address: string, named: string): boolean {
  const [hostPort = ""] = address.split("/");
  const host = hostPort.replace(/:\d+$/, "");
  return [address, hostPort, host, host.replace(/^\[(.*)\]$/, "$1")].includes(named);
}

function isAtLeast(event: LogEvent | undefined, level: string): boolean {
  if (event === undefined) return true;
  return level !== "silent" && LEVELS.indexOf(event.level) >= LEVELS.indexOf(level);
}
