// Interceptors around an endpoint: what they may do with a message, in which order, at which cost.
import { expect, test } from "vitest";
import {
  type Interceptor,
  intercepted,
  keepIntercepted,
} from "../../../src/sip/endpoint/interceptors.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import {
  EndpointLab,
  LATENCY,
  ok,
  outcome,
  type PlainPeer,
  plain,
  request,
} from "./endpoint-lab.ts";

const HOST = "10.0.0.2";
const PEER = "10.0.0.9";

async function served(
  ...interceptors: Interceptor[]
): Promise<{ lab: EndpointLab; peer: PlainPeer; received: unknown[] }> {
  const lab = new EndpointLab();
  const { received } = await lab.endpoint(HOST, { interceptors }, ok);
  return { lab, peer: await lab.peer(PEER), received };
}

function options(branch = "1"): string {
  return plain(`UDP ${PEER}:5060;branch=z9hG4bK${branch}`);
}

test("the first one is outermost, each way", async () => {
  const seen: string[] = [];
  const named =
    (name: string): Interceptor =>
    (message, next) => {
      seen.push(`${name} ${message.direction}`);
      next(message);
    };
  const { peer } = await served(named("a"), named("b"));
  peer.send(options(), HOST);
  expect(seen).toEqual(["a in", "b in", "a out", "b out"]);
});

test("what is not handed on is lost: the request is never heard of", async () => {
  const { peer, received } = await served((message, next) => {
    if (message.direction === "out") next(message);
  });
  peer.send(options(), HOST);
  expect([received, peer.raw]).toEqual([[], []]);
});

test("handed on twice it is a retransmission, answered twice and served once", async () => {
  const { peer, received } = await served((message, next) => {
    next(message);
    if (message.direction === "in") next(message);
  });
  peer.send(options(), HOST);
  expect([received.length, peer.raw.length]).toEqual([1, 2]);
});

test("handed on later, it leaves later", async () => {
  const lab = new EndpointLab();
  const late: Interceptor = (message, next) => {
    if (message.direction === "in") next(message);
    else lab.clock.after(1_000, () => next(message));
  };
  await lab.endpoint(HOST, { interceptors: [late] }, ok);
  const peer = await lab.peer(PEER);
  peer.send(options(), HOST);
  expect(peer.raw).toHaveLength(0);
  lab.clock.advance(1_000);
  expect(peer.raw).toHaveLength(1);
});

test("changed, the other octets are what arrives and what leaves", async () => {
  const { peer } = await served((message, next) =>
    next({ ...message, bytes: Buffer.from(message.bytes.toString("latin1").replace("c1", "c2")) }),
  );
  peer.send(options(), HOST);
  expect(peer.raw[0]).toContain("Call-ID: c2\r\n");
});

test("what is damaged on its way in is refused as any malformed message is", async () => {
  const { peer, received } = await served((message, next) =>
    message.direction === "out"
      ? next(message)
      : next({
          ...message,
          bytes: Buffer.from(message.bytes.toString().replace("CSeq: 1", "CSeq: x")),
        }),
  );
  peer.send(options(), HOST);
  expect(received).toEqual([]);
  expect(peer.raw[0]).toMatch(/^SIP\/2\.0 400 /);
});

test("an interceptor may fail what leaves: the request's user hears of it", async () => {
  const lab = new EndpointLab();
  const refusing: Interceptor = ({ onFailure }) => onFailure?.("refused");
  const a = await lab.endpoint("10.0.0.1", { interceptors: [refusing] });
  const heard = outcome();
  a.request(request(), { host: HOST, port: 5060 }, heard);
  lab.clock.advance(LATENCY);
  expect(heard.seen).toEqual(["refused"]);
});

test("without any, a message takes the bare way: no call and no object more", () => {
  const last = (): void => undefined;
  expect(intercepted([], "in", new FakeClock(), last)).toBe(last);
});

test("one that is switched is innermost while it is on, and costs nothing while it is off", async () => {
  const seen: string[] = [];
  const named =
    (name: string): Interceptor =>
    (message, next) => {
      seen.push(`${name} ${message.direction}`);
      next(message);
    };
  const listeners: (() => void)[] = [];
  const told = (): void => {
    for (const listener of listeners) listener();
  };
  const switched = {
    isOn: false,
    intercept: named("switched"),
    onSwitched: (listener: () => void) => void listeners.push(listener),
  };
  const lab = new EndpointLab();
  await lab.endpoint(HOST, { interceptors: [named("always"), switched] }, ok);
  const peer = await lab.peer(PEER);
  peer.send(options("1"), HOST);
  expect(seen.splice(0)).toEqual(["always in", "always out"]);
  switched.isOn = true;
  told();
  peer.send(options("2"), HOST);
  expect(seen.splice(0)).toEqual(["always in", "switched in", "always out", "switched out"]);
  switched.isOn = false;
  told();
  peer.send(options("3"), HOST);
  expect(seen).toEqual(["always in", "always out"]);
  const last = (): void => undefined;
  const ways: unknown[] = [];
  keepIntercepted({ interceptors: [switched], clock: new FakeClock() }, "in", last, (way) =>
    ways.push(way),
  );
  expect(ways).toEqual([last]);
});
