// The lab: three nodes as three processes, the figures as they happen.
import { fileURLToPath } from "node:url";
import type { Clock } from "@ims-lab/common/platform/clock";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { hepCollector } from "@ims-lab/common/trace/hep-socket";
import { accountLines, shippedAccounts } from "./accounts.ts";
import { type ChildNode, startChild } from "./child-node.ts";
import { type Figure, figurePlan } from "./figures.ts";
import { LAB_HOST, type LabPorts, labPorts, nodeEnvironments } from "./node-environments.ts";
import type { LabOptions } from "./options.ts";
import { isRegistrationCheck, type Place, Sightings } from "./sightings.ts";
import { Stage } from "./stage.ts";
import { type Terminal, View } from "./view.ts";

export interface LabTools {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves when the user wants the lab to end. */
  readonly interrupted: Promise<void>;
}

/** How long the messages of one stage may take. */
const STAGE_SECONDS = 20;

/** Runs the lab; resolves with the exit code. */
export async function runLab(options: LabOptions, tools: LabTools): Promise<number> {
  const lab = new Lab(options, tools);
  try {
    const interrupted = tools.interrupted.then(() => (options.demo ? INTERRUPTED : 0));
    return await Promise.race([runToEnd(lab, options), interrupted]);
  } catch (problem) {
    lab.view.say(problem instanceof Error ? problem.message : String(problem));
    return 1;
  } finally {
    await lab.stop();
  }
}

/** A demo that Ctrl-C has ended has shown nothing. */
const INTERRUPTED = 130;

async function runToEnd(lab: Lab, { demo }: LabOptions): Promise<number> {
  await lab.start();
  const passed = await lab.showFigures();
  if (demo) return passed ? 0 : 1;
  lab.explain();
  return await lab.untilDeath();
}

class Lab {
  readonly view: View;
  readonly #options: LabOptions;
  readonly #tools: LabTools;
  readonly #ports: LabPorts;
  readonly #nodes: ChildNode[] = [];
  #stage: Stage | undefined;
  #closeCollector: () => Promise<void> = () => Promise.resolve();

  constructor(options: LabOptions, tools: LabTools) {
    this.#options = options;
    this.#tools = tools;
    this.#ports = labPorts(options.portOffset);
    this.view = new View(tools.terminal);
  }

  /** The S-CSCF first, the UE last: it registers as soon as it is there. */
  async start(): Promise<void> {
    const { registration } = figurePlan(this.#options);
    const sightings = this.#sightings();
    const collector = await hepCollector({ host: LAB_HOST, port: 0 }, (m) => sightings.report(m));
    this.#closeCollector = () => collector.close();
    const hep = formatHostPort(collector.local);
    const environments = nodeEnvironments(this.#options, this.#ports, hep);
    this.view.say("Starting S-CSCF, P-CSCF and UE …");
    await this.#startNode("scscf", environments.scscf);
    await this.#startNode("pcscf", environments.pcscf);
    this.#stage = new Stage(registration, this.#tools.clock, STAGE_SECONDS);
    await this.#startNode("ue", environments.ue);
  }

  /** True when every figure of the profile has passed. */
  async showFigures(): Promise<boolean> {
    const { byServing, byProxy } = figurePlan(this.#options);
    const results = [await this.#endOfStage()];
    results.push(await this.#trigger(byServing, "S-CSCF", this.#ports.scscfHttp));
    if (byProxy !== undefined)
      results.push(await this.#trigger(byProxy, "P-CSCF", this.#ports.pcscfHttp));
    else this.view.say("Figure 5 has no counterpart in TS 24.229: only the S-CSCF can ask.");
    return results.every(Boolean);
  }

  explain(): void {
    const { access, scscfHttp, pcscfHttp, ueHttp } = this.#ports;
    const { impu } = shippedAccounts().aka;
    this.view.heading("The lab stays up; Ctrl-C ends it.");
    for (const line of [
      `Point a device at the P-CSCF, sip:${LAB_HOST}:${access} (UDP or TCP). Accounts:`,
      ...accountLines({ host: LAB_HOST, port: access }).map((account) => `  ${account}`),
      "Make a user authenticate again, from the S-CSCF or from the P-CSCF:",
      `  npm run imslab -- reauth ${impu}${this.#urlOptions()}`,
      `  npm run imslab -- reauth --from pcscf ${impu}${this.#urlOptions()}`,
      `HTTP: S-CSCF http://${LAB_HOST}:${scscfHttp}, P-CSCF http://${LAB_HOST}:${pcscfHttp}, UE http://${LAB_HOST}:${ueHttp}; each has /openapi.json`,
      "",
    ])
      this.view.say(line);
  }

  /** What imslab must be told when the nodes are not where it looks for them. */
  #urlOptions(): string {
    if (this.#options.portOffset === 0) return "";
    const { scscfHttp, pcscfHttp } = this.#ports;
    return ` --url http://${LAB_HOST}:${scscfHttp} --pcscf-url http://${LAB_HOST}:${pcscfHttp}`;
  }

  /** Rejects when a node dies. */
  untilDeath(): Promise<never> {
    const deaths = this.#nodes.map(async ({ name, ended }): Promise<never> => {
      throw new Error(`${name} ended with code ${await ended}`);
    });
    return Promise.race(deaths);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await this.#closeCollector();
  }

  #sightings(): Sightings {
    const { access, core, serving } = this.#ports;
    const known = new Map<string, Place>([
      [`${LAB_HOST}:${access}`, "P-CSCF"],
      [`${LAB_HOST}:${core}`, "P-CSCF"],
      [`${LAB_HOST}:${serving}`, "S-CSCF"],
    ]);
    return new Sightings({
      known,
      clock: this.#tools.clock,
      onSeen: (seen) => {
        if (!isRegistrationCheck(seen)) this.view.message(seen, this.#stage?.take(seen));
      },
    });
  }

  async #startNode(name: "scscf" | "pcscf" | "ue", env: Record<string, string>): Promise<void> {
    const program = fileURLToPath(new URL(`../../../${name}/src/main.ts`, import.meta.url));
    const node = startChild({
      name,
      program,
      env: { ...this.#tools.env, ...env },
      onLine: (line, stream) => this.#onLine(name, line, stream),
    });
    this.#nodes.push(node);
    this.view.say(await node.ready);
  }

  /** Complaints always, the log when asked for. */
  #onLine(name: string, line: string, stream: "log" | "complaint"): void {
    if (stream === "log" && this.#options.verbose) this.view.say(`${name}  ${line}`);
    if (stream === "complaint" && this.#stage !== undefined) this.view.say(`${name}: ${line}`);
  }

  async #endOfStage(): Promise<boolean> {
    const stage = this.#stage;
    if (stage === undefined) return false;
    await Promise.race([stage.over, this.untilDeath()]);
    this.view.verdict(stage);
    return stage.hasPassed;
  }

  async #trigger(figure: Figure, node: string, httpPort: number): Promise<boolean> {
    this.#stage = new Stage([figure], this.#tools.clock, STAGE_SECONDS);
    this.view.heading(`An operator asks the ${node} to make the user authenticate again …`);
    const impu = encodeURIComponent(shippedAccounts().aka.impu);
    const url = `http://${LAB_HOST}:${httpPort}/registrations/${impu}/reauthenticate`;
    const answer = await this.#tools.fetch(url, { method: "POST" });
    if (!answer.ok) this.view.say(`${node} answered ${answer.status}: ${await answer.text()}`);
    return await this.#endOfStage();
  }
}
