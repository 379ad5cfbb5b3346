// The simulated network keeps its promises, or no scenario that runs over it means anything.
import { describe, expect, test } from "vitest";
import { memoryTransport } from "../../../src/sip/transport/memory.ts";
import type { HostPort, Transport } from "../../../src/sip/transport/transport.ts";
import { everyNth, first, firstN } from "../../../src/testing/drop-patterns.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { SimulatedNetwork } from "../../../src/testing/simulated-network.ts";
import { message, Recorder } from "../../contract/transport-lab.ts";

const ALICE: HostPort = { host: "192.0.2.1", port: 5060 };
const BOB: HostPort = { host: "192.0.2.2", port: 5060 };

async function pair(
  name: "udp" | "tcp",
  options: { segmentBytes?: number; refusals?: boolean } = {},
): Promise<{
  clock: FakeClock;
  network: SimulatedNetwork;
  alice: Transport;
  atBob: Recorder;
  atAlice: Recorder;
}> {
  const clock = new FakeClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 7, ...options });
  const [atAlice, atBob] = [new Recorder(), new Recorder()];
  const alice = memoryTransport(network, ALICE, name);
  await alice.listen(atAlice);
  await memoryTransport(network, BOB, name).listen(atBob);
  return { clock, network, alice, atAlice, atBob };
}

function sendNumbers(alice: Transport, count: number): void {
  for (let index = 0; index < count; index++)
    alice.send(Buffer.from(`${index}`), alice.flowTo(BOB));
}

describe("datagrams", () => {
  test("arrive after the latency, not before", async () => {
    const { clock, alice, atBob } = await pair("udp");
    sendNumbers(alice, 1);
    clock.advance(6);
    expect(atBob.texts).toEqual([]);
    clock.advance(1);
    expect(atBob.texts).toEqual(["0"]);
  });

  test.each([
    ["first", first, ["1", "2", "3", "4", "5"]],
    ["first three", firstN(3), ["3", "4", "5"]],
    ["every third", everyNth(3), ["0", "1", "3", "4"]],
  ])("drop pattern: %s", async (_name, pattern, arrived) => {
    const { clock, network, alice, atBob } = await pair("udp");
    network.drop({ from: ALICE, to: BOB }, pattern);
    network.drop({ from: BOB }, () => true); // the other direction has its own rule
    sendNumbers(alice, 6);
    clock.advance(10);
    expect(atBob.texts).toEqual(arrived);
    expect(network.log.filter(({ fate }) => fate === "lost")).toHaveLength(6 - arrived.length);
  });

  test("a rule ends when told to", async () => {
    const { clock, network, alice, atBob } = await pair("udp");
    const end = network.cut({ to: { host: BOB.host } });
    sendNumbers(alice, 1);
    end();
    sendNumbers(alice, 2);
    clock.advance(10);
    expect(atBob.texts).toEqual(["0", "1"]);
  });

  test.each([true, false])(
    "nobody listens: refused after there and back if refusals are %s",
    async (refusals) => {
      const { clock, alice, atAlice } = await pair("udp", { refusals });
      const nobody = alice.flowTo({ host: "192.0.2.3", port: 5060 });
      alice.send(Buffer.from("x"), nobody, (why) => atAlice.failures.push(why));
      clock.advance(13);
      expect(atAlice.failures).toEqual([]);
      clock.advance(1);
      expect(atAlice.failures).toEqual(refusals ? ["refused"] : []);
    },
  );

  test("the sender's buffer is its own again at once", async () => {
    const { clock, alice, atBob } = await pair("udp");
    const buffer = Buffer.from("before");
    alice.send(buffer, alice.flowTo(BOB));
    buffer.fill("x");
    clock.advance(10);
    expect(atBob.texts).toEqual(["before"]);
  });
});

describe("streams", () => {
  test("segments change nothing above the framing", async () => {
    const { clock, network, alice, atBob } = await pair("tcp", { segmentBytes: 3 });
    alice.send(Buffer.from(message("one", "body")), alice.flowTo(BOB));
    alice.send(Buffer.from(message("two")), alice.flowTo(BOB));
    clock.advance(50);
    expect(atBob.texts).toEqual([message("one", "body"), message("two")]);
    expect(network.log.map(({ transport, fate }) => `${transport} ${fate}`)).toEqual([
      "tcp sent",
      "tcp sent",
    ]);
  });

  test("a broken stream is noticed at both ends, once", async () => {
    const { clock, network, alice, atAlice, atBob } = await pair("tcp");
    alice.send(Buffer.from(message("one")), alice.flowTo(BOB));
    clock.advance(50);
    network.breakStreams({ to: BOB });
    clock.advance(50);
    expect([atAlice.closed.length, atBob.closed.length]).toEqual([1, 1]);
  });

  test("a cut before connecting is a connect timeout", async () => {
    const { clock, network, alice, atAlice } = await pair("tcp");
    network.cut({ to: BOB });
    alice.send(Buffer.from(message("x")), alice.flowTo(BOB), (why) => atAlice.failures.push(why));
    clock.advance(999);
    expect(atAlice.failures).toEqual([]);
    clock.advance(1);
    expect(atAlice.failures).toEqual(["timeout"]);
  });

  test("behind a gap nothing arrives, even when the cut has ended", async () => {
    const { clock, network, alice, atBob } = await pair("tcp");
    const flow = alice.flowTo(BOB);
    alice.send(Buffer.from(message("one")), flow);
    clock.advance(50);
    const end = network.cut({ to: BOB });
    alice.send(Buffer.from(message("two")), flow);
    end();
    alice.send(Buffer.from(message("three")), flow);
    clock.advance(50);
    expect(atBob.texts).toEqual([message("one")]);
  });
});

test("the same steps give the same log", async () => {
  const run = async (): Promise<string> => {
    const { clock, network, alice } = await pair("udp");
    network.drop({ to: BOB }, everyNth(2));
    sendNumbers(alice, 5);
    clock.advance(20);
    return JSON.stringify(network.log);
  };
  expect(await run()).toBe(await run());
});
