// An endpoint whose process is behind: what waits is served in its turn or told 503, cheaply and without state.
import { expect, test } from "vitest";
import { RequestQueue } from "../../../src/sip/admission/request-queue.ts";
import { EndpointLab, type LabEndpoint, ok, type PlainPeer, plain } from "./endpoint-lab.ts";

const HOST = "10.0.0.2";

interface Behind {
  readonly lab: EndpointLab;
  readonly endpoint: LabEndpoint;
  readonly peer: PlainPeer;
  /** The event loop's next turn. */
  turn(): void;
}

/** An endpoint with no time left in this turn. */
async function behind(): Promise<Behind> {
  const lab = new EndpointLab();
  const turns: (() => void)[] = [];
  const queue = new RequestQueue({
    clock: lab.clock,
    nextTurn: (turn) => turns.push(turn),
    maxWaitMs: 400,
  });
  const admission = { maxMessageBytes: 65_535, maxPendingTransactions: 100 };
  const endpoint = await lab.endpoint(HOST, { admission, queue }, ok);
  const peer = await lab.peer("10.0.0.1");
  peer.send(options("first"), HOST);
  const turn = (): void => {
    for (const due of turns.splice(0)) due();
  };
  return { lab, endpoint, peer, turn };
}

function options(branch: string): string {
  return plain(`UDP 10.0.0.1;rport;branch=z9hG4bK${branch}`);
}

test("a request that waits for its turn is served in it", async () => {
  const { lab, endpoint, peer, turn } = await behind();
  peer.send(options("second"), HOST);
  expect(endpoint.received).toHaveLength(1);
  turn();
  lab.clock.advance(10);
  expect(endpoint.received).toHaveLength(2);
  expect(peer.raw.map((text) => text.slice(8, 11))).toEqual(["200", "200"]);
});

test("one that waited too long hears 503 and Retry-After; nothing is kept, and it is counted and logged once", async () => {
  const { lab, endpoint, peer, turn } = await behind();
  peer.send(options("second"), HOST);
  peer.send(options("third"), HOST);
  lab.clock.advance(1_001);
  turn();
  lab.clock.advance(10);
  expect(peer.raw.map((text) => text.slice(8, 11))).toEqual(["200", "503", "503"]);
  expect(peer.raw[1]).toMatch(/\r\nRetry-After: \d+\r\n/);
  expect(endpoint.received).toHaveLength(1);
  expect(endpoint.transactions.servers).toBe(1);
  expect(endpoint.counted("limited", "overload")).toBe(2);
  expect(endpoint.log.events.filter(({ event }) => event === "overload.refusing")).toHaveLength(1);
});

test("a repeated request is answered, however late, by the transaction it belongs to", async () => {
  const { lab, peer, turn } = await behind();
  peer.send(options("first"), HOST);
  lab.clock.advance(1_001);
  turn();
  lab.clock.advance(10);
  expect(peer.raw.map((text) => text.slice(8, 11))).toEqual(["200", "200"]);
});
