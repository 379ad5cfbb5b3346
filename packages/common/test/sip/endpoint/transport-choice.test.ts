// An endpoint's choice of transport and path: RFC 3261 §18.1.1, §18.2.2; addresses, names, flows.
import { expect, test } from "vitest";
import type { Incoming } from "../../../src/sip/endpoint/endpoint.ts";
import type { Flow } from "../../../src/sip/transport/transport.ts";
import { EndpointLab, LATENCY, ok, outcome, plain, request } from "./endpoint-lab.ts";

const B = { host: "10.0.0.2", port: 5060 };
const large = (): ReturnType<typeof request> =>
  request("MESSAGE", [["X-Filler", "x".repeat(1400)]]);

const transports = (lab: EndpointLab): string[] => lab.network.log.map((each) => each.transport);

test("RFC 3261 §18.1.1: above 1300 octets a request goes over TCP, Via included", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  const b = await lab.endpoint("10.0.0.2", {}, ok);
  const result = outcome();
  a.request(large(), { ...B, transport: "udp" }, result);
  lab.clock.advance(100);
  expect(result.seen).toEqual([200]);
  expect(b.received[0]?.flow.transport).toBe("tcp");
  expect(b.received[0]?.request.text("Via")).toMatch(/^SIP\/2.0\/TCP 10.0.0.1:5060;/);
  expect(transports(lab)).not.toContain("udp");
  expect(a.counted("size-switch", "tcp")).toBe(1);
});

test("more than limits.maxMessageBytes is not sent: it would cost the connection that others use", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1", { maxMessageBytes: 1600 });
  const b = await lab.endpoint("10.0.0.2", {}, ok);
  const send = (octets: number): (number | string)[] => {
    const result = outcome();
    a.request(request("MESSAGE", [["X-Filler", "x".repeat(octets)]]), B, result);
    lab.clock.advance(100);
    return result.seen;
  };
  expect(send(1100)).toEqual([200]);
  expect(send(1600)).toEqual(["too-large"]);
  expect(b.received).toHaveLength(1);
});

test("a peer that refuses TCP gets it over UDP, and for ten minutes nothing else is tried", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  const b = await lab.endpoint("10.0.0.2", { kinds: ["udp"] }, ok);
  const send = (): (number | string)[] => {
    const result = outcome();
    a.request(large(), B, result);
    lab.clock.advance(2000);
    return result.seen;
  };
  expect(send()).toEqual([200]);
  expect(send()).toEqual([200]);
  expect(b.received.map((each) => each.request.text("Via")?.slice(0, 11))).toEqual([
    "SIP/2.0/UDP",
    "SIP/2.0/UDP",
  ]);
  expect(a.counted("size-switch", "fallback")).toBe(1);
  expect(a.counted("size-switch", "remembered")).toBe(1);
  expect(a.log.named("peer.refuses-tcp")).toHaveLength(1);
  lab.clock.advance(600_000);
  expect(send()).toEqual([200]);
  expect(a.counted("size-switch", "fallback")).toBe(2);
});

test("a peer that does not answer on TCP gets it over UDP after a second", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  await lab.endpoint("10.0.0.2", { kinds: ["udp"] }, ok);
  const result = outcome();
  const mend = lab.network.cut({ from: { host: "10.0.0.1" } });
  a.request(large(), B, result);
  lab.clock.advance(900);
  mend();
  lab.clock.advance(200);
  expect(result.seen).toEqual([200]);
});

test("udpMtuBytes 0 never switches, and a flow is used whatever the size", async () => {
  const lab = new EndpointLab();
  const never = await lab.endpoint("10.0.0.1", { udpMtuBytes: 0 });
  const b = await lab.endpoint("10.0.0.2", {}, ok);
  const results = [outcome(), outcome()];
  never.request(large(), B, results[0] ?? outcome());
  lab.clock.advance(100);
  const flow = b.received[0]?.flow;
  expect(flow?.transport).toBe("udp");
  if (flow !== undefined) b.request(large(), { flow }, results[1] ?? outcome());
  lab.clock.advance(100);
  expect(never.received[0]?.flow.transport).toBe("udp");
});

test("RFC 3261 §18.1.1: to loopback, whose MTU is known, size makes no difference", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("127.0.0.1");
  const b = await lab.endpoint("127.0.0.2", {}, ok);
  a.request(large(), { host: "127.0.0.2", port: 5060 }, outcome());
  lab.clock.advance(100);
  expect(b.received[0]?.flow.transport).toBe("udp");
});

test("RFC 3261 §18.2.2: a response whose connection has gone opens one to the Via's address", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  const b = await lab.endpoint("10.0.0.2");
  const closed: Flow[] = [];
  b.onFlowClosed((flow) => closed.push(flow));
  const result = outcome();
  a.request(request(), { ...B, transport: "tcp" }, result);
  lab.clock.advance(100);
  lab.network.breakStreams();
  lab.clock.advance(10);
  expect(closed).toEqual([b.received[0]?.flow]);
  b.received.map(ok);
  lab.clock.advance(100);
  expect(result.seen).toEqual([200]);
});

