// Devices that speak SIP to a port of the core: the ladder shows where their requests arrive.
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import type { LabPorts } from "./node-environments.ts";
import type { Remark } from "./remarks.ts";
import type { Sighting } from "./sightings.ts";

/** Hosts that have been told. */
const MOST = 1_000;

export class WrongPorts {
  readonly #ports: LabPorts;
  readonly #told = new Set<string>();

  constructor(ports: LabPorts) {
    this.#ports = ports;
  }

  /** Once for each host. */
  check({ from, to, message, hop }: Sighting): Remark | undefined {
    const { core, access, serving } = this.#ports;
    const { port } = hop.to;
    if (from !== "stranger" || message.kind !== "request") return undefined;
    if (port !== core && port !== serving) return undefined;
    if (this.#told.has(hop.from.host) || this.#told.size >= MOST) return undefined;
    this.#told.add(hop.from.host);
    const node = to === "S-CSCF" ? "the S-CSCF" : "the P-CSCF's core side";
    return {
      tone: "bad",
      who: `${formatHostPort(hop.from)}/${hop.transport}`,
      text: `: port ${port} is ${node}, for the network's own nodes; devices use port ${access}`,
    };
  }
}
