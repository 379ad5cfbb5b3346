// tshark's reading of a capture, and the octets on each hop.
import { run } from "./programs.ts";

/** tshark's field list of the packets that a display filter lets through. */
export async function dissect(
  file: string,
  options: {
    /** Decoded as SIP, over UDP and TCP. */
    readonly sipPorts: readonly number[];
    readonly filter: string;
    readonly fields: readonly string[];
  },
): Promise<string[][]> {
  const decodeAs = options.sipPorts.flatMap((port) => [
    ...["-d", `udp.port==${port},sip`],
    ...["-d", `tcp.port==${port},sip`],
  ]);
  const fields = options.fields.flatMap((field) => ["-e", field]);
  const args = ["-n", "-r", file, ...decodeAs, "-Y", options.filter, "-T", "fields", ...fields];
  const { exitCode, stdout, stderr } = await run("tshark", args, { seconds: 60 });
  if (exitCode !== 0) throw new Error(`tshark ended with ${exitCode}: ${stderr}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}

/** Octets that went one way: a datagram, or one direction of a TCP connection in full. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly octets: Buffer;
}

export async function stretches(file: string): Promise<Stretch[]> {
  const rows = await dissect(file, {
    sipPorts: [],
    filter: "udp || (tcp.len > 0 && !tcp.analysis.retransmission)",
    fields: [
      ...["udp.srcport", "udp.dstport", "udp.payload"],
      ...["tcp.srcport", "tcp.dstport", "tcp.payload", "tcp.stream"],
    ],
  });
  const datagrams: Stretch[] = [];
  const connections = new Map<string, { from: number; to: number; parts: Buffer[] }>();
  for (const [udpFrom, udpTo, datagram, tcpFrom, tcpTo, segment = "", stream] of rows) {
    if (datagram) {
      const octets = Buffer.from(datagram, "hex");
      datagrams.push({ from: Number(udpFrom), to: Number(udpTo), octets });
      continue;
    }
    const key = `${stream} ${tcpFrom}`;
    const connection = connections.get(key);
    const part = Buffer.from(segment, "hex");
    if (connection !== undefined) connection.parts.push(part);
    else connections.set(key, { from: Number(tcpFrom), to: Number(tcpTo), parts: [part] });
  }
  const joined = [...connections.values()].map(({ from, to, parts }) => ({
    from,
    to,
    octets: Buffer.concat(parts),
  }));
  return [...datagrams, ...joined];
}

/** Every reginfo document in them (RFC 3680 §5). */
export function reginfoDocuments(all: readonly Stretch[]): string[] {
  return all.flatMap(({ octets }) => {
    const text = octets.toString("latin1");
    return [...text.matchAll(/<\?xml(?:(?!<\?xml)[\s\S])*?<\/reginfo>/g)].map(
      ([document]) => document,
    );
  });
}
