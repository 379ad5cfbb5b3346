// An endpoint on a simulated network: RFC 3261 §8.2.7, §17, §18; RFC 3581, RFC 4320, RFC 6026.
import { expect, test } from "vitest";
import type { Incoming } from "../../../src/sip/endpoint/endpoint.ts";
import { newResponse } from "../../../src/sip/message/message.ts";
import { firstN } from "../../../src/testing/drop-patterns.ts";
import {
  EndpointLab,
  LATENCY,
  type LabEndpoint,
  ok,
  outcome,
  plain,
  request,
} from "./endpoint-lab.ts";

const B = { host: "10.0.0.2", port: 5060 };

async function pair(
  handler?: (incoming: Incoming) => void,
  a: Parameters<EndpointLab["endpoint"]>[1] = {},
  b: Parameters<EndpointLab["endpoint"]>[1] = {},
): Promise<{ lab: EndpointLab; a: LabEndpoint; b: LabEndpoint }> {
  const lab = new EndpointLab();
  return {
    lab,
    a: await lab.endpoint("10.0.0.1", a),
    b: await lab.endpoint("10.0.0.2", b, handler),
  };
}

test("a request gets our Via with a 128-bit branch and rport, and its answer comes back", async () => {
  const { lab, a, b } = await pair(ok);
  const result = outcome();
  const sent = request();
  const { branch } = a.request(sent, B, result);
  lab.clock.advance(2 * LATENCY);
  expect(branch).toMatch(/^z9hG4bK[0-9a-f]{32}$/);
  expect(b.received[0]?.request.texts("Via")).toEqual([
    `SIP/2.0/UDP 10.0.0.1:5060;branch=${branch};received=10.0.0.1;rport=5060`,
  ]);
  expect(result.seen).toEqual([200]);
  expect(result.responses[0]?.to.params.get("tag")).toMatch(/^[0-9a-f]{16}$/);
  expect(sent.has("Via")).toBe(false); // the caller's request stays as it was
});

test("RFC 3261 §17.1.2.2: eleven sends in 32 s, then a timeout", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  await lab.peer("10.0.0.2");
  const result = outcome();
  a.request(request(), B, result);
  lab.clock.advance(31_999);
  const starts = lab.network.log.map(({ at }) => at - (lab.network.log[0]?.at ?? 0));
  expect(starts).toEqual([
    0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
  ]);
  expect(result.seen).toEqual([]);
  lab.clock.advance(1);
  expect(result.seen).toEqual(["timeout"]);
  expect(a.counted("request-failed", "timeout")).toBe(1);
});

test("a repeated request is answered from the transaction, the handler sees it once", async () => {
  const { lab, a, b } = await pair(ok);
  lab.network.drop({ from: { host: "10.0.0.2" } }, firstN(2));
  const result = outcome();
  a.request(request(), B, result);
  lab.clock.advance(5000);
  expect(result.seen).toEqual([200]);
  expect(b.received).toHaveLength(1);
  expect(b.counted("retransmission-in", "OPTIONS")).toBe(2);
  expect(b.counted("retransmission-out", "response")).toBe(2);
});

test("RFC 4320: a slow user's request gets a 100 after 3.5 s, and no answer after 32 s", async () => {
  const { lab, a, b } = await pair();
  const result = outcome();
  a.request(request(), B, result);
  lab.clock.advance(3500 + 2 * LATENCY);
  expect(new Set(result.seen)).toEqual(new Set([100]));
  lab.clock.advance(29_000);
  expect(new Set(result.seen)).toEqual(new Set([100, "timeout"]));
  const before = lab.network.log.length;
  b.received.map(ok);
  expect(lab.network.log).toHaveLength(before);
});

test("RFC 3261 §17.1.1.3: the ACK of a failure is made below the user and absorbed there", async () => {
  const { lab, a, b } = await pair((incoming) => {
    incoming.respond(newResponse(incoming.request, 486));
  });
  const result = outcome();
  a.request(request("INVITE", [["Route", "<sip:10.0.0.2;lr>"]]), B, result);
  lab.clock.advance(10_000);
  expect(result.seen).toEqual([486]);
  expect(b.received.map((each) => each.request.method)).toEqual(["INVITE"]);
  const texts = lab.network.log.map(({ bytes }) => bytes.toString("latin1"));
  expect(texts).toHaveLength(3);
  expect(texts[2]).toMatch(/^ACK sip:bob@10.0.0.2 SIP\/2.0\r\n/);
  expect(texts[2]).toContain("Route: <sip:10.0.0.2;lr>\r\n");
  const branchOf = (text = ""): string | undefined => /branch=([^;]+)/.exec(text)?.[1];
  expect(branchOf(texts[2])).toBe(branchOf(texts[0]));
});

