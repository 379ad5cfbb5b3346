// The P-CSCF's admin interface.
import { adminServer } from "@ims-lab/common/platform/http";
import { newResponse } from "@ims-lab/common/sip/message/message";
import type { FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import { addRoutes } from "../../src/admin/routes.ts";
import { ALICE, CORE, IMPI, Lab, type Peer, SCSCF, SERVICE_ROUTE, UE, uriOf } from "../lab.ts";

async function served(): Promise<{ app: FastifyInstance; lab: Lab; scscf: Peer; path: string }> {
  const lab = await Lab.start();
  const ue = await lab.peer(UE);
  const scscf = await lab.peer(SCSCF);
  const path = lab.registered(ue, scscf);
  const { config, log, metrics } = lab;
  const app = await adminServer({
    settings: config.http,
    log,
    node: "P-CSCF",
    version: "1",
    metrics,
    ready: () => true,
  });
  addRoutes(app, lab.pcscf, { clock: lab.clock });
  return { app, lab, scscf, path };
}

const headers = { host: "localhost" };
const ask = (impu: string): string => `/registrations/${encodeURIComponent(impu)}/reauthenticate`;

function subscribe(lab: Lab, scscf: Peer, path: string): void {
  const request = lab.request(scscf, "SUBSCRIBE", uriOf(path), [
    ["From", "<sip:10.1.0.2:6060>;tag=s"],
    ["Call-ID", "fig4"],
    ["Contact", "<sip:10.1.0.2:6060>"],
    ["Event", "network-initiated-reregistration"],
    ["Expires", "660"],
  ]);
  scscf.send(request, CORE);
  lab.run();
  scscf.takeResponse(200);
  scscf.reply(newResponse(scscf.takeRequest("NOTIFY"), 200));
  lab.run();
}

test("GET /transactions: both sides, one list, a part of it at a time", async () => {
  const { app } = await served();
  const ask = async (query: string) =>
    (await app.inject({ url: `/transactions${query}`, headers })).json<{
      items: Record<string, unknown>[];
      total: number;
    }>();
  const all = await ask("");
  expect(all.items.map(({ side, kind, state }) => `${side} ${kind} ${state}`)).toEqual([
    "access server completed",
    "access server completed",
    "core client completed",
    "core client completed",
  ]);
  expect(all).toMatchObject({ total: 4 });
  expect(all.items[0]).toMatchObject({
    method: "REGISTER",
    peer: "192.0.2.1:5060/udp",
    branch: expect.stringMatching(/^z9hG4bK/),
    endsInMs: expect.any(Number),
  });
  expect(await ask("?limit=2&offset=1")).toEqual({ items: all.items.slice(1, 3), total: 4 });
  expect(await ask("?offset=4")).toEqual({ items: [], total: 4 });
});

test("GET /registrations lists what is kept per binding", async () => {
  const { app, lab, scscf, path } = await served();
  subscribe(lab, scscf, path);
  const { items, total } = (await app.inject({ url: "/registrations", headers })).json<{
    items: object[];
    total: number;
  }>();
  expect(total).toBe(1);
  expect(items[0]).toMatchObject({
    impu: ALICE,
    impi: IMPI,
    flow: "udp:192.0.2.1:5060",
    contact: "sip:alice@192.0.2.1:5060",
    serviceRoute: [SERVICE_ROUTE],
    subscriptionExpiresAt: expect.any(Number),
  });
});

test.each([ALICE, "tel:+1-555-0001"])(
  "POST reauthenticate for %s: 202 and a NOTIFY",
  async (impu) => {
    const { app, lab, scscf, path } = await served();
    subscribe(lab, scscf, path);
    const answer = await app.inject({ method: "POST", url: ask(impu), headers });
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toEqual({ impu, contacts: ["sip:alice@192.0.2.1:5060"] });
    lab.run();
    expect(scscf.takeRequest("NOTIFY").body.toString()).toContain("shortened");
  },
);

test("404 for who is not here, 409 with a reason when the S-CSCF never subscribed", async () => {
  const { app } = await served();
  const unknown = await app.inject({ method: "POST", url: ask("sip:nobody@x"), headers });
  expect(unknown.statusCode).toBe(404);
  const unasked = await app.inject({ method: "POST", url: ask(ALICE), headers });
  expect(unasked.statusCode).toBe(409);
  expect(unasked.json<{ detail: string }>().detail).toContain("never subscribed");
});
