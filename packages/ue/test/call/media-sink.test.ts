// The silent end of a call's audio: it counts what comes. RFC 3550.
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { expect, test } from "vitest";
import { MediaSink } from "../../src/call/media-sink.ts";

test("RTP packets are counted, nothing is sent", async () => {
  const clock = new FakeClock();
  const network = new SimulatedNetwork({ clock });
  const sink = new MediaSink(memoryTransport(network, { host: "192.0.2.1", port: 0 }, "udp"));
  await sink.open();
  await sink.open(); // with each registration
  const peer = network.bind({ host: "192.0.2.2", port: 4000 }, () => {
    throw new Error("the sink spoke");
  });
  const rtp = Buffer.concat([Buffer.from([0x80, 0]), Buffer.alloc(170)]);
  for (let packet = 0; packet < 50; packet++) peer.send(rtp, sink.address);
  clock.advance(100);
  expect(sink.packets).toBe(50);
  await sink.close();
});
