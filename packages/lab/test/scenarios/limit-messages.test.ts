// Limits of both CSCFs, at them and over them: the answer, and nothing left behind.
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { describe, expect, test } from "vitest";
import { ACCESS, CORE, DOMAIN, impuOf, Lab, type Peer, SCSCF } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

const NODES = { "P-CSCF": ACCESS, "S-CSCF": SCSCF } as const;
const BOTH = (limits: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(limits).map(([name, value]) => [`limits.${name}`, value]));

async function start(
  limits: Readonly<Record<string, number>>,
  ofAccess: Readonly<Record<string, number>> = {},
): Promise<{ lab: Lab; peer: Peer }> {
  const pcscf = BOTH({ ...limits, ...ofAccess });
  const lab = await Lab.start({ scscf: BOTH(limits), pcscf });
  return { lab, peer: await lab.peer() };
}

/** An OPTIONS to the node itself: any stranger's is answered. */
function options(
  peer: Peer,
  node: keyof typeof NODES,
  headers: [string, string][] = [],
): SipRequest {
  const { host, port } = NODES[node];
  return peer.request("OPTIONS", `sip:${host}:${port}`, impuOf("mallory"), headers);
}

describe.each(["P-CSCF", "S-CSCF"] as const)("%s", (node) => {
  const at = NODES[node];

  test("limits.maxHeaders: at it 200, over it 400", async () => {
    const { lab, peer } = await start({ maxHeaders: 20 });
    const request = options(peer, node);
    const extra = (count: number): [string, string][] =>
      Array.from({ length: count }, (_, n): [string, string] => [`X-${n}`, "x"]);
    const own = request.names().length + 1; // Content-Length is added
    expect(lab.exchange(peer, options(peer, node, extra(20 - own)), at).status).toBe(200);
    const over = lab.exchange(peer, options(peer, node, extra(21 - own)), at);
    expect([over.status, over.reason]).toEqual([400, "too many header lines"]);
  });

  test("limits.maxHeaderBytes: at it 200, over it 400", async () => {
    const { lab, peer } = await start({ maxHeaderBytes: 300 });
    const line = (octets: number): [string, string][] => [["X", "x".repeat(octets - 3)]];
    expect(lab.exchange(peer, options(peer, node, line(300)), at).status).toBe(200);
    const over = lab.exchange(peer, options(peer, node, line(301)), at);
    expect([over.status, over.reason]).toEqual([400, "a header line too long"]);
  });

  test("limits.maxMessageBytes over UDP: over it 513, short and without state", async () => {
    const { lab, peer } = await start({ maxMessageBytes: 1300 });
    const long: [string, string][] = [["X", "x".repeat(700)]];
    expect(lab.exchange(peer, options(peer, node, long), at).status).toBe(200);
    const longer: [string, string][] = [["X", "x".repeat(1300)]];
    expect(lab.exchange(peer, options(peer, node, longer), at).status).toBe(513);
  });
});

describe("P-CSCF, access side", () => {
  test("limits.registersPerSecondPerSource: over it 503 with Retry-After, far over silence, others unharmed", async () => {
    const { lab, peer } = await start(
      {},
      {
        registersPerSecondPerSource: 2,
        burstSeconds: 2,
      },
    );
    const other = await ScriptedUe.start(lab, "carol");
    const asked = Array.from({ length: 20 }, () =>
      peer.request("REGISTER", `sip:${DOMAIN}`, impuOf("mallory"), [
        ["Contact", "<sip:m@192.0.2.1>"],
      ]),
    );
    for (const request of asked) peer.send(request, ACCESS);
    lab.pass(0.1);
    const statuses = asked.map((request) => peer.answerTo(request)?.status ?? 0);
    expect(statuses.slice(4, 12)).toEqual(Array(8).fill(503));
    expect(statuses.slice(12)).toEqual(Array(8).fill(0));
    expect(statuses.slice(0, 4)).not.toContain(503);
    const waits = peer.responses.flatMap((one) => one.text("Retry-After") ?? []).map(Number);
    expect(waits).toHaveLength(8);
    for (const seconds of waits) expect(seconds).toBeGreaterThanOrEqual(5);
    expect(new Set(waits).size).toBeGreaterThan(1);
    expect(other.register().status).toBe(200);
    lab.pass(2);
    const later = peer.request("REGISTER", `sip:${DOMAIN}`, impuOf("mallory"), [
      ["Contact", "<sip:m@192.0.2.1>"],
    ]);
    expect(lab.exchange(peer, later).status).not.toBe(503);
  });

  test("responses and ACKs of strangers make nothing: no answer, no transaction", async () => {
    const { lab, peer } = await start(
      {},
      {
        registersPerSecondPerSource: 1,
        requestsPerSecondPerSource: 1,
      },
    );
    for (const at of [ACCESS, CORE, SCSCF]) {
      for (let n = 0; n < 50; n++) {
        peer.send(peer.request("ACK", impuOf("carol"), impuOf("mallory")), at);
        const request = peer.request("OPTIONS", impuOf("carol"), impuOf("mallory"));
        peer.send(newResponse(request, 200, { toTag: "t" }), at);
      }
    }
    lab.pass(1);
    expect(peer.inbox).toEqual([]);
    const { pcscf, scscf } = lab;
    for (const endpoint of [pcscf.access, pcscf.core, scscf.endpoint])
      expect(endpoint.transactions).toEqual({ servers: 0, clients: 0, pending: 0 });
  });
});