test("RFC 6026: every 2xx of an INVITE goes up, and its ACK reaches the handler", async () => {
  const { lab, a, b } = await pair((incoming) => {
    if (incoming.request.method !== "INVITE") return;
    incoming.respond(newResponse(incoming.request, 200, { toTag: "one" }));
    incoming.respond(newResponse(incoming.request, 200, { toTag: "two" }));
  });
  const result = outcome();
  a.request(request("INVITE"), B, result);
  lab.clock.advance(100);
  expect(result.seen).toEqual([200, 200]);
  a.sendStateless(request("ACK"), B);
  lab.clock.advance(100);
  expect(b.received.map((each) => each.request.method)).toEqual(["INVITE", "ACK"]);
});

test("RFC 3261 §9.2: a CANCEL comes with the INVITE it cancels; after the answer it does nothing", async () => {
  const lab = new EndpointLab();
  const b = await lab.endpoint("10.0.0.2");
  const peer = await lab.peer("10.0.0.1");
  const via = "UDP 10.0.0.1:5060;branch=z9hG4bKi";
  peer.send(plain(via, "INVITE"), "10.0.0.2");
  peer.send(plain(via, "CANCEL"), "10.0.0.2");
  const [invite, cancel] = b.received;
  expect(cancel?.cancels).toBe(invite);
  if (cancel !== undefined) ok(cancel);
  invite?.respond(newResponse(invite.request, 487));
  lab.clock.advance(40_000); // CANCEL forgotten, INVITE not acknowledged and gone
  peer.send(plain(via, "INVITE"), "10.0.0.2");
  b.received.at(-1)?.respond(newResponse(b.received[2]?.request ?? request(), 486));
  const before = b.received.length;
  peer.send(plain(via, "CANCEL"), "10.0.0.2");
  expect(b.received).toHaveLength(before);
  expect(peer.inbox.at(-1)).toMatchObject({ status: 200 });
  peer.send(plain("UDP 10.0.0.1:5060;branch=z9hG4bKother", "CANCEL"), "10.0.0.2");
  expect(b.received.at(-1)?.cancels).toBeUndefined();
});

test("a Via's maddr leads no answer anywhere (decision 0015)", async () => {
  const lab = new EndpointLab();
  await lab.endpoint("10.0.0.2", {}, ok);
  const asking = await lab.peer("10.0.0.9");
  const victim = await lab.peer("10.0.0.8");
  asking.send(plain("UDP 10.0.0.9;branch=z9hG4bK1;maddr=10.0.0.8;rport"), "10.0.0.2");
  asking.send(plain("UDP 10.0.0.9;branch=z9hG4bK2;maddr=10.0.0.8"), "10.0.0.2");
  expect(asking.inbox).toHaveLength(2);
  expect(victim.inbox).toEqual([]);
});

test("RFC 3581: answers go to the source port when rport is there, else to the Via's port", async () => {
  const lab = new EndpointLab();
  await lab.endpoint("10.0.0.2", {}, ok);
  const nat = await lab.peer("10.0.0.9", 40_000);
  const plainPort = await lab.peer("10.0.0.9", 5070);
  nat.send(plain("UDP 192.168.0.5:5070;branch=z9hG4bK1;rport"), "10.0.0.2");
  expect(nat.inbox[0]?.text("Via")).toBe(
    "SIP/2.0/UDP 192.168.0.5:5070;branch=z9hG4bK1;received=10.0.0.9;rport=40000",
  );
  nat.send(plain("UDP 192.168.0.5:5070;branch=z9hG4bK2"), "10.0.0.2");
  expect(nat.inbox).toHaveLength(1);
  expect(plainPort.inbox[0]?.text("Via")).toBe(
    "SIP/2.0/UDP 192.168.0.5:5070;branch=z9hG4bK2;received=10.0.0.9",
  );
});

test("RFC 3261 §8.2.7: a refusal leaves no transaction, and equal requests get equal tags", async () => {
  const { lab, b } = await pair((incoming) => incoming.refuse(403));
  const peer = await lab.peer("10.0.0.9");
  const text = plain("UDP 10.0.0.9:5060;branch=z9hG4bK1");
  peer.send(text, "10.0.0.2");
  peer.send(text, "10.0.0.2");
  expect(b.received).toHaveLength(2);
  const tags = peer.inbox.map((each) => each.to.params.get("tag"));
  expect(tags[0]).toMatch(/^\d+$/);
  expect(tags[1]).toBe(tags[0]);
});

test("a draining endpoint refuses new requests with 503 and answers repeated ones as before", async () => {
  const { lab, b } = await pair(ok, {}, { retryAfterSeconds: 7 });
  const peer = await lab.peer("10.0.0.9");
  const first = plain("UDP 10.0.0.9:5060;branch=z9hG4bK1");
  peer.send(first, "10.0.0.2");
  b.drain();
  peer.send(first, "10.0.0.2");
  peer.send(plain("UDP 10.0.0.9:5060;branch=z9hG4bK2"), "10.0.0.2");
  expect(peer.inbox.map((each) => (each.kind === "response" ? each.status : 0))).toEqual([
    200, 200, 503,
  ]);
  const seconds = Number(peer.inbox[2]?.text("Retry-After"));
  expect(seconds).toBeGreaterThanOrEqual(7);
  expect(seconds).toBeLessThanOrEqual(14);
});

