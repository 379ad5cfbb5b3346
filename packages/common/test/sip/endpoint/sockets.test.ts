// Endpoints over real sockets on loopback, on ports the system chooses.
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../../src/platform/clock.ts";
import { cryptoRandom } from "../../../src/platform/random.ts";
import { createEndpoint, type Endpoint } from "../../../src/sip/endpoint/endpoint.ts";
import { newResponse, type SipResponse } from "../../../src/sip/message/message.ts";
import { tcpTransport } from "../../../src/sip/transport/tcp.ts";
import type { Flow, TransportName } from "../../../src/sip/transport/transport.ts";
import { udpTransport } from "../../../src/sip/transport/udp.ts";
import { request } from "./endpoint-lab.ts";

const open: Endpoint[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((endpoint) => endpoint.close()));
});

async function listening(host: string, kind: TransportName, status: number): Promise<Endpoint> {
  const clock = systemClock();
  const at = { host, port: 0 };
  const endpoint = createEndpoint({
    name: kind,
    transports: [kind === "udp" ? udpTransport(at) : tcpTransport({ ...at, clock })],
    clock,
    random: cryptoRandom(),
  });
  open.push(endpoint);
  await endpoint.listen((incoming) => {
    incoming.respond(newResponse(incoming.request, status));
  });
  return endpoint;
}

test.each<[string, TransportName]>([
  ["127.0.0.1", "udp"],
  ["127.0.0.1", "tcp"],
  ["::1", "udp"],
  ["::1", "tcp"],
])("a request and its answer: %s %s", async (host, kind) => {
  const a = await listening(host, kind, 202);
  const b = await listening(host, kind, 200);
  const [to] = b.local;
  if (to === undefined) throw new Error("nothing listens");
  const [response, flow] = await new Promise<[SipResponse, Flow]>((resolve, reject) => {
    a.request(request(), to, {
      onResponse: (answer, by) => resolve([answer, by]),
      onFailure: (why) => reject(new Error(why)),
    });
  });
  expect(response.status).toBe(200);
  expect(flow.transport).toBe(kind);
  expect(response.text("Via")).toContain("branch=z9hG4bK");
  expect(a.isOwn(host, a.local[0]?.port ?? 0)).toBe(true);
});
