// Devices that speak the other IP version to the P-CSCF's port: nobody of the lab hears them, so somebody says it.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { isLoopback } from "@ims-lab/common/platform/ip-address";
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";

/** Where the others knock: on loopback only when the lab is there. */
function otherHost(host: string): string {
  const isSix = host.includes(":");
  if (isLoopback(host)) return isSix ? "127.0.0.1" : "::1";
  return isSix ? "0.0.0.0" : "::";
}

/** Answers nobody. Without that IP version, or when somebody has the port, there is nothing to hear. */
export function listenToOtherFamily(
  access: HostPort,
  onKnock: (from: string, at: string) => void,
): () => void {
  const host = otherHost(access.host);
  const at = formatHostPort({ host, port: access.port });
  const isSix = host.includes(":");
  const socket = createSocket({ type: isSix ? "udp6" : "udp4", ipv6Only: isSix });
  socket.on("error", () => undefined);
  socket.on("message", (octets, { address, port }) => {
    // A keep-alive is no request.
    if (octets.length > 4) onKnock(`${formatHostPort({ host: address, port })}/udp`, at);
  });
  socket.bind({ address: host, port: access.port, exclusive: true });
  const server = createServer((connection) => {
    const { remoteAddress = "", remotePort = 0 } = connection;
    connection.on("error", () => undefined);
    connection.destroy();
    onKnock(`${formatHostPort({ host: remoteAddress, port: remotePort })}/tcp`, at);
  });
  server.on("error", () => undefined);
  server.listen({ host, port: access.port, ipv6Only: isSix, exclusive: true });
  return () => {
    socket.close();
    server.close();
  };
}