test("above the limit of transactions: 503 without state, until old ones have ended", async () => {
  const { lab, b } = await pair(ok, {}, { maxTransactions: 1 });
  const peer = await lab.peer("10.0.0.9");
  for (const branch of ["1", "2"])
    peer.send(plain(`UDP 10.0.0.9:5060;branch=z9hG4bK${branch}`), "10.0.0.2");
  lab.clock.advance(32_000);
  peer.send(plain("UDP 10.0.0.9:5060;branch=z9hG4bK3"), "10.0.0.2");
  expect(peer.inbox.map((each) => (each.kind === "response" ? each.status : 0))).toEqual([
    200, 503, 200,
  ]);
  expect(b.received).toHaveLength(2);
});

test("at the limit of transactions those that have ended do not count, though nobody has looked at them yet", async () => {
  const { lab, b } = await pair(ok, {}, { maxTransactions: 2 });
  const peer = await lab.peer("10.0.0.9");
  for (const [branch, wait] of [100, 31_950, 50, 0].entries()) {
    peer.send(plain(`UDP 10.0.0.9:5060;branch=z9hG4bK${branch}`), "10.0.0.2");
    lab.clock.advance(wait);
  }
  expect(b.received).toHaveLength(4);
});

test("limits.maxTransactionBytes: above it 503 without state, until large ones have ended", async () => {
  const { lab, b } = await pair(ok, {}, { maxTransactionBytes: 1_000 });
  const peer = await lab.peer("10.0.0.9");
  const send = (branch: string, extra = ""): void =>
    peer.send(plain(`UDP 10.0.0.9:5060;branch=z9hG4bK${branch}${extra}`), "10.0.0.2");
  send("1");
  send("2", `;x=${"x".repeat(1_000)}`);
  send("3");
  lab.clock.advance(32_000);
  send("4");
  expect(peer.inbox.map((each) => (each.kind === "response" ? each.status : 0))).toEqual([
    200, 200, 503, 200,
  ]);
  expect(b.counted("limited", "transaction-bytes")).toBe(1);
  expect(b.received).toHaveLength(3);
});

test("an answer is heard whatever its header lines: it repeats those of the request", async () => {
  const messageLimits = { maxHeaders: 16, maxHeaderBytes: 300 };
  const { lab, a } = await pair(
    (incoming) => {
      const headers = Array.from({ length: 20 }, (_, at) => [`X-${at}`, "x".repeat(400)] as const);
      incoming.respond(newResponse(incoming.request, 200, { headers }));
    },
    { messageLimits },
  );
  const result = outcome();
  a.request(request(), B, result);
  lab.clock.advance(100);
  expect(result.seen).toEqual([200]);
});

test("a refusal that no datagram holds leaves out what makes it so large", async () => {
  const { lab, a } = await pair(
    (incoming) => {
      incoming.respond(
        newResponse(incoming.request, 420, { headers: [["Unsupported", "x, ".repeat(22_000)]] }),
      );
    },
    { udpMtuBytes: 0 },
  );
  const result = outcome();
  a.request(request("OPTIONS", [["X", "x".repeat(40_000)]]), { ...B, transport: "udp" }, result);
  lab.clock.advance(2_000);
  expect(result.seen).toEqual([420]);
});

test("RFC 6026 §8.9: responses of no transaction are dropped and counted", async () => {
  const lab = new EndpointLab();
  const b = await lab.endpoint("10.0.0.2");
  const peer = await lab.peer("10.0.0.9");
  const stray = plain("UDP 10.0.0.2:5060;branch=z9hG4bKx").replace(/^.*\r\n/, "SIP/2.0 200 OK\r\n");
  peer.send(stray, "10.0.0.2");
  peer.send(stray.replace("10.0.0.2:5060", "10.0.0.3:5060"), "10.0.0.2");
  expect(b.counted("dropped", "stray-response")).toBe(1);
  expect(b.counted("dropped", "foreign-response")).toBe(1);
});

test("a handler that throws costs its request a 500, not the node", async () => {
  const { lab, a, b } = await pair(() => {
    throw new Error("our fault");
  });
  const result = outcome();
  a.request(request(), B, result);
  lab.clock.advance(100);
  expect(result.seen).toEqual([500]);
  expect(b.log.named("request.handler-failed")).toHaveLength(1);
});

test("an abandoned request is neither repeated nor reported", async () => {
  const { lab, a } = await pair(undefined);
  const result = outcome();
  a.request(request(), B, result).abandon();
  lab.clock.advance(40_000);
  expect(result.seen).toEqual([]);
  expect(lab.network.log.filter(({ from }) => from.host === "10.0.0.1")).toHaveLength(1);
});
