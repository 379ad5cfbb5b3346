// A P-CSCF on real sockets: UEs on IPv6 over UDP, TLS and WebSocket, an S-CSCF on IPv4.

import { fileURLToPath } from "node:url";
import { systemClock } from "@ims-lab/common/platform/clock";
import { loadConfig } from "@ims-lab/common/platform/config";
import { createMetrics } from "@ims-lab/common/platform/metrics";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import {
  createEndpoint,
  type Endpoint,
  type Incoming,
} from "@ims-lab/common/sip/endpoint/endpoint";
import {
  newRequest,
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { transportOf, transportsOf } from "@ims-lab/common/sip/transport/listeners";
import type { TransportName } from "@ims-lab/common/sip/transport/transport";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { settings } from "../src/config.ts";
import { createPcscf, type Pcscf } from "../src/node.ts";
import { ALICE, credentials, DOMAIN } from "./lab.ts";

const clock = systemClock();
const random = cryptoRandom();
const log = memoryLogger();
const certificates = fileURLToPath(new URL("../../common/test/certificates/", import.meta.url));
const TLS = { key: undefined, cert: undefined, ca: `${certificates}authority.crt` };

let pcscf: Pcscf;
let scscf: Endpoint;
let registers: SipRequest[];
const endpoints: Endpoint[] = [];

async function endpoint(
  name: TransportName,
  host: string,
  handler: (incoming: Incoming) => void,
): Promise<Endpoint> {
  const transports = [transportOf(name, { host, port: 0 }, { clock, log, tls: TLS })];
  const made = createEndpoint({ name, transports, clock, random, log });
  await made.listen(handler);
  endpoints.push(made);
  return made;
}

beforeEach(async () => {
  registers = [];
  scscf = await endpoint("udp", "127.0.0.1", (incoming) => {
    const { request } = incoming;
    if (request.method !== "REGISTER") return;
    registers.push(request);
    const headers = [
      ["Contact", `${request.text("Contact")};expires=600`],
      ["Service-Route", "<sip:orig@127.0.0.1:6060;lr>"],
      ["P-Associated-URI", `<${ALICE}>`],
    ] as const;
    incoming.respond(newResponse(request, 200, { toTag: "s", headers }));
  });
  const loaded = loadConfig(settings, {
    argv: [
      "--access.host=::1",
      "--access.port=0",
      "--access.tls.port=0",
      `--access.tls.key=${certificates}node.key`,
      `--access.tls.cert=${certificates}node.crt`,
      "--access.ws.port=0",
      "--access.ws.securePort=0",
      "--core.host=127.0.0.1",
      "--core.port=0",
      `--scscf=sip:127.0.0.1:${scscf.local[0]?.port}`,
    ],
    env: {},
    readFile: () => "",
  });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  const { config } = loaded;
  pcscf = createPcscf({
    config,
    clock,
    random,
    log,
    metrics: createMetrics({ node: "pcscf", processFigures: false }),
    resolver: { resolve: () => Promise.resolve([]) },
    transports: {
      access: [
        ...transportsOf(config.access, { side: "access", clock, log }).filter(
          ({ name }) => name !== "tcp", // port 0 gives UDP and TCP different ports
        ),
      ],
      core: transportsOf(config.core, { side: "core", clock, log }).slice(0, 1),
    },
  });
  await pcscf.start();
});
afterEach(async () => {
  await pcscf.stop();
  await Promise.all(endpoints.splice(0).map((each) => each.close()));
});

function register(contact: string, cseq: number, authorization: string): SipRequest {
  return newRequest("REGISTER", `sip:${DOMAIN}`, [
    ["Max-Forwards", "70"],
    ["From", `<${ALICE}>;tag=a`],
    ["To", `<${ALICE}>`],
    ["Call-ID", "real-1"],
    ["CSeq", `${cseq} REGISTER`],
    ["Contact", contact],
    ["Expires", "600"],
    ["Authorization", authorization],
  ]);
}

test.each([
  ["udp", "UDP", "sip:", "", "ip-assoc"],
  ["tls", "TLS", "sips:", "", "tls"],
  ["ws", "WS", "sip:", ";transport=ws", "ip-assoc"],
  ["wss", "WSS", "sips:", ";transport=ws", "tls"],
] as const)("IPv6 over %s, IPv4 in the core", async (name, via, scheme, parameter, integrity) => {
  const at = pcscf.access.local.find(({ transport }) => transport === name);
  if (at === undefined) throw new Error("not listening");
  const invites: SipRequest[] = [];
  const ue = await endpoint(name, "::1", (incoming) => {
    invites.push(incoming.request);
    incoming.respond(newResponse(incoming.request, 200, { toTag: "u" }));
  });
  const seen: SipResponse[] = [];
  const failures: string[] = [];
  const send = async (request: SipRequest): Promise<SipResponse> => {
    const before = seen.length;
    ue.request(
      request,
      { host: "::1", port: at.port, transport: name },
      { onResponse: (response) => seen.push(response), onFailure: (why) => failures.push(why) },
    );
    await vi.waitFor(() => expect([...failures, seen.length]).toEqual([before + 1]));
    const response = seen.at(-1);
    if (response === undefined) throw new Error("no response");
    return response;
  };
  const contact = "<sip:alice@df7jal23ls0d.invalid;transport=ws>";
  const first = await send(register(contact, 1, credentials("n1", "r")));
  expect(first.status).toBe(200);
  expect(first.text("Via")).toContain(`SIP/2.0/${via} [::1]:`);
  const core = pcscf.core.local[0];
  const [received] = registers;
  expect(received?.texts("Via")[0]).toContain(`SIP/2.0/UDP 127.0.0.1:${core?.port}`);
  expect(received?.text("Path")).toMatch(/^<sip:[\w-]+@127\.0\.0\.1:\d+;lr>$/);
  expect(received?.text("Authorization")).toContain(`integrity-protected="${integrity}-pending"`);

  // The same connection, the same credentials: the association is known by now.
  await send(register(contact, 2, credentials("n1", "r")));
  expect(registers[1]?.text("Authorization")).toContain(`integrity-protected="${integrity}-yes"`);

  // A request from the core goes down the flow, whatever the Contact says.
  const invite = newRequest("SUBSCRIBE", "sip:alice@df7jal23ls0d.invalid;transport=ws", [
    ["Max-Forwards", "70"],
    ["Route", received?.text("Path") ?? ""],
    ["From", "<sip:bob@ims.example>;tag=b"],
    ["To", `<${ALICE}>`],
    ["Call-ID", "call-2"],
    ["CSeq", "1 SUBSCRIBE"],
    ["Event", "presence"],
    ["Contact", "<sip:127.0.0.1>"],
  ]);
  const statuses: number[] = [];
  scscf.request(
    invite,
    { host: "127.0.0.1", port: core?.port ?? 0 },
    { onResponse: ({ status }) => statuses.push(status), onFailure: () => statuses.push(0) },
  );
  await vi.waitFor(() => expect(statuses).toEqual([200]));
  const [top, below] = invites[0]?.texts("Record-Route") ?? [];
  const token = "[\\w.-]+";
  const lr = parameter === "" && name === "udp" ? ";transport=udp" : parameter;
  expect(top).toMatch(new RegExp(`^<${scheme}${token}@\\[::1\\]:${at.port}${lr};lr>$`));
  expect(below).toMatch(
    new RegExp(`^<sip:${token}@127\\.0\\.0\\.1:${core?.port};transport=udp;lr>$`),
  );
  expect(invites[0]?.texts("Via")[0]).toContain(`SIP/2.0/${via} [::1]:${at.port};`);
});
