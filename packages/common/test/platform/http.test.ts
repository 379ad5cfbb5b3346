// The admin server: who gets in, what errors look like, what lists look like.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { SettingError } from "../../src/platform/config/error.ts";
import { type PageQuery, page, pageQuerySchema } from "../../src/platform/http/page.ts";
import { problem } from "../../src/platform/http/problem.ts";
import { adminServer, type HttpSettings } from "../../src/platform/http.ts";
import { Secret } from "../../src/platform/secret.ts";
import { adminOptions } from "../../src/testing/admin-options.ts";
import { type MemoryLogger, memoryLogger } from "../../src/testing/memory-logger.ts";

const TOKEN = "0123456789abcdef";

async function server(
  settings: Partial<HttpSettings> = {},
  ready = true,
): Promise<{ app: FastifyInstance; log: MemoryLogger }> {
  const log = memoryLogger();
  const app = await adminServer(adminOptions("test", settings, { log, ready: () => ready }));
  const users = ["a", "b", "c"];
  app.get<{ Querystring: PageQuery }>(
    "/registrations",
    { schema: { querystring: pageQuerySchema } },
    (request) => page(users, request.query, (impu) => ({ impu })),
  );
  app.get<{ Params: { impu: string } }>("/registrations/:impu", (request) => {
    if (request.params.impu === "sip:nobody") throw problem(404, "Not registered", "Try another.");
    return { impu: request.params.impu };
  });
  app.post("/registrations/:impu/wait", () => new Promise(() => undefined));
  app.post("/registrations/:impu/reauthenticate", () => {
    throw new Error("opc=cdc202d5 leaked");
  });
  return { app, log };
}

describe("health", () => {
  it("answers probes, metrics and OpenAPI", async () => {
    const { app } = await server();
    expect((await app.inject("/healthz")).statusCode).toBe(200);
    expect((await app.inject("/readyz")).statusCode).toBe(200);
    expect((await app.inject("/metrics")).headers["content-type"]).toContain("text/plain");
    const api = (await app.inject("/openapi.json")).json<{ paths: object; info: object }>();
    expect(api.info).toEqual({ title: "ims-lab test", version: "1" });
    expect(Object.keys(api.paths)).toEqual([
      "/registrations",
      "/registrations/{impu}",
      "/registrations/{impu}/wait",
      "/registrations/{impu}/reauthenticate",
    ]);
  });

  it("is not ready while the node is not", async () => {
    const { app } = await server({}, false);
    expect((await app.inject("/readyz")).statusCode).toBe(503);
    expect((await app.inject("/healthz")).statusCode).toBe(200);
  });
});

describe("errors (RFC 9457)", () => {
  it.each([
    ["a handler's problem", "GET", "/registrations/sip:nobody", 404, "Not registered"],
    ["no such path", "GET", "/nothing", 404, "No such resource"],
    ["another method", "PUT", "/registrations/sip:a", 405, "Method not allowed"],
    ["a limit out of range", "GET", "/registrations?limit=0", 400, "Bad request"],
    ["an unknown parameter", "GET", "/registrations?limt=1", 400, "Bad request"],
    ["a broken percent code", "GET", "/registrations/%zz", 400, "Bad request"],
    ["our own fault", "POST", "/registrations/sip:a/reauthenticate", 500, "Internal error"],
  ] as const)("%s", async (_what, method, url, status, title) => {
    const { app } = await server();
    const answer = await app.inject({ method, url });
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect(answer.json()).toMatchObject({ type: "about:blank", status, title });
    expect(answer.statusCode).toBe(status);
  });

  it("names the methods that a 405 leaves", async () => {
    const { app } = await server();
    const answer = await app.inject({ method: "PUT", url: "/registrations/sip:a" });
    expect(answer.headers.allow).toBe("GET, HEAD");
  });

  it("logs our own fault and tells the client nothing of it", async () => {
    const { app, log } = await server();
    const answer = await app.inject({ method: "POST", url: "/registrations/a/reauthenticate" });
    expect(answer.body).not.toContain("cdc202d5");
    expect(log.named("http.failed")).toHaveLength(1);
  });

  it("refuses a body that is too large or no JSON", async () => {
    const { app } = await server();
    const post = { method: "POST", url: "/registrations/a/reauthenticate" } as const;
    const headers = { "content-type": "application/json" };
    const atLimit = await app.inject({ ...post, headers, payload: `"${"x".repeat(9_998)}"` });
    expect(atLimit.statusCode).not.toBe(413);
    const large = await app.inject({ ...post, headers, payload: `"${"x".repeat(9_999)}"` });
    expect(large.json()).toMatchObject({ status: 413, title: "Body too large" });
    const figures = (await app.inject("/metrics")).payload;
    expect(figures).toContain('http_answers_total{status="413",node="scscf"} 1');
    const broken = await app.inject({ ...post, headers, payload: "{" });
    expect(broken.json()).toMatchObject({ status: 400 });
    const xml = { "content-type": "application/xml" };
    const other = await app.inject({ ...post, headers: xml, payload: "<a/>" });
    expect(other.json()).toMatchObject({ status: 415, title: "Body is not JSON" });
  });
});

