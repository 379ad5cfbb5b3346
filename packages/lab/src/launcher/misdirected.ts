// Devices that send to a core port, or by the IP version that the P-CSCF does not listen on.
import { isLoopback } from "@ims-lab/common/platform/ip-address";
import { noticeKnocks } from "@ims-lab/common/sip/transport/knocks";
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";
import type { ObservedMessage } from "./message-correlator.ts";
import type { LabPorts } from "./node-environments.ts";
import type { Remark } from "./remark-queue.ts";

/** Hosts with a remark; the next ones get none. */
const MOST_HOSTS = 1_000;

export class MisdirectedRequests {
  readonly #ports: LabPorts;
  readonly #remarked = new Set<string>();

  constructor(ports: LabPorts) {
    this.#ports = ports;
  }

  /** A remark on a request of a device to a core port, once for each host. */
  check({ from, to, message, hop }: ObservedMessage): Remark | undefined {
    const { core, access, serving } = this.#ports;
    const { port } = hop.to;
    if (from !== "stranger" || message.kind !== "request") return undefined;
    if (port !== core && port !== serving) return undefined;
    if (this.#remarked.has(hop.from.host) || this.#remarked.size >= MOST_HOSTS) return undefined;
    this.#remarked.add(hop.from.host);
    const node = to === "S-CSCF" ? "the S-CSCF" : "the P-CSCF's core side";
    return {
      tone: "bad",
      who: `${formatHostPort(hop.from)}/${hop.transport}`,
      text: `: port ${port} is ${node}, for the network's own nodes; devices use port ${access}`,
    };
  }
}

/** The address of the other IP version: loopback only when the lab is on loopback. */
function otherVersionOf(host: string): string {
  const isSix = host.includes(":");
  if (isLoopback(host)) return isSix ? "127.0.0.1" : "::1";
  return isSix ? "0.0.0.0" : "::";
}

/** Reports who sends to the access port by the other IP version, where no node listens. Returns what ends it. */
export function watchOtherIpVersion(
  access: HostPort,
  onReceived: (from: string, at: string) => void,
): () => void {
  const other = { host: otherVersionOf(access.host), port: access.port };
  return noticeKnocks(other, (from) => onReceived(from, formatHostPort(other)));
}
