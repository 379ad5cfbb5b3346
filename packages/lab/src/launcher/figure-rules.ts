// Rules of the network that hold while one figure is played: put at the node that sends, and ended when the figure has passed.
import {
  type FigureNumber,
  isAbout,
  type NetworkRule,
  networkSetting,
  type Place,
  ruleText,
} from "@ims-lab/common/faults/network-rule";
import type { Environment } from "../terminal.ts";
import { type Figure, type FigureOptions, figurePlan, type Step } from "./figures.ts";
import type { Participant } from "./message-correlator.ts";
import { LAB_HOST, type LabPorts, type NodeName } from "./node-environments.ts";

/** What a rule would never act on; undefined: its figure has such a message. */
export function whyNever(rule: NetworkRule, options: FigureOptions): string | undefined {
  if (rule.figure === undefined) return undefined;
  const figure = figureOf(rule.figure, options);
  if (figure === undefined) return `Figure ${rule.figure} has no counterpart in TS 24.229`;
  const meant = figure.steps.filter((step) => isOfStep(rule, step));
  if (meant.length > 0) return undefined;
  const names = new Set(figure.steps.filter((step) => isOfHop(rule, step)).map(nameOf));
  const there = names.size === 0 ? "nothing" : [...names].join(", ");
  return `Figure ${figure.label} has no such message; ${rule.from}>${rule.to} has ${there}`;
}

function figureOf(number: FigureNumber, options: FigureOptions): Figure | undefined {
  const { registration, byServing, byProxy } = figurePlan(options);
  const all = [...registration, byServing, ...(byProxy === undefined ? [] : [byProxy])];
  return all.find(({ label }) => numberOf(label) === number);
}

/** `4 of TS 24.229` stands in for Figure 4. */
function numberOf(label: string): string {
  return label.charAt(0);
}

const PLACES: Readonly<Record<Place, Participant>> = { U: "UE", P: "P-CSCF", S: "S-CSCF" };

/** What goes all the way is met at its sender. */
function isOfHop({ from, to }: NetworkRule, step: Step): boolean {
  const isAllTheWay = from !== "P" && to !== "P";
  return step.from === PLACES[from] && step.to === (isAllTheWay ? "P-CSCF" : PLACES[to]);
}

function isOfStep(rule: NetworkRule, step: Step): boolean {
  return isOfHop(rule, step) && isAbout(rule, step.method, step.status);
}

function nameOf({ method, status }: Step): string {
  return status === undefined ? method : `${status} ${method}`;
}

const NODES: Readonly<Record<Place, NodeName>> = { U: "ue", P: "pcscf", S: "scscf" };

export class FigureRules {
  readonly #rules: readonly NetworkRule[];
  readonly #ports: LabPorts;
  readonly #env: Environment;
  readonly #fetch: typeof fetch;

  constructor(options: {
    readonly rules: readonly NetworkRule[];
    readonly ports: LabPorts;
    readonly env: Environment;
    readonly fetch: typeof fetch;
  }) {
    this.#rules = options.rules;
    this.#ports = options.ports;
    this.#env = options.env;
    this.#fetch = options.fetch;
  }

  /** Counts begin with the figure. Rejects where a node does not take a rule. */
  async begin(figure: Figure): Promise<void> {
    for (const rule of this.#of(figure)) await this.#send("PUT", rule);
  }

  async end(figure: Figure): Promise<void> {
    for (const rule of this.#of(figure)) await this.#send("DELETE", rule);
  }

  #of({ label }: Figure): readonly NetworkRule[] {
    return this.#rules.filter(({ figure }) => figure === numberOf(label));
  }

  async #send(method: "PUT" | "DELETE", rule: NetworkRule): Promise<void> {
    const node = NODES[rule.from];
    const port = this.#ports[`${node}Http`];
    const path = encodeURIComponent(networkSetting(rule));
    const token = this.#env[`${node.toUpperCase()}_HTTP_TOKEN`];
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await this.#fetch(`http://${LAB_HOST}:${port}/network-faults/${path}`, {
      method,
      headers,
    });
    const isOver = method === "DELETE" && answer.status === 404;
    if (!answer.ok && !isOver)
      throw new Error(
        `${rule.action} "${ruleText(rule)}": the ${PLACES[rule.from]} answered ${answer.status}: ${await answer.text()}`,
      );
  }
}
