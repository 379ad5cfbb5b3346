// The admin interface of the S-CSCF.
import type {
  DeregisterAnswer,
  Page,
  ReauthenticateAnswer,
  RegistrationView,
} from "@ims-lab/common/admin-api/views";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import type { FastifyInstance } from "fastify";
import { beforeEach, expect, test, vi } from "vitest";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { BOB, Device, Lab, type Peer, rowsOf } from "../lab.ts";
import { adminOf } from "./admin-server.ts";

let store: TryingStore;
let lab: Lab;
let pcscf: Peer;
let bob: Device;
let app: FastifyInstance;
const url = `/registrations/${encodeURIComponent(BOB)}`;

beforeEach(async () => {
  store = tryingStore();
  ({ lab, pcscf } = await Lab.startWith(store, "--pcscf.subscribe=false"));
  bob = new Device(lab, pcscf, "bob");
  app = await adminOf(lab);
});

type Method = "GET" | "POST" | "DELETE";
async function ask<T>(method: Method, path: string, body?: object): Promise<[number, T]> {
  const headers = { host: "localhost" };
  const payload = body === undefined ? {} : { payload: body };
  const response = await app.inject({ method, url: path, headers, ...payload });
  return [response.statusCode, response.json()];
}
function registered(): void {
  bob.register();
  bob.subscribe(OWN_PACKAGE, 3600);
  pcscf.take("NOTIFY");
}

test("GET /registrations lists who is registered", async () => {
  expect(await ask("GET", "/registrations")).toEqual([200, { items: [], total: 0 }]);
  registered();
  const [, list] = await ask<Page<RegistrationView>>("GET", "/registrations");
  expect(list.total).toBe(1);
  expect(list.items[0]).toMatchObject({ impu: BOB, impi: "bob@ims.example", state: "registered" });
  expect(list.items[0]?.bindings[0]).toMatchObject({
    contact: bob.contact.slice(1, -1),
    path: [bob.path],
    cseq: 2,
    subscription: { package: OWN_PACKAGE, version: 0 },
    subscriptionDeadlineAt: null,
    reauthentication: null,
  });
});

test("GET /registrations/{impu}: any identity of the set; unknown 404; known and away", async () => {
  registered();
  const [, other] = await ask<RegistrationView>("GET", "/registrations/sip%3Arobert@ims.example");
  expect(other.bindings).toHaveLength(1);
  expect((await ask("GET", "/registrations/sip%3Anobody@ims.example"))[0]).toBe(404);
  const [status, away] = await ask<RegistrationView>("GET", "/registrations/sip:carol@ims.example");
  expect([status, away.state]).toEqual([200, "not-registered"]);
});

test("POST reauthenticate: 201 new, 200 joined, 404 not registered", async () => {
  expect((await ask("POST", `${url}/reauthenticate`))[0]).toBe(404);
  registered();
  const [first, started] = await ask<ReauthenticateAnswer>("POST", `${url}/reauthenticate`);
  expect([first, started.items[0]?.end]).toEqual([201, null]);
  const [second, joined] = await ask<ReauthenticateAnswer>("POST", `${url}/reauthenticate`);
  expect([second, joined.items[0]?.askers.length]).toEqual([200, 2]);
  const { id = "" } = joined.items[0] ?? {};
  expect((await ask("GET", `/reauthentications/${id}`))[0]).toBe(200);
  expect((await ask("GET", "/reauthentications/none"))[0]).toBe(404);
});

test("POST reauthenticate by contact", async () => {
  registered();
  const path = `${url}/reauthenticate`;
  expect((await ask("POST", path, { contact: "sip:other@192.0.2.5" }))[0]).toBe(404);
  expect((await ask("POST", path, { contact: bob.contact.slice(1, -1) }))[0]).toBe(201);
});

