// The admin interface's subscribers: read, put, removed and imported, and never a secret.
import { promisify } from "node:util";
import type { ImportAnswer, Page, SubscriberView } from "@ims-lab/common/admin-api/views";
import type { FastifyInstance } from "fastify";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type TryingStore, tryingStore } from "../contract/trying-store.ts";
import { Device, DOMAIN, Lab } from "../lab.ts";
import { adminOf } from "./admin-server.ts";

const PATIENCE = { timeout: 10_000 };
const K = "1".repeat(32);
const OPC = "2".repeat(32);
const BOB = `bob@${DOMAIN}`;
const ZOE = `/subscribers/zoe@${DOMAIN}`;
const body = {
  impus: [`sip:zoe@${DOMAIN}`, "tel:+1555"],
  auth: { scheme: "digest", password: "geheim" },
};

let lab: Lab;
let store: TryingStore;
let app: FastifyInstance;
let bob: Device;

beforeEach(async () => {
  store = tryingStore();
  const started = await Lab.startWith(store, "--pcscf.subscribe=false");
  lab = started.lab;
  bob = new Device(lab, started.pcscf, "bob");
  app = await adminOf(lab);
});

type Method = "GET" | "PUT" | "POST" | "DELETE";

async function ask<T>(
  method: Method,
  url: string,
  payload?: object | string,
  headers: Record<string, string> = {},
): Promise<[number, T & { readonly title?: string; readonly detail?: string }]> {
  const type = typeof payload === "string" ? { "content-type": "text/csv" } : {};
  const response = await app.inject({
    method,
    url,
    headers: { host: "localhost", ...type, ...headers },
    ...(payload !== undefined && { payload }),
  });
  expect(response.body).not.toMatch(/geheim|1{16}|2{16}|"pw"/);
  return [response.statusCode, response.json()];
}

describe("PUT /subscribers/{impi}", () => {
  test("adds with 201, replaces with 200, and says where the record is from; secrets are set", async () => {
    const [status, created] = await ask<SubscriberView>("PUT", ZOE, body);
    expect([status, created]).toEqual([
      201,
      {
        impi: `zoe@${DOMAIN}`,
        impus: [
          { uri: `sip:zoe@${DOMAIN}`, barred: false },
          { uri: "tel:+1555", barred: false },
        ],
        scheme: "digest",
        algorithms: ["MD5"],
        auth: { scheme: "digest", algorithms: ["MD5"], password: "set" },
        subscription: null,
        policy: null,
        source: "added",
        registered: false,
        lastFailure: null,
      },
    ]);
    expect(await ask("PUT", ZOE, body)).toEqual([200, created]);
    const auth = { scheme: "aka", k: K, opc: OPC, amf: "b9b9" };
    const [, replaced] = await ask<SubscriberView>("PUT", ZOE, { ...body, auth });
    expect(replaced.auth).toEqual({
      ...{ scheme: "aka", algorithm: "AKAv1-MD5", k: "set", opc: "set", amf: "b9b9" },
    });
    expect(await ask("GET", ZOE)).toEqual([200, replaced]);
    expect(await ask("PUT", `/subscribers/${BOB}`, body)).toMatchObject([
      200,
      { source: "changed" },
    ]);
  });

  test("without auth the credentials stay; a new one has none to keep", async () => {
    const { auth: _, ...identities } = body;
    expect(await ask("PUT", ZOE, identities)).toMatchObject([400, { title: "Bad subscriber" }]);
    await ask("PUT", ZOE, body);
    expect((await ask("PUT", ZOE, { ...identities, impus: ["sip:z@h"] }))[0]).toBe(200);
    const auth = lab.scscf.directory.byImpi(`zoe@${DOMAIN}`)?.auth;
    expect(auth?.scheme === "digest" && auth.password.reveal().toString()).toBe("geheim");
  });

  test("If-None-Match: * leaves one alone who is there", async () => {
    const onlyNew = { "if-none-match": "*" };
    expect((await ask("PUT", ZOE, body, onlyNew))[0]).toBe(201);
    expect(await ask("PUT", ZOE, { ...body, impus: ["sip:q@h"] }, onlyNew)).toMatchObject([
      412,
      { title: "There already" },
    ]);
    expect(lab.scscf.directory.ownersOf("sip:q@h")).toEqual([]);
  });

  test.each<[string, object | string, string]>([
    [
      "no identities",
      { ...body, impus: [] },
      "impus: a list of 0, expected at least one public identity",
    ],
    [
      "a short key",
      { ...body, auth: { scheme: "aka", k: "12", opc: OPC } },
      "auth.k: 2 characters (not shown), expected 32 hexadecimal digits",
    ],
    [
      "another impi",
      { ...body, impi: "x@h" },
      `impi: "x@h", expected zoe@${DOMAIN}, which the request is about`,
    ],
    ["an unknown member", { ...body, colour: "red" }, "colour: unknown key"],
    [
      "a bad duty",
      { ...body, subscription: "never" },
      'subscription: "never", expected enforce | warn | optional',
    ],
  ])("%s: 400 with the field and what was expected", async (_, wrong, detail) => {
    const [status, said] = await ask("PUT", ZOE, wrong);
    expect([status, said.title]).toEqual([400, "Bad subscriber"]);
    expect(said.detail).toContain(detail);
    expect(lab.scscf.directory.byImpi(`zoe@${DOMAIN}`)).toBeUndefined();
  });

  test("an impi that is none, or too long: 400", async () => {
    for (const impi of ["nobody", `${"x".repeat(300)}@h`, 'a"@h'])
      expect((await ask("PUT", `/subscribers/${encodeURIComponent(impi)}`, body))[0]).toBe(400);
  });

  test("a store that fails: 503, nothing has changed", async () => {
    store.problem = new Error("disk full");
    expect(await ask("PUT", ZOE, body)).toMatchObject([503, { title: "Not stored" }]);
    expect((await ask("GET", ZOE))[0]).toBe(404);
  });
});

