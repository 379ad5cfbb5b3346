// Ports that nobody uses, below the range from which the system takes a client's.
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

export const LOOPBACK = "127.0.0.1";

const LOWEST = 15_000;
const HIGHEST = 31_000;

/** @param apart for programs that take a whole row of ports: distances from each port found */
export async function freePorts(count: number, apart: readonly number[] = [0]): Promise<number[]> {
  const found = new Set<number>();
  for (let attempt = 0; found.size < count; attempt++) {
    if (attempt > 1000) throw new Error(`no ${count} free ports from ${LOWEST} to ${HIGHEST}`);
    const port = randomInt(LOWEST, HIGHEST - Math.max(...apart));
    const wanted = apart.map((distance) => port + distance);
    const free = await Promise.all(wanted.map(isFree));
    if (free.every(Boolean)) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  return (await isFreeOnUdp(port)) && (await isFreeOnTcp(port));
}

function isFreeOnUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => resolve(false));
    socket.bind(port, LOOPBACK, () => socket.close(() => resolve(true)));
  });
}

function isFreeOnTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}
