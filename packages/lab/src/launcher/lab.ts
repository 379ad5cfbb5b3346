// The lab: three nodes as three processes, the figures as they happen.
import { networkInterfaces } from "node:os";
import { fileURLToPath } from "node:url";
import type { Clock } from "@ims-lab/common/platform/clock";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { hepCollector } from "@ims-lab/common/trace/hep-socket";
import type { Environment, Terminal } from "../terminal.ts";
import { type AkaAccount, ueAccount } from "./accounts.ts";
import { type ChildNode, NotReady, startChild } from "./child-node.ts";
import { inLaunchersWords } from "./complaints.ts";
import { explanation, withoutUe } from "./explanation.ts";
import { type Figure, figurePlan } from "./figures.ts";
import { hepForwarder } from "./hep-forwarder.ts";
import { listenersOf } from "./listeners.ts";
import {
  LAB_HOST,
  type LabPorts,
  labPorts,
  type NodeName,
  nodeEnvironments,
  replacedVariables,
} from "./node-environments.ts";
import type { LabOptions } from "./options.ts";
import { listenToOtherFamily } from "./other-family.ts";
import { type OwnUsers, ownUsers } from "./own-users.ts";
import { Screen } from "./screen.ts";
import { Sightings } from "./sightings.ts";
import { Stage } from "./stage.ts";
import { View } from "./view.ts";

export interface LabTools {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly env: Environment;
  /** Resolves when the user wants the lab to end. */
  readonly interrupted: Promise<void>;
}

/** How long the messages of one stage may take, beside what a UE may wait. */
const STAGE_SECONDS = 20;

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
    for (const line of textOf(problem).split("\n")) lab.view.say(line, 2);
    if (problem instanceof NotReady) code = problem.exitCode;
    why = "the lab could not run";
  }
  await lab.stop();
  if (options.demo) lab.view.result(code === 0, code === 0 ? "all messages passed in order" : why);
  return code;
}

function textOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}

/** A demo that Ctrl-C has ended has shown nothing. */
const INTERRUPTED = 130;

async function runToEnd(lab: Lab, { demo }: LabOptions): Promise<number> {
  await lab.start();
  if (demo) return (await lab.showFigures()) ? 0 : 1;
  // A figure that takes minutes does not keep anybody from reading how to go on.
  if (!lab.isSlow) await lab.showFigures();
  lab.explain();
  if (lab.isSlow) await lab.showFigures();
  return await lab.untilDeath();
}

class Lab {
  readonly view: View;
  readonly #options: LabOptions;
  readonly #tools: LabTools;
  readonly #ports: LabPorts;
  readonly #users: OwnUsers;
  /** Undefined: no UE of the lab's, so no figures. */
  readonly #ue: AkaAccount | undefined;
  readonly #screen: Screen;
  readonly #sightings: Sightings;
  readonly #nodes: ChildNode[] = [];
  readonly #closers: (() => unknown)[] = [];
  #stage: Stage | undefined;

