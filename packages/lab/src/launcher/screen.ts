// The screen of a running lab: messages and remarks, of one device only with `--only`.
import type { Clock } from "@ims-lab/common/platform/clock";
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";
import { type Device, Devices } from "./devices.ts";
import { type LogEvent, LogRemarks, parseLogLine } from "./log-remarks.ts";
import { isRegistrationCheck, type ObservedMessage } from "./message-correlator.ts";
import { MisdirectedRequests } from "./misdirected.ts";
import type { LabPorts } from "./node-environments.ts";
import type { LabOptions } from "./options.ts";
import { type Remark, RemarkQueue } from "./remark-queue.ts";
import type { PassedStep } from "./scenario-run.ts";
import type { SubscriberEntry } from "./subscribers-file.ts";
import type { TerminalOutput } from "./terminal-output.ts";
import { UserNames } from "./user-names.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error"];
/** Hosts with a remark on the other IP version, one each. */
const MOST_OTHER_VERSION = 100;

export class Screen {
  readonly #output: TerminalOutput;
  readonly #verbose: boolean;
  readonly #only: string | undefined;
  readonly #userNames: UserNames;
  readonly #devices: Devices;
  readonly #logRemarks: LogRemarks;
  readonly #remarkQueue: RemarkQueue;
  readonly #misdirected: MisdirectedRequests;
  readonly #introduced = new Set<string>();
  /** What the device of `--only` is called: an address alone does not tell it to the logs. */
  readonly #ofOnly = new Set<string>();
  readonly #otherVersionHosts = new Set<string>();
  #ueAddress: string | undefined;
  #isClosed = false;

  constructor(options: {
    readonly output: TerminalOutput;
    readonly clock: Clock;
    readonly ports: LabPorts;
    readonly options: Pick<LabOptions, "verbose" | "only">;
    readonly subscribers: readonly SubscriberEntry[];
  }) {
    const { output, clock, ports, subscribers } = options;
    const { verbose, only } = options.options;
    this.#output = output;
    this.#verbose = verbose;
    this.#userNames = new UserNames(subscribers);
    this.#only = only === undefined ? undefined : (this.#userNames.known(only) ?? only);
    this.#devices = new Devices(this.#userNames);
    this.#logRemarks = new LogRemarks(this.#userNames, this.#devices);
    this.#remarkQueue = new RemarkQueue(clock, (remark) => this.#remark(remark));
    this.#misdirected = new MisdirectedRequests(ports);
  }

  message(seen: ObservedMessage, step: PassedStep | undefined): void {
    const device = this.#devices.of(seen);
    if (seen.from === "UE" || seen.to === "UE") this.#ueAddress = device.address;
    const isOwnCheck = device.address === this.#ueAddress && isRegistrationCheck(seen);
    if (this.#isShown(device) && !isOwnCheck) {
      if (this.#only !== undefined) this.#ofOnly.add(device.label);
      this.#introduce(device);
      this.#output.message(seen, device, step);
    }
    const wrongPort = this.#misdirected.check(seen);
    if (wrongPort !== undefined) this.#remark(wrongPort);
    this.#remarkQueue.shown(seen, device);
  }

  /** @param level the least important that `--verbose` shows */
  log(node: string, line: string, level: string): void {
    const event = parseLogLine(line);
    if (this.#verbose && isAtLeast(event, level)) this.#output.say(`${node}  ${line}`, 2);
    const remark = event && this.#logRemarks.of(node, event);
    if (remark !== undefined) this.#remarkQueue.add(remark);
  }

  /** No remark follows: the nodes are ended on purpose. */
  close(): void {
    this.#isClosed = true;
  }

  otherIpVersion(from: string, at: string, access: HostPort): void {
    const host = from.replace(/:\d+\/\w+$/, "");
    if (this.#otherVersionHosts.has(host) || this.#otherVersionHosts.size >= MOST_OTHER_VERSION)
      return;
    this.#otherVersionHosts.add(host);
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
    if (isShown) this.#output.remark({ ...remark, who });
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
