// The listeners of a node, from its `ready` line: `ready pcscf access=127.0.0.1:5060 ws:5080 core=… http=…`.
import { isWildcard } from "@ims-lab/common/platform/ip-address";
import { parseHostPort } from "@ims-lab/common/sip/message/uri";
import type { HostPort, TransportName } from "@ims-lab/common/sip/transport/transport";

export interface Listener extends HostPort {
  /** "access", "core", "sip". */
  readonly side: string;
  /** Undefined: UDP and TCP. */
  readonly transport: TransportName | undefined;
}

/** @param ownAddresses what a wildcard address stands for */
export function listenersOf(readyLine: string, ownAddresses: readonly string[]): Listener[] {
  const found: Listener[] = [];
  let side = "";
  let host = "";
  for (const word of readyLine.split(" ")) {
    const [, name, address] =
      /^(access|core|sip)=(?:(?:udp|tcp|tls|ws|wss):)?(\S+)$/.exec(word) ?? [];
    const at = address === undefined ? undefined : parseHostPort(address);
    if (name !== undefined && at?.port !== undefined) {
      [side, host] = [name, at.host];
      found.push({ side, host, port: at.port, transport: undefined });
      continue;
    }
    const [, transport, port] = /^(tls|ws|wss):(\d+)$/.exec(word) ?? [];
    if (port !== undefined && side !== "")
      found.push({ side, host, port: Number(port), transport: transport as TransportName });
  }
  return found.flatMap((listener) =>
    isWildcard(listener.host)
      ? [listener.host, ...ownAddresses].map((own) => ({ ...listener, host: own }))
      : [listener],
  );
}
