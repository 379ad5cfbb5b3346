// Failed TLS handshakes and connections over a limit: one line per peer, which names the setting and what to do.

import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LogFields } from "../../../src/platform/logger.ts";
import type { TlsSettings } from "../../../src/platform/secured-settings.ts";
import { createEndpoint, type Endpoint } from "../../../src/sip/endpoint/endpoint.ts";
import { type SideSettings, transportsOf } from "../../../src/sip/transport/listeners.ts";
import type { StreamLimits } from "../../../src/sip/transport/stream-limits.ts";
import { tlsAdvice } from "../../../src/sip/transport/tls-advice.ts";
import { troubleOf } from "../../../src/sip/transport/tls-trouble.ts";
import type { HostPort } from "../../../src/sip/transport/transport.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { type MemoryLogger, memoryLogger } from "../../../src/testing/memory-logger.ts";
import { seededRandom } from "../../../src/testing/seeded-random.ts";
import type { Certificate } from "../../certificates.ts";
import { dialTcp, dialTls } from "../../contract/socket-lab.ts";
import { message } from "../../contract/transport-lab.ts";

const HOST = "127.0.0.1";
const FILES = fileURLToPath(new URL("../../certificates/", import.meta.url));

interface Side {
  readonly log: MemoryLogger;
  readonly counted: string[];
  readonly endpoint: Endpoint;
  /** Where it listens for TLS. */
  readonly at: HostPort;
}

let clock: FakeClock;
const opened: Endpoint[] = [];
beforeEach(() => {
  clock = new FakeClock();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((endpoint) => endpoint.close()));
});

async function open(
  certificate: Certificate | undefined,
  options: Partial<TlsSettings> & { readonly limits?: Partial<StreamLimits> } = {},
): Promise<Side> {
  const { limits = {}, ...own } = options;
  const log = memoryLogger();
  const tls: TlsSettings = {
    port: 0,
    key: certificate && `${FILES}${certificate}.key`,
    cert: certificate && `${FILES}${certificate}.crt`,
    ca: `${FILES}authority.crt`,
    requestClientCertificate: false,
    ...own,
  };
  const settings: SideSettings = { host: HOST, port: 0, tls };
  const transports = transportsOf(settings, { side: "access", clock, log, limits });
  const counted: string[] = [];
  const counters = {
    count: (event: string, label: string) => void counted.push(`${event} ${label}`),
  };
  const random = seededRandom(1);
  const endpoint = createEndpoint({ name: "access", transports, clock, random, log, counters });
  await endpoint.listen((incoming) => incoming.drop());
  opened.push(endpoint);
  const at = endpoint.local.find(({ transport }) => transport === "tls");
  if (at === undefined) throw new Error("it does not listen for TLS");
  return { log, counted, endpoint, at: { host: HOST, port: at.port } };
}

/** What an operator reads of it: warnings alone. */
function lines(side: Side, event = "tls.handshake-failed"): readonly LogFields[] {
  const found = side.log.events.filter((logged) => logged.event === event);
  expect(found.every(({ level }) => level === "warn")).toBe(true);
  return found.map(({ fields }) => fields);
}

async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(
    () => {
      clock.advance(0);
      if (!condition()) throw new Error("still waiting");
    },
    { interval: 1, timeout: 3000 },
  );
}

