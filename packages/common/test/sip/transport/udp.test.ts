// UDP against the transports' contract: over IPv4 and IPv6, with Node's socket and with batches.
import { systemCalls } from "../../../src/sip/transport/datagrams/system-calls.ts";
import { udpTransport } from "../../../src/sip/transport/udp.ts";
import { datagramContract } from "../../contract/datagram-contract.ts";
import { dialUdp, socketLab } from "../../contract/socket-lab.ts";
import { transportContract } from "../../contract/transport-contract.ts";
import type { TransportLab } from "../../contract/transport-lab.ts";

const lab = (): TransportLab => socketLab((_clock, at) => udpTransport(at), dialUdp);

const batched = (): TransportLab =>
  socketLab((clock, at) => udpTransport({ ...at, batching: { clock } }), dialUdp);

for (const host of ["127.0.0.1", "::1"]) {
  transportContract("UDP", host, lab);
  datagramContract("UDP", host, lab);
}

if (systemCalls() !== undefined) {
  transportContract("UDP in batches", "127.0.0.1", batched);
  datagramContract("UDP in batches", "127.0.0.1", batched);
}
