// The three OpenAPI documents: valid, complete, and true of what the nodes answer.
import { readFileSync } from "node:fs";
import { adminServer, NODE_HEADER } from "@ims-lab/common/platform/http";
import { adminOptions } from "@ims-lab/common/testing/admin-options";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { addRoutes as pcscfRoutes } from "../../../pcscf/src/admin/routes.ts";
import { addRoutes as scscfRoutes } from "../../../scscf/src/admin/routes.ts";
import { controlServer } from "../../../ue/src/control/server.ts";
import { impuOf, Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";

const headers = { host: "127.0.0.1" };

interface Operation {
  readonly requestBody?: { readonly required: boolean };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
type Method = "GET" | "POST" | "PUT" | "DELETE";

async function labWithServers() {
  const { lab, alice } = await Lab.withAlice({ ue: { "registration.checkSeconds": 1 } });
  lab.pass(3); // by then its registration has been checked
  const bob = await ScriptedUe.start(lab, "bob");
  bob.faults = { wrongRes: true };
  bob.register();
  const scscf = await adminServer(adminOptions("S-CSCF"));
  scscfRoutes(scscf, lab.scscf, { clock: lab.clock });
  const pcscf = await adminServer(adminOptions("P-CSCF"));
  pcscfRoutes(pcscf, lab.pcscf, { clock: lab.clock });
  const { ready: _, ...rest } = adminOptions("UE");
  const ue = await controlServer({ ...rest, clock: lab.clock, node: alice.node });
  return { lab, apps: { scscf, pcscf, ue } };
}

/** The one document, or the data of every event of a stream. */
function jsonIn(type: string, body: string): readonly unknown[] {
  if (type !== "text/event-stream") return [JSON.parse(body)];
  return eventsIn(body);
}

function eventsIn(stream: string): readonly unknown[] {
  const found = [...stream.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
  expect(found.length).toBeGreaterThan(3);
  return found;
}

type Node = keyof Awaited<ReturnType<typeof labWithServers>>["apps"];

async function documentOf(app: Awaited<ReturnType<typeof adminServer>>): Promise<Document> {
  return (await app.inject({ url: "/openapi.json", headers })).json();
}

const ALICE = encodeURIComponent(impuOf("alice"));
const BOB = encodeURIComponent(impuOf("bob"));

function rulePath(rule: string): string {
  return `/network-faults/${encodeURIComponent(rule)}`;
}

const ZOE = { impus: ["sip:zoe@ims.example"], auth: { scheme: "digest", password: "pw" } };
const CARDS = `imsi,ki,opc\n999700000000001,${"1".repeat(32)},${"2".repeat(32)}`;
/** Every kind of rule that the S-CSCF has. */
const POLICY = {
  pacePerSecond: 2.5,
  rules: [
    { name: "bobs", users: "sip:bob@*", maxAgeSeconds: "never" },
    { maxAgeSeconds: 86_400 },
    { onMethods: ["INVITE"], outcome: "hold", name: "calls", everyNth: 3 },
    { onRefresh: "always", sampleRatio: 0.5 },
    { onContactChange: "never" },
    { onPcscfRequest: "always", minAgeSeconds: 60 },
  ],
};

/** Every operation once, and errors of each kind. */
const REQUESTS: readonly (readonly [
  Node,
  Method,
  path: string,
  url: string,
  status: number,
  /** Text goes as text. */
  body?: object | string,
])[] = [
  ["scscf", "GET", "/registrations", "/registrations", 200],
  ["scscf", "GET", "/registrations/{impu}", `/registrations/${ALICE}`, 200],
  ["scscf", "GET", "/registrations/{impu}", `/registrations/${BOB}`, 200],
  ["scscf", "GET", "/registrations/{impu}", "/registrations/sip%3Anobody@x", 404],
  ["scscf", "GET", "/registrations/{impu}/history", `/registrations/${BOB}/history`, 200],
  ["scscf", "GET", "/registrations/{impu}/history", "/registrations/ghost/history", 404],
  ["scscf", "GET", "/sources/{address}/history", "/sources/192.0.2.2/history", 200],
  ["scscf", "GET", "/sources/{address}/history", "/sources/192.0.2.2/history?limit=0", 400],
  [
    "scscf",
    "POST",
    "/registrations/{impu}/reauthenticate",
    `/registrations/${ALICE}/reauthenticate`,
    201,
  ],
  [
    "scscf",
    "POST",
    "/registrations/{impu}/reauthenticate",
    `/registrations/${ALICE}/reauthenticate`,
    200,
    {},
  ],
  [
    "scscf",
    "POST",
    "/registrations/{impu}/reauthenticate",
    `/registrations/${BOB}/reauthenticate`,
    404,
  ],
  ["scscf", "GET", "/reauthentications", "/reauthentications", 200],
  ["scscf", "GET", "/reauthentications", `/reauthentications?impu=${ALICE}`, 200],
  ["scscf", "GET", "/reauthentications/{id}", "/reauthentications/nope", 404],
  ["scscf", "GET", "/reauthentications", "/reauthentications?cause=pcscf&since=1", 200],
  ["scscf", "GET", "/reauthentications", "/reauthentications?end=dead", 400],
  ["scscf", "POST", "/campaigns", "/campaigns", 200, { dryRun: true }],
  ["scscf", "POST", "/campaigns", "/campaigns", 201, { confirm: true }],
  ["scscf", "POST", "/campaigns", "/campaigns", 409, {}],
  ["scscf", "POST", "/campaigns", "/campaigns", 422, { filter: { impi: "ghost" } }],
  ["scscf", "GET", "/campaigns", "/campaigns", 200],
  ["scscf", "GET", "/campaigns/{id}", "/campaigns/nope", 404],
  ["scscf", "GET", "/campaigns/{id}", "/campaigns/{campaign}", 200],
  ["scscf", "POST", "/campaigns/{id}/resume", "/campaigns/{campaign}/resume", 409],
  ["scscf", "POST", "/campaigns/{id}/pause", "/campaigns/{campaign}/pause", 200],
  ["scscf", "POST", "/campaigns/{id}/resume", "/campaigns/{campaign}/resume", 200],
  ["scscf", "DELETE", "/campaigns/{id}", "/campaigns/{campaign}", 200],
  ["scscf", "GET", "/policy", "/policy", 200],
  ["scscf", "PUT", "/policy", "/policy?check=true", 200, POLICY],
  ["scscf", "PUT", "/policy", "/policy", 200, POLICY],
  ["scscf", "PUT", "/policy", "/policy", 400, { rules: [{ maxAgeSeconds: "soon" }] }],
  ["scscf", "PUT", "/policy", "/policy?confirm=perhaps", 400, POLICY],
  [
    "scscf",
    "PUT",
    "/policy",
    "/policy",
    409,
    { pacePerSecond: 0.1, rules: [{ maxAgeSeconds: 1 }] },
  ],
  ["scscf", "GET", "/events", "/events?follow=false", 200],
  ["scscf", "GET", "/events", "/events?impu=sip%3Anobody@x", 404],
  ["scscf", "GET", "/registrations/{impu}/messages", "/registrations/ghost/messages", 404],
  ["scscf", "GET", "/registrations", "/registrations?offset=x", 400],
  ["scscf", "GET", "/subscribers", "/subscribers", 200],
  ["scscf", "GET", "/subscribers/{impi}", "/subscribers/bob@ims.example", 200],
  ["scscf", "DELETE", "/registrations/{impu}", `/registrations/${ALICE}?cause=rejected`, 200],
  ["scscf", "DELETE", "/registrations/{impu}", `/registrations/${ALICE}?cause=boredom`, 400],
  ["scscf", "PUT", "/subscribers/{impi}", "/subscribers/zoe@ims.example", 201, ZOE],
  ["scscf", "PUT", "/subscribers/{impi}", "/subscribers/zoe@ims.example", 200, ZOE],
  ["scscf", "PUT", "/subscribers/{impi}", "/subscribers/zoe@ims.example", 400, { impus: [] }],
  ["scscf", "GET", "/subscribers/{impi}", "/subscribers/sim@ims.example", 200],
  ["scscf", "GET", "/subscribers/{impi}", "/subscribers/nobody@ims.example", 404],
  ["scscf", "POST", "/subscribers/import", "/subscribers/import?dryRun=true", 200, CARDS],
  ["scscf", "POST", "/subscribers/import", "/subscribers/import", 200, CARDS],
  ["scscf", "POST", "/subscribers/import", "/subscribers/import?format=yaml", 422, CARDS],
  ["scscf", "POST", "/subscribers/import", "/subscribers/import", 415, {}],
  ["scscf", "DELETE", "/subscribers/{impi}", "/subscribers/zoe@ims.example", 200],
  ["scscf", "DELETE", "/subscribers/{impi}", "/subscribers/zoe@ims.example", 404],
  ["scscf", "GET", "/events", "/events?follow=false", 200],
  ["scscf", "GET", "/faults", "/faults", 200],
  ["scscf", "PUT", "/faults/{name}", "/faults/unavailable", 200, { times: 3, impu: impuOf("bob") }],
  ["scscf", "PUT", "/faults/{name}", "/faults/bad-autn", 409, { impu: impuOf("bob") }],
  ["scscf", "PUT", "/faults/{name}", "/faults/old-sqn", 400, { parameters: { behind: "far" } }],
  ["scscf", "PUT", "/faults/{name}", "/faults/boredom", 404],
  ["scscf", "GET", "/faults", "/faults?limit=2&offset=12", 200],
  ["scscf", "DELETE", "/faults/{name}", "/faults/unavailable", 200],
  ["scscf", "DELETE", "/faults/{name}", "/faults/unavailable?impu=sip%3Anobody@x", 404],
  ["scscf", "DELETE", "/faults", "/faults", 200],
  ["scscf", "GET", "/cluster", "/cluster", 200],
  ["scscf", "GET", "/transactions", "/transactions", 200],
  ["scscf", "GET", "/transactions", "/transactions?limit=1001", 400],
  ["pcscf", "GET", "/registrations", "/registrations", 200],
  ["pcscf", "GET", "/policy", "/policy", 200],
  ["pcscf", "PUT", "/policy", "/policy", 200, { rules: [{ flowLostSeconds: 9, users: "a*" }] }],
  ["pcscf", "PUT", "/policy", "/policy", 400, { rules: [{ onRefresh: "always" }] }],
  ["pcscf", "GET", "/transactions", "/transactions?limit=2&offset=1", 200],
  ["pcscf", "GET", "/registrations/{impu}/history", `/registrations/${BOB}/history`, 200],
  ["pcscf", "GET", "/sources/{address}/history", "/sources/192.0.2.2/history", 200],
  [
    "pcscf",
    "POST",
    "/registrations/{impu}/reauthenticate",
    `/registrations/${ALICE}/reauthenticate`,
    202,
  ],
  [
    "pcscf",
    "POST",
    "/registrations/{impu}/reauthenticate",
    `/registrations/${BOB}/reauthenticate`,
    404,
  ],
  ["ue", "GET", "/state", "/state", 200],
  ["ue", "GET", "/faults", "/faults", 200],
  ["ue", "PUT", "/network-faults/{rule}", rulePath("drop REGISTER U>P 9"), 200],
  ["ue", "GET", "/network-faults", "/network-faults", 200],
  ["ue", "PUT", "/network-faults/{rule}", rulePath("drop REGISTER P>S 9"), 400],
  ["ue", "DELETE", "/network-faults/{rule}", rulePath("drop REGISTER U>P 8"), 404],
  ["ue", "DELETE", "/network-faults/{rule}", rulePath("drop REGISTER U>P 9"), 200],
  ["ue", "DELETE", "/network-faults", "/network-faults", 200],
  ["pcscf", "PUT", "/network-faults/{rule}", rulePath("delay * P>U 99 1s"), 200],
  ["pcscf", "GET", "/network-faults", "/network-faults?limit=1", 200],
  ["pcscf", "DELETE", "/network-faults", "/network-faults", 200],
  ["pcscf", "DELETE", "/network-faults/{rule}", rulePath("nonsense"), 404],
  ["scscf", "PUT", "/network-faults/{rule}", rulePath("reorder 200 S>P 99"), 200],
  ["scscf", "GET", "/network-faults", "/network-faults", 200],
  ["scscf", "DELETE", "/network-faults/{rule}", rulePath("reorder 200 S>P 99"), 200],
  ["scscf", "DELETE", "/network-faults", "/network-faults", 200],
  ["ue", "PUT", "/faults/{name}", "/faults/plain-softphone", 200],
  ["ue", "DELETE", "/faults/{name}", "/faults/plain-softphone", 200],
  ["ue", "DELETE", "/faults", `/faults?impu=${ALICE}`, 200],
  ["ue", "GET", "/transactions", "/transactions", 200],
  ["ue", "GET", "/transactions", "/transactions?offset=-1", 400],
  ["ue", "POST", "/call", "/call", 202, { to: impuOf("bob") }],
  ["ue", "POST", "/call", "/call", 400, { to: "nobody" }],
  ["ue", "POST", "/hangup", "/hangup", 202],
  ["ue", "POST", "/answer", "/answer", 202, {}],
  ["ue", "POST", "/hold", "/hold", 202, { on: false }],
  ["ue", "POST", "/register", "/register", 202],
  ["ue", "POST", "/deregister", "/deregister", 404, { identity: "sip:nobody@x" }],
];
function requestOf(method: Method, url: string, body: object | string | undefined) {
  if (body === undefined) return { method, url, headers };
  const type = typeof body === "string" ? { "content-type": "text/csv" } : {};
  return { method, url, headers: { ...headers, ...type }, payload: body };
}

/** Answered only when the network has spoken. */
const NOT_ASKED = [
  "ue POST /message",
  "ue POST /deregister 202",
  "scscf POST /deregistrations", // its own test compares
];

describe.each(["scscf", "pcscf", "ue"] as const)("%s", (node) => {
  test("its document is valid OpenAPI 3.1, and every operation says how it answers", async () => {
    const { apps } = await labWithServers();
    const document = await documentOf(apps[node]);
    const result = await new Validator().validate(structuredClone(document) as never);
    expect(result.errors ?? []).toEqual([]);
    expect([result.valid, document.openapi.slice(0, 3)]).toEqual([true, "3.1"]);
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        const good = Object.keys(responses).filter((status) => status.startsWith("2"));
        const schemas = good.map(
          (status) => Object.values(responses[status]?.content ?? {})[0]?.schema,
        );
        expect([path, method, schemas.length > 0, schemas.every(Boolean)]).toEqual([
          path,
          method,
          true,
          true,
        ]);
        expect(Object.keys(responses["default"]?.content ?? {})).toEqual([
          "application/problem+json",
        ]);
      }
    }
  });

  test("its answers, errors too, are as the document has them, of every operation", async () => {
    const { lab, apps } = await labWithServers();
    const app = apps[node];
    const { paths } = await documentOf(app);
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    const left = new Set(
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${node} ${method.toUpperCase()} ${path}`),
      ),
    );
    for (const [whose, method, path, written, status, body] of REQUESTS) {
      if (whose !== node) continue;
      const url = written.replace("{campaign}", lab.scscf.campaigns.list()[0]?.id ?? "");
      const answer = await app.inject(requestOf(method, url, body));
      expect([url, answer.statusCode]).toEqual([url, status]);
      const { responses } = paths[path]?.[method.toLowerCase()] ?? { responses: {} };
      const described = responses[String(status)] ?? responses["default"];
      const answered = String(answer.headers["content-type"]).split(";")[0] ?? "";
      const schema = described?.content?.[answered]?.schema;
      if (schema === undefined)
        throw new Error(`${method} ${path} does not describe ${status} ${answered}`);
      const wrong = jsonIn(answered, answer.body).map(
        (one) => ajv.validate(schema, one) || ajv.errors,
      );
      expect([url, new Set(wrong)]).toEqual([url, new Set([true])]);
      expect(answer.headers[NODE_HEADER]).toMatch(/^(UE|[PS]-CSCF)$/);
      left.delete(`${node} ${method} ${path}`);
    }
    expect([...left].filter((one) => !NOT_ASKED.includes(one))).toEqual([]);
  });
});

test("a re-authentication that has ended is as the document has it", async () => {
  const { lab, apps } = await labWithServers();
  lab.askByScscf("alice");
  lab.pass(5);
  const [ended] = lab.reauthentications;
  const { paths } = await documentOf(apps.scscf);
  const schema =
    paths["/reauthentications/{id}"]?.["get"]?.responses["200"]?.content?.["application/json"]
      ?.schema;
  const answer = await apps.scscf.inject({ url: `/reauthentications/${ended?.id}`, headers });
  const ajv = new Ajv2020({ strict: false });
  expect(ajv.validate(schema ?? {}, answer.json())).toBe(true);
  expect(answer.json()).toMatchObject({ end: "reauthenticated", deadlineAt: expect.any(Number) });
});

test("a body is required where there is no default, and nowhere else", async () => {
  const { apps } = await labWithServers();
  const needed: string[] = [];
  for (const app of Object.values(apps)) {
    for (const [path, methods] of Object.entries((await documentOf(app)).paths))
      for (const { requestBody } of Object.values(methods))
        if (requestBody?.required) needed.push(path);
  }
  expect(needed.sort()).toEqual([
    "/call",
    "/campaigns",
    "/deregistrations",
    "/message",
    "/policy",
    "/policy",
    "/subscribers/import",
    "/subscribers/{impi}",
  ]);
});

test("docs/operations.md, docs/calls.md or docs/faults.md names every path", async () => {
  const { apps } = await labWithServers();
  const docs = ["operations", "calls", "faults"].map((name) =>
    readFileSync(new URL(`../../../../docs/${name}.md`, import.meta.url), "utf8"),
  );
  for (const app of Object.values(apps)) {
    const { paths } = await documentOf(app);
    expect(Object.keys(paths).filter((path) => !docs.some((text) => names(text, path)))).toEqual(
      [],
    );
  }
});

/** As it stands, or what can follow another path: "`/campaigns/{id}/pause`, `/resume`". */
function names(text: string, path: string): boolean {
  const last = path.slice(path.lastIndexOf("/"));
  return [path, path.replace(/(\/\{\w+\})$/, "[$1]"), `\`${last}\``].some((form) =>
    text.includes(form),
  );
}
