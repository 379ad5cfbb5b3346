// The lab: three nodes as three processes, the figures as they happen.

import { networkInterfaces } from "node:os";
import { fileURLToPath } from "node:url";
import type { Clock } from "@ims-lab/common/platform/clock";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { hepCollector } from "@ims-lab/common/trace/hep-socket";
import type { Environment, Terminal } from "../terminal.ts";
import { type AkaAccount, ueAccount } from "./accounts.ts";
import { type ChildNode, describeStartFailure, NotReady, startChild } from "./child-node.ts";
import { FigureRules } from "./figure-rules.ts";
import { type Figure, figurePlan } from "./figures.ts";
import { hepForwarder } from "./hep-forwarder.ts";
import { instructions, withoutUe } from "./instructions.ts";
import { type LabUsers, labUsers } from "./lab-users.ts";
import { listenersOf } from "./listeners.ts";
import { MessageCorrelator } from "./message-correlator.ts";
import { watchOtherIpVersion } from "./misdirected.ts";
import {
  LAB_HOST,
  type LabPorts,
  labPorts,
  type NodeName,
  nodeEnvironments,
  replacedVariables,
  ueCardOf,
} from "./node-environments.ts";
import type { LabOptions } from "./options.ts";
import { ScenarioRun } from "./scenario-run.ts";
import { Screen } from "./screen.ts";
import { TerminalOutput } from "./terminal-output.ts";

export interface LabTools {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly env: Environment;
  /** Resolves when the user wants the lab to end. */
  readonly interrupted: Promise<void>;
}

/** How long the messages of one run may take, beside the time that a UE may wait. */
const RUN_SECONDS = 20;

/** Runs the lab; resolves with the exit code. */
export async function runLab(options: LabOptions, tools: LabTools): Promise<number> {
  const lab = new Lab(options, tools);
  let code = 1;
  let why = "see above";
  try {
    const interrupted = tools.interrupted.then(() => (options.demo ? INTERRUPTED : 0));
    code = await Promise.race([runToEnd(lab, options), interrupted]);
    if (code === INTERRUPTED) why = "interrupted";
  } catch (problem) {
    for (const line of reasonOf(problem).split("\n")) lab.output.say(line, 2);
    if (problem instanceof NotReady) code = problem.exitCode;
    why = "the lab could not run";
  }
  await lab.stop();
  if (options.demo)
    lab.output.result(code === 0, code === 0 ? "all messages passed in order" : why);
  return code;
}

/** Exit code of a demo that Ctrl-C has ended: it has passed nothing. */
const INTERRUPTED = 130;

async function runToEnd(lab: Lab, { demo }: LabOptions): Promise<number> {
  await lab.start();
  if (demo) return (await lab.showFigures()) ? 0 : 1;
  // A figure that takes minutes comes behind the instructions.
  if (!lab.isSlow) await lab.showFigures();
  lab.explain();
  if (lab.isSlow) await lab.showFigures();
  return await lab.untilNodeEnds();
}

class Lab {
  readonly output: TerminalOutput;
  readonly #options: LabOptions;
  readonly #tools: LabTools;
  readonly #ports: LabPorts;
  readonly #users: LabUsers;
  /** Undefined: no UE of the lab's, so no figures. */
  readonly #ue: AkaAccount | undefined;
  readonly #screen: Screen;
  readonly #correlator: MessageCorrelator;
  readonly #nodes: ChildNode[] = [];
  readonly #closers: (() => unknown)[] = [];
  readonly #figureRules: FigureRules;
  #run: ScenarioRun | undefined;