test("?wait: the end when there is one in time, 202 otherwise", async () => {
  registered();
  const waiting = ask<ReauthenticateAnswer>("POST", `${url}/reauthenticate?wait=100`);
  await vi.waitUntil(() => lab.scscf.reauthentications.runningCount > 0);
  await lab.clock.advanceAsync(61_000);
  const [status, answer] = await waiting;
  expect([status, answer.items[0]?.end]).toEqual([201, "ignored"]);
  expect(answer.items[0]?.reason).toBe("NOTIFY acknowledged, no REGISTER");
});

test("DELETE de-registers by cause", async () => {
  registered();
  const [status, answer] = await ask<DeregisterAnswer>("DELETE", `${url}?cause=rejected`);
  expect([status, answer.contacts]).toEqual([200, [bob.contact.slice(1, -1)]]);
  lab.run();
  const [notify] = pcscf.take("NOTIFY");
  expect(notify?.text("Subscription-State")).toBe("terminated;reason=rejected");
  expect(rowsOf(notify)[0]).toBe("bob rejected");
  expect((await ask("DELETE", `${url}?cause=rejected`))[0]).toBe(404);
  expect((await ask("DELETE", `${url}?cause=bored`))[0]).toBe(400);
});

test("GET /subscribers: no secret, but why the last authentication failed", async () => {
  bob.register({ password: "wrong" });
  const [, view] = await ask<object>("GET", "/subscribers/bob@ims.example");
  expect(view).toMatchObject({ impi: "bob@ims.example", scheme: "digest", registered: false });
  expect(JSON.stringify(view)).not.toContain("pw");
  expect(view).toHaveProperty("lastFailure.why");
  const [, list] = await ask<Page<object>>("GET", "/subscribers?limit=2");
  expect([list.items.length, list.total]).toEqual([2, 7]);
});

test("one that nobody could be told of says what it waits for, until the device subscribes", async () => {
  bob.register();
  type Asked = { items: readonly { id: string; progress: string; reason: string | null }[] };
  const [, asked] = await ask<Asked>("POST", `${url}/reauthenticate`);
  expect(asked.items).toMatchObject([
    {
      progress: "requested",
      reason: "has not subscribed: takes effect when it does, or at its next REGISTER",
    },
  ]);
  const [, { bindings }] = await ask<RegistrationView>("GET", url);
  expect(bindings[0]?.reauthentication?.reason).toMatch(/^has not subscribed/);
  bob.subscribe(OWN_PACKAGE, 3600);
  const [, listed] = await ask<Asked>("GET", `/reauthentications?impu=${encodeURIComponent(BOB)}`);
  expect(listed.items).toMatchObject([{ id: asked.items[0]?.id, reason: null }]);
  const [, others] = await ask<Asked>("GET", "/reauthentications?impu=sip%3Acarol@ims.example");
  expect(others.items).toEqual([]);
});

test.each([
  ["POST", `${url}/reauthenticate`, 201],
  ["DELETE", url, 200],
] as const)("%s %s is answered when what it says is durable", async (method, path, status) => {
  registered();
  store.holds = true;
  let isAnswered = false;
  const answered = ask<Partial<ReauthenticateAnswer>>(method, path).finally(() => {
    isAnswered = true;
  });
  await vi.waitFor(() => expect(store.waiting).toBeGreaterThan(0));
  expect(isAnswered).toBe(false);
  store.holds = false;
  store.letGo();
  const [given, answer] = await answered;
  expect(given).toBe(status);
  if (method === "POST") expect(answer.items).toHaveLength(1);
});

test.each([
  ["POST", `${url}/reauthenticate`],
  ["DELETE", url],
] as const)("%s %s: 503 while the store fails; it happens when it can", async (method, path) => {
  registered();
  store.problem = new Error("disk full");
  const [status, said] = await ask<{ detail: string }>(method, path);
  expect([status, said.detail]).toEqual([503, expect.stringContaining("disk full")]);
  expect(lab.scscf.reauthentications.list()).toEqual([]);
  expect(lab.scscf.bindings.size).toBe(1);
  store.problem = undefined;
  lab.run(1100);
  if (method === "POST") expect(lab.scscf.reauthentications.list()).toHaveLength(1);
  else expect(lab.scscf.bindings.size).toBe(0);
});
