// `GET /events` over a real connection: guarded like every route, and over when the node stops.
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { NODE_HEADER } from "@ims-lab/common/platform/http";
import { Secret } from "@ims-lab/common/platform/secret";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MOST_READERS } from "../../src/admin/event-stream.ts";
import { BOB, Device, Lab, type Peer } from "../lab.ts";
import { adminOf } from "./admin-server.ts";

const TOKEN = "a-token-of-some-length";

let lab: Lab;
let pcscf: Peer;
let app: FastifyInstance;
let asked: ClientRequest[];

async function serve(token: string | undefined): Promise<void> {
  app = await adminOf(lab, { token: token === undefined ? undefined : new Secret(token) });
  await app.listen({ host: "127.0.0.1", port: 0 });
}

beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false"));
  asked = [];
});

afterEach(async () => {
  for (const one of asked) one.destroy();
  await app.close();
});

interface Stream {
  readonly answer: IncomingMessage;
  /** Resolves when so much has come. */
  until(text: string): Promise<string>;
  readonly over: Promise<string>;
}

function get(path: string, headers: Record<string, string> = {}): Promise<Stream> {
  const { port } = app.server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, headers }, (answer) => {
      let text = "";
      const waiting = new Set<() => void>();
      answer.setEncoding("utf8");
      answer.on("data", (piece: string) => {
        text += piece;
        for (const look of waiting) look();
      });
      const until = (part: string): Promise<string> =>
        new Promise((found) => {
          const look = (): void => {
            if (!text.includes(part)) return;
            waiting.delete(look);
            found(text);
          };
          waiting.add(look);
          look();
        });
      const over = new Promise<string>((ended) => answer.once("close", () => ended(text)));
      resolve({ answer, until, over });
    });
    asked.push(outgoing);
    outgoing.once("error", reject);
    outgoing.end();
  });
}

test("events come as they happen, and again from Last-Event-ID on", async () => {
  await serve(undefined);
  const { answer, until } = await get("/events");
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  expect(answer.headers["cache-control"]).toBe("no-store");
  expect(answer.headers[NODE_HEADER]).toBe("S-CSCF");
  const bob = new Device(lab, pcscf, "bob");
  bob.register();
  const text = await until("event: registration\n");
  const [first] = /(?<=^id: )\d+(?=\nevent)/m.exec(text) ?? [];
  const again = await get("/events", { "last-event-id": first ?? "" });
  const missed = await again.until("event: registration\n");
  expect(missed.match(/^event: \w+/gm)).toEqual(["event: authentication", "event: registration"]);
});

test("of one user; of nobody 404", async () => {
  await serve(undefined);
  const { until } = await get(`/events?impu=${encodeURIComponent(BOB)}`);
  new Device(lab, pcscf, "carol").register();
  new Device(lab, pcscf, "bob").register();
  const text = await until("event: registration\n");
  expect(text).not.toContain("carol");
  expect((await get("/events?impu=sip:ghost@x")).answer.statusCode).toBe(404);
  expect((await get("/events?follow=perhaps")).answer.statusCode).toBe(400);
  expect((await get("/events", { "last-event-id": "x" })).answer.statusCode).toBe(400);
});

test("follow=false: what is remembered, then the end", async () => {
  await serve(undefined);
  new Device(lab, pcscf, "bob").register();
  const text = await (await get("/events?follow=false")).over;
  expect(text.match(/^event: \w+/gm)).toEqual([
    "event: authentication",
    "event: authentication",
    "event: registration",
  ]);
  expect(lab.scscf.eventStream.readers).toBe(0);
});

test("a reader that goes away is read to no more", async () => {
  await serve(undefined);
  const { answer } = await get("/events");
  expect(lab.scscf.eventStream.readers).toBe(1);
  const gone = new Promise((resolve) => app.server.once("request", resolve));
  answer.destroy();
  await get("/events");
  await gone;
  await expect.poll(() => lab.scscf.eventStream.readers).toBe(1);
});

test("one reader too many: 503", async () => {
  await serve(undefined);
  for (let n = 0; n < MOST_READERS; n++) expect((await get("/events")).answer.statusCode).toBe(200);
  const { answer, over } = await get("/events");
  expect(answer.statusCode).toBe(503);
  expect(JSON.parse(await over)).toMatchObject({ status: 503, title: "Too many readers" });
});

test("without the token, by another name or from a web page: refused like any route", async () => {
  await serve(TOKEN);
  expect((await get("/events")).answer.statusCode).toBe(401);
  expect((await get("/events", { authorization: "Bearer wrong" })).answer.statusCode).toBe(401);
  const good = await get("/events", { authorization: `Bearer ${TOKEN}` });
  expect(good.answer.statusCode).toBe(200);
  await app.close();
  await good.over;
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false"));
  await serve(undefined);
  expect((await get("/events", { host: "evil.example" })).answer.statusCode).toBe(403);
  expect((await get("/events", { origin: "http://evil.example" })).answer.statusCode).toBe(403);
  expect(lab.scscf.eventStream.readers).toBe(0);
});

test("when the node stops the stream ends whole", async () => {
  await serve(undefined);
  const { until, over, answer } = await get("/events");
  new Device(lab, pcscf, "bob").register();
  await until("event: registration\n");
  await app.close();
  const text = await over;
  expect(text.endsWith("\n\n")).toBe(true);
  expect(answer.complete).toBe(true);
});