  constructor(options: LabOptions, tools: LabTools) {
    const { terminal, clock, env } = tools;
    this.#options = options;
    this.#tools = tools;
    this.#ports = labPorts(options.portOffset);
    this.#users = labUsers(options, env);
    this.#closers.push(() => this.#users.close());
    this.#ue = options.ue ? ueAccount(this.#users.subscribers, this.#users.ueUser) : undefined;
    this.output = new TerminalOutput(terminal, env);
    this.#figureRules = new FigureRules({
      rules: options.networkRules,
      ports: this.#ports,
      env,
      fetch: tools.fetch,
    });
    const { subscribers } = this.#users;
    this.#screen = new Screen({
      output: this.output,
      clock,
      ports: this.#ports,
      options,
      subscribers,
    });
    this.#correlator = new MessageCorrelator({
      known: new Map(),
      clock,
      onSeen: (seen) => this.#screen.message(seen, this.#run?.take(seen)),
    });
  }

  /** Whether the UE may take minutes until it obeys: half of N (TS 24.229 §5.1.1.5.1). */
  get isSlow(): boolean {
    return this.#ue !== undefined && this.#patienceSeconds > RUN_SECONDS;
  }

  /** The S-CSCF first, the UE last: it registers as soon as it is there. */
  async start(): Promise<void> {
    const { clock, env } = this.#tools;
    const forward = hepForwarder(this.#options.hep);
    const collector = await hepCollector({ host: LAB_HOST, port: 0 }, (traced) => {
      forward.trace(traced);
      this.#correlator.report(traced);
    });
    this.#closers.push(
      () => collector.close(),
      () => forward.close(),
    );
    const environments = nodeEnvironments(this.#options, {
      ports: this.#ports,
      hep: formatHostPort(collector.local),
      subscribers: this.#users.file,
      ue: this.#ue,
      ueCard: ueCardOf(this.#options, env),
      networks: ownNetworks(),
    });
    for (const line of replacedVariables(environments, env)) this.output.say(line, 2);
    if (this.#options.ue && this.#ue === undefined && this.#users.subscribers.length > 0)
      this.output.say(withoutUe(this.#users), 2);
    this.output.say(`Starting S-CSCF, P-CSCF${this.#ue === undefined ? "" : " and UE"} …`);
    await this.#startNode("scscf", environments.scscf);
    await this.#startNode("pcscf", environments.pcscf);
    this.#closers.push(this.#watchOtherIpVersion());
    if (this.#ue === undefined) return;
    const { registration } = figurePlan(this.#options);
    this.#run = new ScenarioRun(registration, clock, RUN_SECONDS, (figure) =>
      this.#endRules(figure),
    );
    await this.#startNode("ue", environments.ue);
  }

  /** True when every figure of the profile has passed. */
  async showFigures(): Promise<boolean> {
    if (this.#ue === undefined) return false;
    const { byServing, byProxy } = figurePlan(this.#options);
    const results = [await this.#endOfRun()];
    results.push(await this.#trigger(byServing, "S-CSCF", this.#ports.scscfHttp, this.#ue));
    if (byProxy !== undefined)
      results.push(await this.#trigger(byProxy, "P-CSCF", this.#ports.pcscfHttp, this.#ue));
    else this.output.say("Figure 5 has no counterpart in TS 24.229: only the S-CSCF can ask.");
    return results.every(Boolean);
  }

  explain(): void {
    this.output.heading("The lab stays up; Ctrl-C ends it.");
    const { subscribers, domain } = this.#users;
    const lines = instructions({
      ueUser: this.#users.ueUser,
      ports: this.#ports,
      options: this.#options,
      subscribers,
      domain,
      ue: this.#ue,
      addresses: ownNetworks().map((cidr) => cidr.split("/")[0] ?? ""),
    });
    for (const line of lines) {
      if (line.isCopied) this.output.sayWhole(line.text);
      else this.output.say(line.text, 2);
    }
  }

  /** Rejects when a node ends. */
  untilNodeEnds(): Promise<never> {
    const ends = this.#nodes.map(async ({ name, ended }): Promise<never> => {
      throw new Error(`${name} ended with code ${await ended}`);
    });
    return Promise.race(ends);
  }

  async stop(): Promise<void> {
    this.#screen.close();
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await Promise.all(this.#closers.map((close) => close()));
  }

  #watchOtherIpVersion(): () => void {
    const { host } = this.#options;
    const access = { host, port: this.#ports.access };
    return watchOtherIpVersion(access, (from, at) => this.#screen.otherIpVersion(from, at, access));
  }

  async #startNode(name: NodeName, variables: Readonly<Record<string, string>>): Promise<void> {
    const prefix = name.toUpperCase();
    const { env } = this.#tools;
    const shownLevel = env[`${prefix}_LOG_LEVEL`] || "info";
    // The screen is fed from all of the log, whatever of it is shown.
    const log = { [`${prefix}_LOG_LEVEL`]: "debug", [`${prefix}_LOG_FORMAT`]: "json" };
    const node = startChild({
      name,
      program: fileURLToPath(new URL(`../../../${name}/src/main.ts`, import.meta.url)),
      env: { ...env, ...variables, ...log },
      onLine: (line, stream) => {
        if (stream === "log") this.#screen.log(name, line, shownLevel);
        else if (this.#run !== undefined) this.output.say(`${name}: ${line}`, 2);
      },
    });
    this.#nodes.push(node);
    const ready = await node.ready.catch((problem: unknown) => {
      if (!(problem instanceof NotReady)) throw problem;
      const message = describeStartFailure(problem.message, new Set(Object.keys(variables)));
      throw new NotReady(message, problem.exitCode);
    });
    this.output.say(ready, 2);
    const addresses = ownNetworks().map((cidr) => cidr.split("/")[0] ?? "");
    for (const listener of listenersOf(ready, addresses))
      if (name !== "ue") {
        const place = name === "pcscf" ? "P-CSCF" : "S-CSCF";
        this.#correlator.listens(listener, place, listener.transport);
      }
  }

  async #endOfRun(): Promise<boolean> {
    const run = this.#run;
    if (run === undefined) return false;
    await Promise.race([run.over, this.untilNodeEnds()]);
    this.output.verdict(run);
    for (const { figure } of run.progress) await this.#figureRules.end(figure);
    return run.hasPassed;
  }

  /** At the end of the run it is tried again, and told. */
  #endRules(figure: Figure): void {
    this.#figureRules.end(figure).catch(() => undefined);
  }

  /** How long a UE that is asked may take: at once in the document's procedure, half of N in the standard's. */
  get #patienceSeconds(): number {
    const { profile, fast } = this.#options;
    if (profile === "seed" || fast) return RUN_SECONDS;
    const n = Number(this.#tools.env["SCSCF_REAUTHENTICATION_DEADLINE_SECONDS"] || 600);
    return Math.max(RUN_SECONDS, n / 2 + RUN_SECONDS);
  }

  async #trigger(figure: Figure, node: string, httpPort: number, ue: AkaAccount): Promise<boolean> {
    const seconds = this.#patienceSeconds;
    this.output.heading(`An operator asks the ${node} to make the user authenticate again …`);
    if (seconds > RUN_SECONDS)
      this.output.say(
        `The UE may take ${seconds - RUN_SECONDS} s, half of N, as TS 24.229 has it; --fast makes that 4 s.`,
      );
    await this.#figureRules.begin(figure);
    this.#run = new ScenarioRun([figure], this.#tools.clock, seconds);
    const url = `http://${LAB_HOST}:${httpPort}/registrations/${encodeURIComponent(ue.impu)}/reauthenticate`;
    const token = this.#tools.env[`${node.replace("-", "")}_HTTP_TOKEN`];
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await this.#tools.fetch(url, { method: "POST", headers });
    if (!answer.ok) {
      this.output.say(`${node} answered ${answer.status}: ${await answer.text()}`);
      this.#run = undefined;
      await this.#figureRules.end(figure);
      this.output.say(`Figure ${figure.label}: nobody was asked`);
      return false;
    }
    return await this.#endOfRun();
  }
}

/** Each address of this machine with its network: `192.0.2.10/24`. */
function ownNetworks(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .flatMap(({ cidr }) => cidr ?? []);
}