  constructor(options: LabOptions, tools: LabTools) {
    const { terminal, clock, env } = tools;
    this.#options = options;
    this.#tools = tools;
    this.#ports = labPorts(options.portOffset);
    this.#users = ownUsers(options, env);
    this.#closers.push(() => this.#users.close());
    this.#ue = options.ue ? ueAccount(this.#users.subscribers) : undefined;
    this.view = new View(terminal, env);
    const { subscribers } = this.#users;
    this.#screen = new Screen({ view: this.view, clock, ports: this.#ports, options, subscribers });
    this.#sightings = new Sightings({
      known: new Map(),
      clock,
      onSeen: (seen) => this.#screen.message(seen, this.#stage?.take(seen)),
    });
  }

  /** Whether the UE may take minutes until it obeys: half of N (TS 24.229 §5.1.1.5.1). */
  get isSlow(): boolean {
    return this.#ue !== undefined && this.#patienceSeconds > STAGE_SECONDS;
  }

  /** The S-CSCF first, the UE last: it registers as soon as it is there. */
  async start(): Promise<void> {
    const { clock, env } = this.#tools;
    const forward = hepForwarder(this.#options.hep);
    const collector = await hepCollector({ host: LAB_HOST, port: 0 }, (traced) => {
      forward.trace(traced);
      this.#sightings.report(traced);
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
      networks: ownNetworks(),
    });
    for (const line of replacedVariables(environments, env)) this.view.say(line, 2);
    if (this.#options.ue && this.#ue === undefined && this.#users.subscribers.length > 0)
      this.view.say(withoutUe(this.#users.shownFile, this.#users.domain), 2);
    this.view.say(`Starting S-CSCF, P-CSCF${this.#ue === undefined ? "" : " and UE"} …`);
    await this.#startNode("scscf", environments.scscf);
    await this.#startNode("pcscf", environments.pcscf);
    this.#closers.push(this.#listenToOtherFamily());
    if (this.#ue === undefined) return;
    this.#stage = new Stage(figurePlan(this.#options).registration, clock, STAGE_SECONDS);
    await this.#startNode("ue", environments.ue);
  }

  /** True when every figure of the profile has passed. */
  async showFigures(): Promise<boolean> {
    if (this.#ue === undefined) return false;
    const { byServing, byProxy } = figurePlan(this.#options);
    const results = [await this.#endOfStage()];
    results.push(await this.#trigger(byServing, "S-CSCF", this.#ports.scscfHttp, this.#ue));
    if (byProxy !== undefined)
      results.push(await this.#trigger(byProxy, "P-CSCF", this.#ports.pcscfHttp, this.#ue));
    else this.view.say("Figure 5 has no counterpart in TS 24.229: only the S-CSCF can ask.");
    return results.every(Boolean);
  }

  explain(): void {
    this.view.heading("The lab stays up; Ctrl-C ends it.");
    const { subscribers, domain } = this.#users;
    const lines = explanation({
      ports: this.#ports,
      options: this.#options,
      subscribers,
      domain,
      ue: this.#ue,
      addresses: ownNetworks().map((cidr) => cidr.split("/")[0] ?? ""),
    });
    for (const line of lines) {
      if (line.isCopied) this.view.sayWhole(line.text);
      else this.view.say(line.text, 2);
    }
  }

  /** Rejects when a node dies. */
  untilDeath(): Promise<never> {
    const deaths = this.#nodes.map(async ({ name, ended }): Promise<never> => {
      throw new Error(`${name} ended with code ${await ended}`);
    });
    return Promise.race(deaths);
  }

  async stop(): Promise<void> {
    this.#screen.close();
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await Promise.all(this.#closers.map((close) => close()));
  }

  #listenToOtherFamily(): () => void {
    const { host } = this.#options;
    const access = { host, port: this.#ports.access };
    return listenToOtherFamily(access, (from, at) => this.#screen.otherFamily(from, at, access));
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
        else if (this.#stage !== undefined) this.view.say(`${name}: ${line}`, 2);
      },
    });
    this.#nodes.push(node);
    const ready = await node.ready.catch((problem: unknown) => {
      if (!(problem instanceof NotReady)) throw problem;
      const said = inLaunchersWords(problem.message, new Set(Object.keys(variables)));
      throw new NotReady(said, problem.exitCode);
    });
    this.view.say(ready, 2);
    const addresses = ownNetworks().map((cidr) => cidr.split("/")[0] ?? "");
    for (const listener of listenersOf(ready, addresses))
      if (name !== "ue") {
        const place = name === "pcscf" ? "P-CSCF" : "S-CSCF";
        this.#sightings.listens(listener, place, listener.transport);
      }
  }

  async #endOfStage(): Promise<boolean> {
    const stage = this.#stage;
    if (stage === undefined) return false;
    await Promise.race([stage.over, this.untilDeath()]);
    this.view.verdict(stage);
    return stage.hasPassed;
  }

  /** How long a UE that is asked may take: at once in the document's procedure, half of N in the standard's. */
  get #patienceSeconds(): number {
    const { profile, fast } = this.#options;
    if (profile === "seed" || fast) return STAGE_SECONDS;
    const n = Number(this.#tools.env["SCSCF_REAUTHENTICATION_DEADLINE_SECONDS"] || 600);
    return Math.max(STAGE_SECONDS, n / 2 + STAGE_SECONDS);
  }

  async #trigger(figure: Figure, node: string, httpPort: number, ue: AkaAccount): Promise<boolean> {
    const seconds = this.#patienceSeconds;
    this.view.heading(`An operator asks the ${node} to make the user authenticate again …`);
    if (seconds > STAGE_SECONDS)
      this.view.say(
        `The UE may take ${seconds - STAGE_SECONDS} s, half of N, as TS 24.229 has it; --fast makes that 4 s.`,
      );
    this.#stage = new Stage([figure], this.#tools.clock, seconds);
    const url = `http://${LAB_HOST}:${httpPort}/registrations/${encodeURIComponent(ue.impu)}/reauthenticate`;
    const token = this.#tools.env[`${node.replace("-", "")}_HTTP_TOKEN`];
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await this.#tools.fetch(url, { method: "POST", headers });
    if (!answer.ok) {
      this.view.say(`${node} answered ${answer.status}: ${await answer.text()}`);
      this.#stage = undefined;
      this.view.say(`Figure ${figure.label}: nobody was asked`);
      return false;
    }
    return await this.#endOfStage();
  }
}

/** Each address of this machine with its network: `192.0.2.10/24`. */
function ownNetworks(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .flatMap(({ cidr }) => cidr ?? []);
}
