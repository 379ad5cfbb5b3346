// Notices who speaks to an address at which nobody serves, and answers nobody.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { formatHostPort, type HostPort } from "./transport.ts";

/** `\r\n\r\n` keeps a binding alive (RFC 5626 §3.5.1): no request. */
const LONGEST_KEEP_ALIVE = 4;

/** Without that IP version, or when somebody has the port, there is nothing to hear. @returns what ends it */
export function noticeKnocks(at: HostPort, onKnock: (from: string) => void): () => void {
  const { host, port } = at;
  const isSix = host.includes(":");
  const socket = createSocket({ type: isSix ? "udp6" : "udp4", ipv6Only: isSix });
  socket.on("error", () => undefined);
  socket.on("message", ({ length }, { address, port: from }) => {
    if (length > LONGEST_KEEP_ALIVE)
      onKnock(`${formatHostPort({ host: address, port: from })}/udp`);
  });
  socket.bind({ address: host, port, exclusive: true });
  const server = createServer((connection) => {
    const { remoteAddress = "", remotePort = 0 } = connection;
    connection.on("error", () => undefined);
    connection.destroy();
    onKnock(`${formatHostPort({ host: remoteAddress, port: remotePort })}/tcp`);
  });
  server.on("error", () => undefined);
  server.listen({ host, port, ipv6Only: isSix, exclusive: true });
  return () => {
    socket.close();
    server.close();
  };
}
