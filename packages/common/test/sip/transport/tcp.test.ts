// TCP against the transports' contract, over IPv4 and IPv6.
import { tcpTransport } from "../../../src/sip/transport/tcp.ts";
import { framingContract } from "../../contract/framing-contract.ts";
import { dialTcp, socketLab } from "../../contract/socket-lab.ts";
import { streamContract } from "../../contract/stream-contract.ts";
import { transportContract } from "../../contract/transport-contract.ts";
import type { TransportLab } from "../../contract/transport-lab.ts";

const lab = (): TransportLab =>
  socketLab((clock, at, limits) => tcpTransport({ ...at, ...limits, clock }), dialTcp);

for (const host of ["127.0.0.1", "::1"]) {
  transportContract("TCP", host, lab);
  streamContract("TCP", host, lab);
  framingContract("TCP", host, lab);
}
