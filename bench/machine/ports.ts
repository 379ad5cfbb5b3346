// Ports of this machine: those that are free, and the wait until a server has taken its own.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const HOST = "127.0.0.1";

/** True when UDP can be bound there. (Kamailio would share a taken port without a word.) */
function isUdpFree(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ address: HOST, port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

function isTcpFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}

/** Those of `ports` that somebody listens on. */
export async function takenPorts(ports: readonly number[]): Promise<readonly number[]> {
  const taken: number[] = [];
  for (const port of ports)
    if (!((await isUdpFree(port)) && (await isTcpFree(port)))) taken.push(port);
  return taken;
}

/** Waits until somebody listens there over UDP. */
export async function whenBound(port: number, seconds: number, who: string): Promise<void> {
  for (let tries = seconds * 10; tries > 0; tries--) {
    if (!(await isUdpFree(port))) return;
    await sleep(100);
  }
  throw new Error(`${who} does not listen on UDP port ${port} after ${seconds} s`);
}