describe("what arrives over its sockets", () => {
  let app: FastifyInstance;
  afterEach(() => app.close());

  function port(): number {
    const at = app.server.address();
    return typeof at === "object" && at !== null ? at.port : 0;
  }

  /** All that comes back until the server has closed the connection. */
  async function exchange(sent: string): Promise<string> {
    const socket = connect(port(), "127.0.0.1");
    socket.on("error", () => undefined); // "close" follows
    socket.write(sent);
    let received = "";
    socket.on("data", (bytes) => {
      received += bytes.toString();
    });
    await new Promise((resolve) => socket.on("close", resolve));
    return received;
  }

  async function listening(settings: Partial<HttpSettings>): Promise<MemoryLogger> {
    const started = await server(settings);
    ({ app } = started);
    await app.listen({ host: "127.0.0.1", port: 0 });
    return started.log;
  }

  it("http.requestSeconds: a request that does not become whole is answered 408", async () => {
    await listening({ requestSeconds: 0.1 });
    const head = "POST /registrations/a/reauthenticate HTTP/1.1\r\nHost: localhost\r\n";
    const slow = await exchange(
      `${head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
    );
    expect(slow).toMatch(/^HTTP\/1.1 408 [\s\S]*application\/problem\+json[\s\S]*"status":408/);
  });

  it("what is no HTTP, or too long, is a problem too", async () => {
    await listening({});
    expect(await exchange("no http\r\n\r\n")).toMatch(/^HTTP\/1.1 400 [\s\S]*"status":400/);
    const long = `GET /${"x".repeat(20_000)} HTTP/1.1\r\n\r\n`;
    expect(await exchange(long)).toMatch(/^HTTP\/1.1 431 [\s\S]*problem\+json/);
  });

  it("http.maxConnections: one more is closed at once, counted and said once", async () => {
    const log = await listening({ maxConnections: 1 });
    const post =
      "POST /registrations/a/wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    const first = connect(port(), "127.0.0.1").on("error", () => undefined);
    first.write(post);
    await new Promise((resolve) => app.server.once("request", resolve));
    expect(await exchange("")).toBe("");
    expect(await exchange("")).toBe("");
    expect(log.named("http.connections-limited")).toHaveLength(1);
    const figures = (await app.inject("/metrics")).payload;
    expect(figures).toContain('http_connections_dropped_total{node="scscf"} 2');
    first.destroy();
  });

  it("http.maxConnections: a probe takes the place of a connection that asks nothing", async () => {
    await listening({ maxConnections: 3 });
    const silent = Array.from({ length: 3 }, () => connect(port(), "127.0.0.1"));
    const ended = silent.map((socket) => new Promise((resolve) => socket.on("close", resolve)));
    silent[0]?.write("GET /healthz HTTP/1.1\r\nX-Slow: "); // half a request is none
    for (const socket of silent.slice(1)) await new Promise((done) => socket.on("connect", done));
    const probe = "GET /healthz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n";
    expect(await exchange(probe)).toMatch(/^HTTP\/1.1 200 /);
    await Promise.race(ended);
    for (const socket of silent) socket.destroy();
  });
});

describe("lists and names", () => {
  it("answers items and total, by limit and offset", async () => {
    const { app } = await server();
    const answer = await app.inject("/registrations?limit=1&offset=1");
    expect(answer.json()).toEqual({ items: [{ impu: "b" }], total: 3 });
    const all = await app.inject("/registrations");
    expect(all.json<{ items: unknown[] }>().items).toHaveLength(3);
  });

  it("understands a percent-encoded IMPU", async () => {
    const { app } = await server();
    const tel = await app.inject("/registrations/tel%3A%2B15550001");
    expect(tel.json()).toEqual({ impu: "tel:+15550001" });
    const long = `sip:${"x".repeat(300)}@ims.example`;
    const answer = await app.inject(`/registrations/${encodeURIComponent(long)}`);
    expect(answer.json()).toEqual({ impu: long });
  });
});

describe("who gets in", () => {
  it("refuses to listen outside loopback without a token", async () => {
    await expect(server({ host: "0.0.0.0" })).rejects.toThrow(SettingError);
    await expect(server({ host: "0.0.0.0", token: new Secret(TOKEN) })).resolves.toBeDefined();
  });

  it("reads the token from a file, and refuses a file that holds none", async () => {
    const folder = mkdtempSync(join(tmpdir(), "token-"));
    const tokenFile = join(folder, "token");
    await expect(server({ tokenFile })).rejects.toThrow(
      /http\.tokenFile: .* a file that can be read/,
    );
    writeFileSync(tokenFile, "short\n");
    await expect(server({ tokenFile })).rejects.toThrow(/at least 16 characters/);
    writeFileSync(tokenFile, `${TOKEN}\n`);
    const { app } = await server({ host: "0.0.0.0", tokenFile });
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await app.inject({ url: "/registrations", headers })).statusCode).toBe(200);
    expect((await app.inject("/registrations")).statusCode).toBe(401);
    rmSync(folder, { recursive: true });
  });

  it.each([
    [undefined, "/registrations", 401],
    ["Bearer wrong", "/registrations", 401],
    [`Basic ${TOKEN}`, "/registrations", 401],
    [`Bearer ${TOKEN}`, "/registrations", 200],
    [`bearer ${TOKEN}`, "/openapi.json", 200],
    [undefined, "/openapi.json", 401],
    [undefined, "/nothing", 401],
    [undefined, "/healthz", 200],
    [undefined, "/readyz", 200],
    [undefined, "/metrics", 200],
  ])("with a token set: %s %s → %i", async (authorization, url, status) => {
    const { app } = await server({ token: new Secret(TOKEN) });
    const headers = authorization === undefined ? {} : { authorization };
    expect((await app.inject({ url, headers })).statusCode).toBe(status);
  });

  it.each([
    ["localhost:9062", undefined, 200],
    ["127.0.0.1:9062", undefined, 200],
    ["[::1]:9062", undefined, 200],
    ["lab.example:9062", undefined, 200],
    ["evil.example:9062", undefined, 403],
    ["localhost:9062", "http://localhost:9062", 200],
    ["localhost:9062", "http://localhost:8080", 403],
    ["localhost:9062", "http://127.0.0.1:9062", 403],
    ["localhost:9062", "https://evil.example", 403],
    ["localhost:9062", "null", 403],
  ])("on loopback without one: Host %s, Origin %s → %i", async (host, origin, status) => {
    const { app } = await server({ names: ["lab.example"] });
    const headers = origin === undefined ? { host } : { host, origin };
    expect((await app.inject({ url: "/registrations", headers })).statusCode).toBe(status);
  });

  it.each([
    ["same-origin", 200],
    ["none", 200],
    ["same-site", 403],
    ["cross-site", 403],
  ])("on loopback without one: Sec-Fetch-Site %s → %i", async (site, status) => {
    const { app } = await server();
    const headers = { "sec-fetch-site": site };
    expect((await app.inject({ url: "/registrations", headers })).statusCode).toBe(status);
  });

  it.each([
    ["/metrics", 403],
    ["/openapi.json", 403],
    ["/healthz", 200],
    ["/readyz", 200],
  ])("on loopback without one: %s by a name that is not ours → %i", async (url, status) => {
    const { app } = await server();
    const headers = { host: "evil.example" };
    expect((await app.inject({ url, headers })).statusCode).toBe(status);
  });
});
