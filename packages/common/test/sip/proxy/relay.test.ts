// A stateful relay between two endpoints' peers: RFC 3261 §16.6-16.9, RFC 4320.
import { expect, test } from "vitest";
import type { Incoming } from "../../../src/sip/endpoint/endpoint.ts";
import { newResponse } from "../../../src/sip/message/message.ts";
import { type Relay, relay } from "../../../src/sip/proxy/relay.ts";
import { countHop } from "../../../src/sip/proxy/validate.ts";
import { EndpointLab, type LabEndpoint, ok, outcome, request } from "../endpoint/endpoint-lab.ts";

const P = { host: "10.0.0.5", port: 5060 };
const B = { host: "10.0.0.2", port: 5060 };

interface Chain {
  readonly lab: EndpointLab;
  readonly a: LabEndpoint;
  readonly b: LabEndpoint | undefined;
  run(method?: string, ms?: number): (number | string)[];
}

/** a → p → b; without a handler nobody listens at b. */
async function chain(
  handler: ((incoming: Incoming) => void) | undefined,
  options: Partial<Relay> = {},
): Promise<Chain> {
  const lab = new EndpointLab();
  const a = await lab.endpoint("10.0.0.1");
  const p: LabEndpoint = await lab.endpoint(P.host, {}, (incoming) => {
    if (incoming.request.method === "ACK") return;
    const outgoing = incoming.request.clone();
    countHop(outgoing);
    relay({ incoming, outgoing, to: B, sender: p, ...options });
  });
  const b = handler === undefined ? undefined : await lab.endpoint(B.host, {}, handler);
  return {
    lab,
    a,
    b,
    run: (method, ms = 100) => {
      const result = outcome();
      a.request(request(method), P, result);
      lab.clock.advance(ms);
      return result.seen;
    },
  };
}

const answer =
  (...statuses: number[]) =>
  (incoming: Incoming): void => {
    if (incoming.request.method === "ACK") return;
    for (const status of statuses) incoming.respond(newResponse(incoming.request, status));
  };
const silent = (): void => undefined;

test("§16.6, §16.7: a Via on the way there, off on the way back", async () => {
  const { b, run } = await chain(ok);
  expect(run()).toEqual([200]);
  const [top = "", below = "", ...more] = b?.received[0]?.request.texts("Via") ?? [];
  expect(top).toMatch(/^SIP\/2.0\/UDP 10.0.0.5:5060;branch=z9hG4bK[0-9a-f]{32}\.\d+;/);
  expect(below).toMatch(/^SIP\/2.0\/UDP 10.0.0.1:5060;.*;received=10.0.0.1;rport=5060$/);
  expect(more).toEqual([]);
  expect(b?.received[0]?.request.text("Max-Forwards")).toBe("69");
});

test("§16.2, §16.7 item 5: INVITE gets our 100 at once, a 100 from beyond goes no further", async () => {
  const { run } = await chain(answer(100, 180, 200));
  expect(run("INVITE")).toEqual([100, 180, 200]);
});

test("§16.7: the user may change a response or keep it back, the request's own stay untouched", async () => {
  const { run, a } = await chain(answer(200), {
    onResponse: (response) => response.set("Service-Route", "<sip:s.example;lr>"),
  });
  expect(run()).toEqual([200]);
  expect(a.counted("response-in", "2xx")).toBe(1);
  const withheld = await chain(answer(200), { onResponse: () => undefined });
  expect(withheld.run()).toEqual([]);
});

test("§16.7 item 6: a 503 from beyond becomes a 500, or passes where that is wanted", async () => {
  expect((await chain(answer(503))).run()).toEqual([500]);
  expect((await chain(answer(503), { unavailable: "as-503" })).run()).toEqual([503]);
});

test("§16.9: a next hop that cannot be reached counts as a 503", async () => {
  expect((await chain(undefined)).run()).toEqual([500]);
  expect((await chain(undefined, { unavailable: "as-503" })).run()).toEqual([503]);
});

test("§16.8: an INVITE without answer gets a 408", async () => {
  const lab = new EndpointLab();
  const result = outcome();
  const a = await lab.endpoint("10.0.0.1");
  const p: LabEndpoint = await lab.endpoint(P.host, {}, (incoming) => {
    if (incoming.request.method === "INVITE")
      relay({ incoming, outgoing: incoming.request.clone(), to: B, sender: p });
  });
  await lab.peer(B.host);
  a.request(request("INVITE"), P, result);
  lab.clock.advance(33_000);
  expect(result.seen).toEqual([100, 408]);
});

test("RFC 4320 §4.2: any other request without answer gets none, least of all a 408", async () => {
  const { run } = await chain(silent);
  expect(new Set(run("MESSAGE", 40_000))).toEqual(new Set([100, "timeout"]));
});

test("a failure that was dealt with elsewhere is not answered", async () => {
  const reasons: string[] = [];
  const takeOver = (why: string): boolean => reasons.push(why) > 0;
  expect((await chain(undefined, { takeOver })).run()).toEqual([]);
  expect((await chain(answer(503), { takeOver })).run()).toEqual([]);
  expect(reasons).toEqual(["refused", "503"]);
});
