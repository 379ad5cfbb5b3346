// HEP3 over UDP: a node's sender and the console's collector.
import { createSocket, type Socket } from "node:dgram";
import { lookup as resolve } from "node:dns";
import { isIP, isIPv6 } from "node:net";
import { maskSessionKeys } from "../sip/auth/session-keys.ts";
import type { HostPort } from "../sip/transport/transport.ts";
import { decodeHep, encodeHep } from "./hep.ts";
import type { TracedMessage, TraceSink } from "./traced-message.ts";

export interface HepSenderOptions {
  /** Address or name of the collector. */
  readonly collector: HostPort;
  /** The agent number by which the collector tells senders apart. */
  readonly captureId: number;
  readonly node: string;
}

/** A collector's name is looked up anew after this long: containers come back elsewhere. */
const RESOLVED_FOR_MS = 60_000;

/** Sends copies, keys masked; a collector that is away costs nothing but the copies. */
export function hepSender({ collector, captureId, node }: HepSenderOptions): TraceSink {
  let closed = false;
  let known: { address: string; until: number } | undefined;
  let now = 0; // the time of the message being sent: all the time that is needed here
  const six = isIPv6(collector.host);
  const socket = createSocket({
    type: six ? "udp6" : "udp4",
    lookup(host, _options, found) {
      const family = six ? 6 : 4;
      if (isIP(host) !== 0) return found(null, host, family);
      if (known !== undefined && now < known.until) return found(null, known.address, family);
      resolve(host, { family }, (error, address) => {
        if (error === null) known = { address, until: now + RESOLVED_FOR_MS };
        found(error, address, family);
      });
    },
  });
  socket.unref();
  socket.on("error", () => undefined); // refused by the collector's host: it may come back
  return {
    trace(message) {
      const packet = encodeHep(
        { node, ...message, bytes: maskSessionKeys(message.bytes) },
        captureId,
      );
      if (packet === undefined || closed) return;
      now = message.at;
      socket.send(packet, collector.port, collector.host);
    },
    close() {
      if (closed) return Promise.resolve();
      closed = true;
      return closeSocket(socket);
    },
  };
}

export interface HepCollector {
  readonly local: HostPort;
  close(): Promise<void>;
}

/** Listens; rejects with the system's error. `onProblem` gets what is not HEP3 with SIP in it. */
export function hepCollector(
  at: HostPort,
  onMessage: (message: TracedMessage) => void,
  onProblem: (problem: string, from: HostPort) => void = () => undefined,
): Promise<HepCollector> {
  const type = at.host.includes(":") ? "udp6" : "udp4";
  const socket = createSocket({ type, recvBufferSize: 4 * 2 ** 20 });
  socket.on("message", (packet, { address: host, port }) => {
    const result = decodeHep(packet);
    if ("message" in result) onMessage(result.message);
    else onProblem(result.problem, { host, port });
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: at.host, port: at.port, exclusive: true }, () => {
      socket.off("error", reject);
      const local = { host: at.host, port: socket.address().port };
      resolve({ local, close: () => closeSocket(socket) });
    });
  });
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(resolve));
}