describe("we connect", () => {
  /** Three messages in a row to whom does not do. */
  async function failsThrice(we: Side, to: HostPort, domain: string = to.host): Promise<void> {
    const transport = transportsOf(
      { host: HOST, port: 0, tls: tlsOfClient() },
      { side: "core", clock, log: we.log },
    ).find(({ name }) => name === "tls");
    if (transport === undefined) throw new Error("no TLS");
    await transport.listen({ onMessage() {}, onClosed() {}, onRejected() {} });
    let failed = 0;
    for (let round = 1; round <= 3; round++) {
      const flow = transport.flowTo({ ...to, domain });
      transport.send(Buffer.from(message("bob")), flow, () => failed++);
      await until(() => {
        clock.advance(100);
        return failed === round;
      });
    }
    await transport.close();
  }
  function tlsOfClient(): TlsSettings {
    return {
      port: 0,
      key: `${FILES}node.key`,
      cert: `${FILES}node.crt`,
      ca: `${FILES}authority.crt`,
      requestClientCertificate: false,
    };
  }

  test.each<[string, Certificate, string, string, RegExp, RegExp]>([
    ["expired", "expired", HOST, "core.tls.ca", /expired/, /renew the peer's certificate/],
    [
      "of an unknown authority",
      "stranger",
      HOST,
      "core.tls.ca",
      /certificate/,
      /put the authority/,
    ],
    [
      "of another name",
      "scscf",
      "pcscf.ims.example",
      "core.tls.ca",
      /not pcscf\.ims\.example/,
      /RFC 5922/,
    ],
  ])(
    "the peer's certificate is %s: one line",
    async (_what, certificate, domain, setting, why, what) => {
      const peer = await open(certificate);
      await failsThrice(peer, peer.at, domain);
      const ours = lines(peer).filter(({ connected }) => connected === "by us");
      expect(ours).toEqual([
        expect.objectContaining({
          peer: `${HOST}:${peer.at.port}`,
          setting,
          why: expect.stringMatching(why),
          what: expect.stringMatching(what),
        }),
      ]);
    },
  );

  test.each([
    ["answers in plain SIP", "SIP/2.0 400 Bad Request\r\n\r\n"],
    ["says nothing", ""],
  ])("there is no TLS at that port, which %s: one line", async (_what, answer) => {
    const plain = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.write(answer));
    });
    await new Promise<void>((resolve) => plain.listen(0, HOST, resolve));
    const { port } = plain.address() as AddressInfo;
    const ours = await open("node");
    await failsThrice(ours, { host: HOST, port });
    expect(lines(ours)).toEqual([
      expect.objectContaining({
        connected: "by us",
        peer: `${HOST}:${port}`,
        what: expect.stringContaining("name the peer's TLS port"),
      }),
    ]);
    plain.close();
  });

  test("nobody listens there: no matter of TLS", async () => {
    const ours = await open("node");
    await failsThrice(ours, { host: HOST, port: 9 });
    expect(lines(ours)).toEqual([]);
  });
});

describe("they connect", () => {
  test("plain SIP at the TLS port: one line however often, counted each time", async () => {
    const node = await open("node");
    for (let round = 1; round <= 3; round++) {
      const peer = await dialTcp(node.at);
      peer.write(message("bob"));
      await until(() => peer.closed && node.counted.length === round);
    }
    expect(node.counted).toEqual(Array(3).fill("dropped TLS handshake failed"));
    expect(lines(node)).toEqual([
      expect.objectContaining({
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        connected: "to us",
        setting: "access.tls.port",
        what: expect.stringContaining("without TLS"),
      }),
    ]);
    clock.advance(600_000);
    const again = await dialTcp(node.at);
    again.write(message("bob"));
    await until(() => lines(node).length === 2);
  });

  test.each<[string, Certificate | undefined, string, RegExp]>([
    [
      "none where one is required",
      undefined,
      "access.tls.requestClientCertificate",
      /shows no certificate/,
    ],
    ["one of an unknown authority", "stranger", "access.tls.ca", /is not good/],
    ["one that has expired", "expired", "access.tls.ca", /CERT_HAS_EXPIRED/],
  ])(
    "a client certificate, %s: one line, and nothing it says is taken",
    async (_what, shown, setting, why) => {
      const node = await open("node", { requestClientCertificate: true });
      const own =
        shown === undefined
          ? {}
          : {
              key: readFileSync(`${FILES}${shown}.key`),
              cert: readFileSync(`${FILES}${shown}.crt`),
            };
      for (let round = 1; round <= 3; round++) {
        const peer = await dialTls(node.at, own);
        peer.write(message("bob"));
        await until(() => peer.closed && node.counted.length === round);
      }
      expect(node.counted).toEqual(Array(3).fill("dropped TLS handshake failed"));
      expect(lines(node)).toEqual([
        expect.objectContaining({ setting, connected: "to us", why: expect.stringMatching(why) }),
      ]);
    },
  );

  test("a client that does not believe us, as OpenSSL words it: our certificate is meant", () => {
    const text =
      "40B7:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:../rec.c:1600:";
    const error = Object.assign(new Error(text), { code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA" });
    const trouble = troubleOf(error, { host: HOST, port: 9 }, "they");
    expect(trouble).toMatchObject({ kind: "disbelieved", why: "tlsv1 alert unknown ca" });
    expect(tlsAdvice(trouble, "").setting).toBe("tls.cert");
  });
});

test("a source over a limit is named once, with the setting", async () => {
  const node = await open("node", { limits: { maxHalfOpenPerSource: 1 } });
  const first = await dialTcp(node.at);
  for (let round = 1; round <= 3; round++) {
    const peer = await dialTcp(node.at);
    await until(() => peer.closed && node.counted.length === round);
  }
  expect(node.counted).toEqual(Array(3).fill("limited too many half-open connections"));
  expect(lines(node, "connection.limited")).toEqual([
    expect.objectContaining({
      peer: HOST,
      reason: "too many half-open connections",
      setting: "limits.maxHalfOpenPerSource",
    }),
  ]);
  first.close();
});