test("a request over a flow that has gone fails at once", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  const b = await lab.endpoint("10.0.0.2", {}, ok);
  a.request(request(), { ...B, transport: "tcp" }, outcome());
  lab.clock.advance(100);
  const flow = b.received[0]?.flow;
  lab.network.breakStreams();
  lab.clock.advance(10);
  const result = outcome();
  if (flow !== undefined) b.request(request(), { flow }, result);
  lab.clock.advance(10);
  expect(result.seen).toEqual(["closed"]);
});

test("a next hop where nobody listens is a failure at once, on UDP as well", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  const result = outcome();
  a.request(request(), B, result);
  a.request(request("MESSAGE"), { ...B, transport: "tcp" }, result);
  lab.clock.advance(100);
  expect(result.seen).toEqual(["refused", "refused"]);
});

test("a host name is resolved, one without address fails, a literal is not asked for", async () => {
  const lab = new EndpointLab();
  const asked: string[] = [];
  const resolver = {
    resolve: (host: string): Promise<readonly string[]> => {
      asked.push(host);
      return host === "b.example" ? Promise.resolve(["10.0.0.2"]) : Promise.reject(new Error("no"));
    },
  };
  const a = await lab.endpoint("10.0.0.1", { resolver });
  await lab.endpoint("10.0.0.2", {}, ok);
  const result = outcome();
  a.request(request(), { host: "b.example", port: 5060 }, result);
  await lab.clock.advanceAsync(100);
  a.request(request("MESSAGE"), { host: "nowhere.example", port: 5060 }, result);
  await lab.clock.advanceAsync(100);
  a.request(request("INFO"), B, result);
  await lab.clock.advanceAsync(100);
  expect(result.seen).toEqual([200, "unresolved", 200]);
  expect(asked).toEqual(["b.example", "nowhere.example"]);
  expect(a.log.named("peer.unresolved")).toHaveLength(1);
});

test("a name is followed to those of its addresses only that the caller lets be used", async () => {
  const lab = new EndpointLab();
  const resolver = { resolve: () => Promise.resolve(["10.0.0.9", "10.0.0.2"]) };
  const a = await lab.endpoint("10.0.0.1", { resolver });
  await lab.endpoint("10.0.0.2", {}, ok);
  const stranger = await lab.endpoint("10.0.0.9", {}, ok);
  const result = outcome();
  const name = { host: "b.example", port: 5060 };
  a.request(request(), { ...name, only: ({ host }) => host === "10.0.0.2" }, result);
  await lab.clock.advanceAsync(100);
  a.request(request("MESSAGE"), { ...name, only: () => false }, result);
  a.sendStateless(request("ACK"), { ...name, only: () => false });
  await lab.clock.advanceAsync(100);
  expect(result.seen).toEqual([200, "unresolved"]);
  expect(stranger.received).toEqual([]);
  expect(a.log.named("peer.unresolved")[0]).toMatchObject({
    host: "b.example",
    why: "no address of a peer we know",
  });
});

test("each peer is told the first address that is meant for it, and all of them are ours", async () => {
  const lab = new EndpointLab();
  const inside = (host: string): boolean => host.startsWith("10.");
  const a = await lab.endpoint("10.0.0.1", {
    advertise: [
      { forPeers: inside, host: "pcscf.inside", port: 0 },
      { host: "198.51.100.1", port: 15_060 },
    ],
  });
  expect(a.advertised({ host: "10.9.9.9", port: 1 })).toEqual({ host: "pcscf.inside", port: 5060 });
  expect(a.advertised({ host: "192.0.2.1", port: 1 })).toEqual({
    host: "198.51.100.1",
    port: 15_060,
  });
  const own = [
    ["10.0.0.1", 5060],
    ["PCSCF.inside", 5060],
    ["198.51.100.1", 15_060],
    ["198.51.100.1", 5060],
    ["10.0.0.2", 5060],
  ] as const;
  expect(own.map(([host, port]) => a.isOwn(host, port))).toEqual([true, true, true, false, false]);
  const received: Incoming[] = [];
  await lab.endpoint("10.0.0.2", {}, (incoming) => received.push(incoming));
  a.request(request(), B, outcome());
  lab.clock.advance(2 * LATENCY);
  expect(received[0]?.request.text("Via")).toContain("UDP pcscf.inside:5060;");
});

test("an interceptor sees both directions with the time of the clock", async () => {
  const lab = new EndpointLab();
  const seen: string[] = [];
  await lab.endpoint(
    "10.0.0.2",
    {
      interceptors: [
        (message, next) => {
          const { direction, bytes, flow, at } = message;
          seen.push(`${direction} ${bytes.length > 0} ${flow.transport} ${at - start}`);
          next(message);
        },
      ],
    },
    ok,
  );
  const start = lab.clock.now();
  const peer = await lab.peer("10.0.0.9");
  peer.send(plain("UDP 10.0.0.9:5060;branch=z9hG4bK1"), "10.0.0.2");
  expect(seen).toEqual([`in true udp ${LATENCY}`, `out true udp ${LATENCY}`]);
});
