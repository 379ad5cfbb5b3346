// Rules of the network that hold while one figure is played: put at the node that sends, and ended when the figure has passed.
import {
  type NetworkRule,
  networkSetting,
  type Place,
  ruleText,
} from "@ims-lab/common/faults/network-rule";
import type { Environment } from "../terminal.ts";
import type { Figure } from "./figures.ts";
import { LAB_HOST, type LabPorts, type NodeName } from "./node-environments.ts";
import { numberOf, PLACES } from "./rule-in-figure.ts";

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
