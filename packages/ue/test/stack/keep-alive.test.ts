// The connection to the P-CSCF whose keep-alive nobody answers. RFC 5626 §4.4.1.

import { decode } from "@ims-lab/common/sip/message/decode";
import { encode } from "@ims-lab/common/sip/message/encode";
import { newRequest, newResponse } from "@ims-lab/common/sip/message/message";
import { RFC_TIMERS } from "@ims-lab/common/sip/transaction/timers";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import type { Pipe } from "@ims-lab/common/sip/transport/pipe";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { SimulatedNetwork } from "@ims-lab/common/testing/simulated-network";
import { beforeEach, describe, expect, test } from "vitest";
import { CoreStack } from "../../src/stack/core.ts";
import type { PongRule } from "../../src/stack/flow-keep-alive.ts";

const UE = "192.0.2.7";
const PCSCF = { host: "192.0.2.1", port: 5060 };
const PING = "\r\n\r\n";
/** The longest time between two pings, the time for the answer, and a moment. */
const PING_MS = 120_000;
const PONG_MS = 10_000;
const MOMENT_MS = 100;

let clock: FakeClock;
let network: SimulatedNetwork;
let log: ReturnType<typeof memoryLogger>;
let stack: CoreStack;
let closed: string[];
/** What the P-CSCF has got, by connection. */
let connections: string[][];
let answersPings: boolean;
let cseq: number;

beforeEach(() => {
  clock = new FakeClock();
  network = new SimulatedNetwork({ clock, latencyMs: 5 });
  log = memoryLogger();
  closed = [];
  connections = [];
  answersPings = true;
  cseq = 0;
});

async function start(pongs?: PongRule): Promise<void> {
  await network.carrier().listen(PCSCF, (pipe) => accept(pipe));
  stack = new CoreStack({
    ...{ name: "ue", clock, log, random: seededRandom(1), timers: RFC_TIMERS },
    transport: memoryTransport(network, { host: UE, port: 0 }, "tcp"),
    ...(pongs !== undefined && { pongs }),
  });
  stack.onFlowClosed((flow) => closed.push(flow.id));
  await stack.listen(() => undefined);
  send();
}

/** A P-CSCF that answers OPTIONS, and pings if it likes. */
function accept(pipe: Pipe): void {
  const got: string[] = [];
  connections.push(got);
  pipe.start({
    onOpen: () => undefined,
    onRejected: () => undefined,
    onEnded: () => undefined,
    onClosed: () => undefined,
    onBytes: (bytes) => {
      const text = bytes.toString("latin1");
      got.push(text === PING ? "ping" : text.slice(0, text.indexOf(" ")));
      if (text === PING && answersPings) pipe.write(Buffer.from("\r\n"));
      const { message } = decode(bytes);
      if (message?.kind === "request") pipe.write(encode(newResponse(message, 200)));
    },
  });
}

function send(method = "OPTIONS"): void {
  const request = newRequest(method, "sip:ims.example", [
    ["Max-Forwards", "70"],
    ["From", "<sip:alice@ims.example>;tag=a"],
    ["To", "<sip:alice@ims.example>"],
    ["Call-ID", "c"],
    ["CSeq", `${++cseq} ${method}`],
  ]);
  const handlers = { onResponse: () => undefined, onFailure: () => undefined };
  stack.request(request, { ...PCSCF, transport: "tcp" }, handlers);
  clock.advance(MOMENT_MS);
}

describe("RFC 5626 §4.4.1: no answer within 10 s of a ping", () => {
  test("from a P-CSCF that has answered one: the connection has failed, the next request makes another", async () => {
    await start();
    clock.advance(PING_MS);
    expect(connections).toEqual([["OPTIONS", "ping"]]);
    clock.advance(10 * PING_MS);
    expect(closed).toEqual([]);
    answersPings = false;
    clock.advance(PING_MS + PONG_MS);
    expect(closed).toHaveLength(1);
    expect(log.named("connection.unanswered")).toMatchObject([{ pcscf: "192.0.2.1:5060" }]);
    send();
    expect(connections).toHaveLength(2);
    expect(connections[1]).toEqual(["OPTIONS"]);
  });

  test("not sooner than 10 s", async () => {
    await start();
    clock.advance(PING_MS);
    answersPings = false;
    const before = connections[0]?.length;
    while (connections[0]?.length === before) clock.advance(50);
    clock.advance(PONG_MS - MOMENT_MS);
    expect(closed).toEqual([]);
    clock.advance(MOMENT_MS);
    expect(closed).toHaveLength(1);
  });

  test("a way that loses everything, and a P-CSCF that never hears of it", async () => {
    await start();
    clock.advance(PING_MS);
    const heal = network.cut({ from: { host: UE } });
    clock.advance(PING_MS + PONG_MS);
    expect(closed).toHaveLength(1);
    heal();
    send();
    expect(connections).toHaveLength(2);
  });

  test("from one that never did: it may not know how, and the connection stays", async () => {
    answersPings = false;
    await start();
    clock.advance(20 * PING_MS);
    expect(closed).toEqual([]);
    send();
    expect(connections).toHaveLength(1);
    expect(log.named("connection.unanswered")).toEqual([]);
  });

  test("`require`: from that one, too", async () => {
    answersPings = false;
    await start("require");
    clock.advance(PING_MS + PONG_MS);
    expect(closed).toHaveLength(1);
  });

  test("`ignore`: from nobody", async () => {
    await start("ignore");
    clock.advance(PING_MS);
    answersPings = false;
    clock.advance(20 * PING_MS);
    expect(closed).toEqual([]);
  });
});

describe("a REGISTER that nobody answers", () => {
  const TIMER_F_MS = 32_000;

  test("over a connection that carries nothing any more: the next one goes over a new one", async () => {
    await start();
    network.silenceStreams();
    send("REGISTER");
    clock.advance(TIMER_F_MS);
    // Whoever sent it knows already.
    expect(closed).toEqual([]);
    send("REGISTER");
    expect(connections).toEqual([["OPTIONS"], ["REGISTER"]]);
  });

  test("any other request may have been for somebody else who is silent: the connection stays", async () => {
    await start();
    network.silenceStreams();
    send("MESSAGE");
    clock.advance(TIMER_F_MS);
    send();
    expect(closed).toEqual([]);
    expect(connections).toEqual([["OPTIONS"]]);
  });
});
