// The memory transports against the same contract, over addresses of both families.
import { memoryTransport } from "../../../src/sip/transport/memory.ts";
import type { HostPort } from "../../../src/sip/transport/transport.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { SimulatedNetwork } from "../../../src/testing/simulated-network.ts";
import { datagramContract } from "../../contract/datagram-contract.ts";
import { framingContract } from "../../contract/framing-contract.ts";
import { streamContract } from "../../contract/stream-contract.ts";
import { transportContract } from "../../contract/transport-contract.ts";
import type { RawPeer, TransportLab } from "../../contract/transport-lab.ts";

type Dial = (network: SimulatedNetwork, to: HostPort) => RawPeer;

function memoryLab(name: "udp" | "tcp", dial: Dial): TransportLab {
  const clock = new FakeClock();
  const network = new SimulatedNetwork({ clock });
  return {
    clock,
    transport: (at, limits) => memoryTransport(network, at, name, limits),
    async dial(to) {
      const peer = dial(network, to);
      await clock.advanceAsync(10);
      return peer;
    },
    async until(condition) {
      for (let waited = 0; !condition(); waited++) {
        if (waited > 1000) throw new Error("still waiting");
        await clock.advanceAsync(1);
      }
    },
  };
}

function dialDatagrams(network: SimulatedNetwork, to: HostPort): RawPeer {
  let received = "";
  const port = network.bind({ host: to.host, port: 0 }, (bytes) => {
    received += bytes.toString("latin1");
  });
  return {
    local: port.local,
    get received() {
      return received;
    },
    closed: false,
    write: (octets) => port.send(Buffer.from(octets, "latin1"), to),
    close: () => port.close(),
  };
}

function dialStream(network: SimulatedNetwork, to: HostPort): RawPeer {
  const pipe = network.carrier().connect({ host: to.host, port: 0 }, to);
  let received = "";
  let closed = false;
  pipe.start({
    onOpen: () => undefined,
    onBytes: (chunk) => {
      received += chunk.toString("latin1");
    },
    onRejected: () => undefined,
    onEnded: () => undefined,
    onClosed: () => {
      closed = true;
    },
  });
  return {
    local: pipe.local,
    get received() {
      return received;
    },
    get closed() {
      return closed;
    },
    write: (octets) => pipe.write(Buffer.from(octets, "latin1")),
    close: () => pipe.destroy(),
  };
}

for (const host of ["192.0.2.1", "2001:db8::1"]) {
  transportContract("memory datagrams", host, () => memoryLab("udp", dialDatagrams));
  datagramContract("memory datagrams", host, () => memoryLab("udp", dialDatagrams));
  transportContract("memory streams", host, () => memoryLab("tcp", dialStream));
  streamContract("memory streams", host, () => memoryLab("tcp", dialStream));
  framingContract("memory streams", host, () => memoryLab("tcp", dialStream));
}