describe("DELETE /subscribers/{impi}", () => {
  test("names the Contacts that were de-registered; the next time 404", async () => {
    bob.register();
    expect(await ask("DELETE", `/subscribers/${BOB}`)).toEqual([
      200,
      { impi: BOB, contacts: ["sip:bob@192.0.2.1:5060"] },
    ]);
    expect(lab.scscf.bindings.size).toBe(0);
    expect(await ask("DELETE", `/subscribers/${BOB}`)).toMatchObject([
      404,
      { title: "No such subscriber" },
    ]);
    expect((await ask("GET", `/registrations/${encodeURIComponent(`sip:${BOB}`)}`))[0]).toBe(404);
  });
});

test("GET /subscribers pages through file and additions, and counts both", async () => {
  await ask("PUT", ZOE, body);
  await ask("DELETE", `/subscribers/${BOB}`);
  const [, page] = await ask<Page<SubscriberView>>("GET", "/subscribers?offset=5");
  expect(page.total).toBe(7);
  expect(page.items.map(({ impi, source }) => [impi, source])).toEqual([
    [`child@${DOMAIN}`, "file"],
    [`zoe@${DOMAIN}`, "added"],
  ]);
});

describe("POST /subscribers/import", () => {
  const cards = (...rows: readonly string[]): string => ["imsi,ki,opc,sqn,x", ...rows].join("\n");
  const first = `999700000000001,${K},${OPC},64,y`;

  test("a table in one commit, at the node's domain", async () => {
    store.asked.length = 0;
    const answer = {
      format: "table",
      created: 1,
      replaced: 0,
      unchanged: 0,
      unusedColumns: ["x"],
      dryRun: false,
    };
    expect(await ask<ImportAnswer>("POST", "/subscribers/import", cards(first))).toEqual([
      200,
      answer,
    ]);
    expect(store.asked).toHaveLength(1);
    expect(lab.scscf.directory.byImpi(`999700000000001@${DOMAIN}`)?.auth.scheme).toBe("aka");
    expect(await ask("POST", "/subscribers/import", cards(first))).toMatchObject([
      200,
      { unchanged: 1 },
    ]);
  });

  test("each mistake with its line; nothing is half imported, and nothing at all of a dry run", async () => {
    store.asked.length = 0;
    const wrong = cards(first, "12,34,56,,", `999700000000002,${K},,,`);
    const [status, said] = await ask<{ mistakes: unknown; count: number }>(
      "POST",
      "/subscribers/import",
      wrong,
    );
    expect([status, said.title, said.count]).toEqual([422, "Import refused", 2]);
    expect(said.mistakes).toEqual([
      { line: 3, why: 'imsi: "12", expected 6 to 15 digits' },
      { line: 4, why: "opc, op: neither op nor opc, expected either op or opc" },
    ]);
    expect(await ask("POST", "/subscribers/import?dryRun=true", cards(first))).toMatchObject([
      200,
      { created: 1, dryRun: true },
    ]);
    expect([store.asked, lab.scscf.directory.size]).toEqual([[], 7]);
  });

  test("who is there with other data is named with the line, unless replace says so", async () => {
    const file = `SEQUENTIAL\nx;${DOMAIN};[authentication username=x@${DOMAIN} password=x]\nbob;${DOMAIN};[authentication username=${BOB} password=other]`;
    expect(await ask("POST", "/subscribers/import", file)).toMatchObject([
      422,
      { mistakes: [{ line: 3, why: `${BOB} is there already, with other data` }] },
    ]);
    expect(await ask("POST", "/subscribers/import?replace=true", file)).toMatchObject([
      200,
      { format: "sipp", created: 1, replaced: 1 },
    ]);
  });

  test("a long one is read beside the signalling, its mistakes and its entries the same", async () => {
    const rows = Array.from({ length: 900 }, (_, n) => `${999700000000001 + n},${K},${OPC},,`);
    const wrong = cards(...rows, `999700000000007,${K},${OPC},,`);
    expect(await ask("POST", "/subscribers/import", wrong)).toMatchObject([
      422,
      {
        mistakes: [
          { line: 902, why: `999700000000007@${DOMAIN} is in line 8 already, expected each once` },
        ],
      },
    ]);
    expect(lab.scscf.directory.size).toBe(7);
    expect(await ask("POST", "/subscribers/import", cards(...rows))).toMatchObject([
      200,
      { created: 900 },
    ]);
    expect(lab.scscf.directory.list(7, 1)[0]?.impi).toBe(`999700000000001@${DOMAIN}`);
  }, 30_000); // each import starts a thread

  test("two at once: 409 for the second, and then the next", async () => {
    const many = cards(
      ...Array.from({ length: 300 }, (_, n) => `${999700000000001 + n},${K},${OPC},,`),
    );
    const both = [many, cards(first)].map((text) => ask("POST", "/subscribers/import", text));
    const statuses = (await Promise.all(both)).map(([status]) => status);
    expect(statuses).toEqual([200, 409]);
    expect((await ask("POST", "/subscribers/import", cards(first)))[0]).toBe(200);
  }, 30_000);

  test("a client that hangs up makes no room for the next one while its import goes on", async () => {
    await app.listen({ host: "127.0.0.1", port: 0 });
    const url = `${app.listeningOrigin}/subscribers/import`;
    const hangUp = new AbortController();
    const headers = { "content-type": "text/csv" };
    const request = { method: "POST", headers, body: cards(first), signal: hangUp.signal };
    store.holds = true;
    const left = expect(fetch(url, request)).rejects.toThrow();
    await vi.waitFor(() => expect(store.waiting).toBe(1), PATIENCE);
    hangUp.abort();
    await left;
    const open = promisify(app.server.getConnections.bind(app.server));
    await vi.waitFor(async () => expect(await open()).toBe(0), PATIENCE);
    expect((await ask("POST", "/subscribers/import", cards(first)))[0]).toBe(409);
    store.holds = false;
    store.letGo();
    const again = async (): Promise<void> =>
      expect((await ask("POST", "/subscribers/import", cards(first)))[0]).toBe(200);
    await vi.waitFor(again, PATIENCE);
    await app.close();
  }, 30_000);

  test("the format that is asked for, whatever it looks like", async () => {
    expect((await ask("POST", "/subscribers/import?format=yaml", cards(first)))[0]).toBe(422);
    expect((await ask("POST", "/subscribers/import?format=xml", cards(first)))[0]).toBe(400);
  });

  test("too long: 413; JSON: 415; text elsewhere: 415", async () => {
    expect((await ask("POST", "/subscribers/import", "x".repeat(16 * 1024 * 1024 + 1)))[0]).toBe(
      413,
    );
    expect(await ask("POST", "/subscribers/import", {})).toMatchObject([
      415,
      { title: "Body of another type", detail: expect.stringContaining("text/csv") },
    ]);
    expect((await ask("PUT", ZOE, "impus: []"))[0]).toBe(415);
  });
});
