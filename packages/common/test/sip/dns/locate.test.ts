// RFC 3263 §4 over a resolver that is a table; RFC 2782 with drawn weights; failover between targets.
import { createSocket } from "node:dgram";
import { describe, expect, test } from "vitest";
import { inOrder, type LocatedServer, locate, type Wanted } from "../../../src/sip/dns/locate.ts";
import {
  type NaptrRecord,
  type Resolver,
  type SrvRecord,
  systemDns,
  systemResolver,
} from "../../../src/sip/dns/resolver.ts";
import { newResponse } from "../../../src/sip/message/message.ts";
import type { TransportName } from "../../../src/sip/transport/transport.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { seededRandom } from "../../../src/testing/seeded-random.ts";
import { EndpointLab, ok, outcome, request } from "../endpoint/endpoint-lab.ts";

interface Zone {
  readonly a?: Readonly<Record<string, readonly string[]>>;
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>;
  readonly naptr?: Readonly<Record<string, readonly NaptrRecord[]>>;
}

function resolverOf({ a = {}, srv = {}, naptr = {} }: Zone): Resolver {
  return {
    resolve: (host) => {
      const found = a[host];
      return found === undefined ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(found);
    },
    srv: (name) => Promise.resolve(srv[name] ?? []),
    naptr: (host) => Promise.resolve(naptr[host] ?? []),
  };
}

function find(
  zone: Zone,
  wanted: Partial<Wanted>,
  kinds: readonly TransportName[] = ["udp", "tcp"],
): Promise<readonly LocatedServer[]> {
  return locate(
    { host: "ims.example", port: 5060, ...wanted },
    {
      resolver: resolverOf(zone),
      random: seededRandom(1),
      reaches: (transport, address) => kinds.includes(transport) && !address?.includes(":"),
    },
  );
}

const A = {
  "a.ims.example": ["10.0.0.1"],
  "b.ims.example": ["10.0.0.2"],
  "ims.example": ["10.0.0.9"],
};
const at = (name: string, priority = 0, weight = 0, port = 5070): SrvRecord => ({
  name,
  port,
  priority,
  weight,
});

describe("RFC 3263 §4", () => {
  const srv = { "_sip._udp.ims.example": [at("b.ims.example", 2), at("a.ims.example", 1)] };

  test("§4.2: a port given ends it: the addresses of the host", async () => {
    expect(await find({ a: A, srv }, { port: 5062 })).toEqual([
      { host: "10.0.0.9", port: 5062, transport: "udp" },
    ]);
  });

  test("without port: SRV by priority", async () => {
    expect(await find({ a: A, srv }, { byService: true })).toEqual([
      { host: "10.0.0.1", port: 5070, transport: "udp" },
      { host: "10.0.0.2", port: 5070, transport: "udp" },
    ]);
  });

  test("a transport given asks for that service only", async () => {
    const both = { ...srv, "_sip._tcp.ims.example": [at("b.ims.example", 0, 0, 5080)] };
    expect(await find({ a: A, srv: both }, { byService: true, transport: "tcp" })).toEqual([
      { host: "10.0.0.2", port: 5080, transport: "tcp" },
    ]);
  });

  test("NAPTR chooses the transport, of those this side has", async () => {
    const order = (service: string, replacement: string, order: number): NaptrRecord => ({
      service,
      replacement,
      order,
      preference: 1,
    });
    const naptr = {
      "ims.example": [
        order("SIP+D2U", "_sip._udp.ims.example", 3),
        order("SIP+D2T", "tcp.ims.example", 2),
        order("SIPS+D2T", "tls.ims.example", 1),
      ],
    };
    const zone = { a: A, naptr, srv: { ...srv, "tcp.ims.example": [at("b.ims.example")] } };
    expect((await find(zone, { byService: true }))[0]).toEqual({
      host: "10.0.0.2",
      port: 5070,
      transport: "tcp",
    });
    const tls = { ...zone, srv: { ...zone.srv, "tls.ims.example": [at("a.ims.example")] } };
    expect((await find(tls, { byService: true }, ["udp", "tls"]))[0]?.transport).toBe("tls");
  });

  test("no records at all: the host itself at the default port", async () => {
    expect(await find({ a: A }, { byService: true })).toEqual([
      { host: "10.0.0.9", port: 5060, transport: "udp" },
    ]);
  });

  test("addresses of a family this side does not reach are left out", async () => {
    expect(await find({ a: { "ims.example": ["2001:db8::1", "10.0.0.3"] } }, {})).toEqual([
      { host: "10.0.0.3", port: 5060, transport: "udp" },
    ]);
  });

  test("a name that leads nowhere is a rejection", async () => {
    await expect(find({}, {})).rejects.toThrow("ENOTFOUND");
  });
});

