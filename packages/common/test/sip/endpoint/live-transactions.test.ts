// The list of live transactions: what each waits for and until when, completed ones from their octets.
import { expect, test } from "vitest";
import { newResponse } from "../../../src/sip/message/message.ts";
import type { TransactionView } from "../../../src/sip/transaction/view.ts";
import { EndpointLab, type LabEndpoint, ok, outcome, plain, request } from "./endpoint-lab.ts";

const HOST = "10.0.0.2";
const TO = { host: HOST, port: 5060 };
const T1_64 = 32_000;

function shown(endpoint: LabEndpoint, now: number): readonly object[] {
  return endpoint.listTransactions(0, 100).map((view) => brief(view, now));
}

function brief({ kind, method, state, startedAt, endsAt, flow }: TransactionView, now: number) {
  const left = endsAt === undefined ? undefined : endsAt - now;
  return { kind, method, state, age: now - startedAt, left, peer: flow?.remote.host };
}

test("a request and its server side, from Trying to Completed to nothing", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  const b = await lab.endpoint(HOST);
  a.request(request(), TO, outcome());
  lab.clock.advance(100);
  const client = { kind: "client", method: "OPTIONS", peer: HOST };
  const server = { kind: "server", method: "OPTIONS", peer: "10.0.0.1" };
  expect(shown(a, lab.clock.now())).toEqual([
    { ...client, state: "trying", age: 100, left: T1_64 - 100 },
  ]);
  expect(shown(b, lab.clock.now())).toEqual([
    { ...server, state: "trying", age: 95, left: T1_64 - 95 },
  ]);
  const [incoming] = b.received;
  incoming?.respond(newResponse(incoming.request, 200));
  lab.clock.advance(10);
  expect(shown(a, lab.clock.now())).toEqual([
    { ...client, state: "completed", age: 110, left: 5_000 - 5 },
  ]);
  expect(shown(b, lab.clock.now())).toEqual([
    { ...server, state: "completed", age: 105, left: T1_64 - 10 },
  ]);
  const [kept] = [...a.listTransactions(0, 1)];
  const [answered] = [...b.listTransactions(0, 1)];
  expect([kept?.branch, kept?.callId]).toEqual([answered?.branch, "OPTIONS@10.0.0.1"]);
  expect([answered?.callId, kept?.branch]).toEqual([
    "OPTIONS@10.0.0.1",
    expect.stringMatching(/^z9hG4bK/),
  ]);
  lab.clock.advance(5_000);
  expect([shown(a, lab.clock.now()), shown(b, lab.clock.now()).length]).toEqual([[], 1]);
  lab.clock.advance(27_000);
  expect(shown(b, lab.clock.now())).toEqual([]);
});

test("INVITE: without an answer nothing ends it; with one Timer L or H does, and who it was stays known", async () => {
  const lab = new EndpointLab();
  const b = await lab.endpoint(HOST);
  const peer = await lab.peer("10.0.0.9");
  peer.send(plain("UDP 10.0.0.9:5060;branch=z9hG4bKi", "INVITE"), HOST);
  const only = (): TransactionView | undefined => b.listTransactions(0, 10)[0];
  expect(only()).toMatchObject({ state: "proceeding", endsAt: undefined, callId: "c1" });
  const [incoming] = b.received;
  incoming?.respond(newResponse(incoming.request, 200));
  const endsAt = lab.clock.now() + T1_64;
  expect(only()).toMatchObject({ state: "accepted", endsAt, branch: "z9hG4bKi", callId: "c1" });
});

test("a name that is being looked up: no peer yet, and no end", async () => {
  const lab = new EndpointLab();
  const resolver = { resolve: () => new Promise<readonly string[]>(() => undefined) };
  const a = await lab.endpoint("10.0.0.1", { resolver });
  a.request(request(), { host: "b.example", port: 5060 }, outcome());
  expect(a.listTransactions(0, 10)).toMatchObject([
    { kind: "client", state: "initial", flow: undefined, endsAt: undefined },
  ]);
});

test("a part of many, across completed and running ones", async () => {
  const lab = new EndpointLab();
  let answers = 0;
  const b = await lab.endpoint(HOST, {}, (incoming) => {
    if (answers++ < 5) ok(incoming);
  });
  const peer = await lab.peer("10.0.0.9");
  for (let n = 0; n < 8; n++) peer.send(plain(`UDP 10.0.0.9:5060;branch=z9hG4bK${n}`), HOST);
  const part = (offset: number, limit: number): string[] =>
    b.listTransactions(offset, limit).map(({ branch, state }) => `${branch.slice(7)} ${state}`);
  expect(part(3, 4)).toEqual(["3 completed", "4 completed", "5 trying", "6 trying"]);
  expect(part(7, 4)).toEqual(["7 trying"]);
  expect(part(8, 4)).toEqual([]);
  expect(b.transactions).toEqual({ servers: 8, clients: 0, pending: 3 });
});

test("a repeated request hears the same octets, by the same way, while a new one of that branch from elsewhere is served", async () => {
  const lab = new EndpointLab();
  const b = await lab.endpoint(HOST, {}, ok);
  const [peer, other] = [await lab.peer("10.0.0.9"), await lab.peer("10.0.0.8")];
  peer.send(plain("UDP 10.0.0.9:5060;branch=z9hG4bKr"), HOST);
  lab.clock.advance(20_000);
  peer.send(plain("UDP 10.0.0.9:5060;branch=z9hG4bKr"), HOST);
  other.send(plain("UDP 10.0.0.8:5060;branch=z9hG4bKr"), HOST);
  expect(peer.raw).toHaveLength(2);
  expect(peer.raw[1]).toBe(peer.raw[0]);
  expect([b.received.length, b.counted("retransmission-in", "OPTIONS")]).toEqual([2, 1]);
  lab.clock.advance(12_000);
  peer.send(plain("UDP 10.0.0.9:5060;branch=z9hG4bKr"), HOST);
  expect(b.received).toHaveLength(3);
});

test("a final response that comes again is taken in silence while Timer K runs, and is a stray one after it", async () => {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  const b = await lab.endpoint(HOST);
  const heard = outcome();
  a.request(request(), TO, heard);
  lab.clock.advance(10);
  const [incoming] = b.received;
  if (incoming === undefined) throw new Error("nothing arrived");
  const again = (): void => {
    b.sendStateless(newResponse(incoming.request, 200), { host: "10.0.0.1", port: 5060 });
    lab.clock.advance(10);
  };
  incoming.respond(newResponse(incoming.request, 200));
  lab.clock.advance(10);
  again();
  expect([heard.seen, a.counted("dropped", "stray-response")]).toEqual([[200], 0]);
  lab.clock.advance(5_000);
  again();
  expect([heard.seen, a.counted("dropped", "stray-response")]).toEqual([[200], 1]);
});