test("RFC 2782: within a priority the weight is a share; 0 comes rarely, `.` never", () => {
  const random = seededRandom(5);
  const records = [at("heavy", 1, 90), at("light", 1, 10), at("last", 2, 100), at(".", 0, 0)];
  let heavyFirst = 0;
  for (let count = 0; count < 1000; count++) {
    const names = inOrder(records, random).map(({ name }) => name);
    expect(names).toHaveLength(3);
    expect(names[2]).toBe("last");
    if (names[0] === "heavy") heavyFirst++;
  }
  expect(heavyFirst).toBeGreaterThan(850);
  expect(heavyFirst).toBeLessThan(950);
});

describe("RFC 3263 §4.3: the next target", () => {
  const resolver = resolverOf({ a: { "cscf.example": ["10.0.0.2", "10.0.0.3"] } });
  const TO = { host: "cscf.example", port: 5060 };

  test("after a refusal, a 503 or silence; the useless one comes last for 30 s", async () => {
    for (const useless of ["nobody", "503", "silent"]) {
      const lab = new EndpointLab();
      const a = await lab.endpoint("10.0.0.1", { resolver });
      if (useless === "503") await lab.endpoint("10.0.0.2", {}, (incoming) => incoming.refuse(503));
      if (useless === "silent") await lab.endpoint("10.0.0.2", {}, (incoming) => incoming.drop());
      const b = await lab.endpoint("10.0.0.3", {}, ok);
      const result = outcome();
      a.request(
        request("OPTIONS"),
        { ...TO, transport: useless === "nobody" ? "tcp" : "udp" },
        result,
      );
      await lab.clock.advanceAsync(33_000);
      expect(result.seen, useless).toEqual([200]);
      expect(a.log.named("peer.unavailable")).toHaveLength(1);
      const again = outcome();
      a.request(request("OPTIONS"), { ...TO, transport: "tcp" }, again);
      await lab.clock.advanceAsync(100);
      expect(again.seen).toEqual([200]);
      expect(b.received).toHaveLength(2);
    }
  });

  test("a CANCEL while the name is looked up holds for the target that is found", async () => {
    const lab = new EndpointLab();
    const a = await lab.endpoint("10.0.0.1", { resolver });
    const b = await lab.endpoint("10.0.0.2", {}, (incoming) => {
      const { request: came } = incoming;
      if (came.method !== "ACK")
        incoming.respond(newResponse(came, came.method === "INVITE" ? 180 : 200));
    });
    a.request(request("INVITE"), TO, outcome()).cancel();
    await lab.clock.advanceAsync(100);
    expect(b.received.map((incoming) => incoming.request.method)).toEqual(["INVITE", "CANCEL"]);
  });

  test("the last one's answer counts, whatever it is", async () => {
    const lab = new EndpointLab();
    const a = await lab.endpoint("10.0.0.1", { resolver });
    for (const host of ["10.0.0.2", "10.0.0.3"])
      await lab.endpoint(host, {}, (incoming) => incoming.refuse(503));
    const result = outcome();
    a.request(request("OPTIONS"), TO, result);
    await lab.clock.advanceAsync(1000);
    expect(result.seen).toEqual([503]);
  });
});

/** A name server that knows one SRV record; enough of RFC 1035 for that. */
async function nameServer(): Promise<{ port: number; close(): void }> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const target = Buffer.from("\u0001a\u0003ims\u0007example\0", "latin1");
    const record = Buffer.alloc(18);
    record.writeUInt16BE(0xc00c, 0); // the name asked for
    record.writeUInt16BE(33, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(60, 6);
    record.writeUInt16BE(6 + target.length, 10);
    record.writeUInt16BE(5090, 16);
    const head = Buffer.from(query);
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(1, 6);
    head.writeUInt16BE(0, 10); // no EDNS in the answer
    const end = head.indexOf(0, 12) + 5;
    socket.send(Buffer.concat([head.subarray(0, end), record, target]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { port: socket.address().port, close: () => socket.close() };
}

test("a real name server is asked and understood", async () => {
  const server = await nameServer();
  const resolver = systemResolver(new FakeClock(), systemDns([`127.0.0.1:${server.port}`]));
  expect(await resolver.srv("_sip._udp.ims.example")).toEqual([
    expect.objectContaining({ name: "a.ims.example", port: 5090 }),
  ]);
  server.close();
});
