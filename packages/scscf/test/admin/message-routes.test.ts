// `GET /registrations/{impu}/messages` over a real connection: told while somebody reads, and no longer.
import type { AddressInfo } from "node:net";
import type { ObservedMessage } from "@ims-lab/common/admin-api/observed-messages";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MOST_OBSERVERS } from "../../src/admin/message-routes.ts";
import { BOB, Device, Lab, type Peer } from "../lab.ts";
import { adminOf } from "./admin-server.ts";

let lab: Lab;
let pcscf: Peer;
let app: FastifyInstance;
let leaving: AbortController;

beforeEach(async () => {
  ({ lab, pcscf } = await Lab.start("--pcscf.subscribe=false"));
  leaving = new AbortController();
  app = await adminOf(lab);
  await app.listen({ host: "127.0.0.1", port: 0 });
});

afterEach(async () => {
  leaving.abort();
  await app.close();
});

function open(impu: string): Promise<Response> {
  const { port } = app.server.address() as AddressInfo;
  const path = `/registrations/${encodeURIComponent(impu)}/messages`;
  return fetch(`http://127.0.0.1:${port}${path}`, { signal: leaving.signal });
}

/** Of a stream that is read until so many messages have come, or its end. */
async function messages(response: Response, count: number): Promise<readonly ObservedMessage[]> {
  let text = "";
  const found = (): ObservedMessage[] =>
    [...text.matchAll(/^event: message\ndata: (.*)$/gm)].map(
      ([, data = ""]) => JSON.parse(data) as ObservedMessage,
    );
  for await (const piece of response.body ?? []) {
    text += Buffer.from(piece).toString();
    if (found().length >= count) break;
  }
  return found();
}

test("a user's messages come as they pass, by any of the identities", async () => {
  const stream = await open("sip:robert@ims.example");
  expect(stream.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  new Device(lab, pcscf, "carol").register();
  new Device(lab, pcscf, "bob").register();
  const told = await messages(stream, 4);
  expect(told.map(({ method, status }) => status ?? method)).toEqual([
    "REGISTER",
    401,
    "REGISTER",
    200,
  ]);
  await expect.poll(() => lab.scscf.watches.isOn).toBe(false);
});

test("of nobody 404; one observer too many 503; when they leave there is room again", async () => {
  expect((await open("sip:ghost@ims.example")).status).toBe(404);
  for (let n = 0; n < MOST_OBSERVERS; n++) expect((await open(BOB)).status).toBe(200);
  const refused = await open(BOB);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ title: "Too many observers" });
  leaving.abort();
  leaving = new AbortController();
  await expect.poll(() => lab.scscf.watches.isOn).toBe(false);
  expect((await open(BOB)).status).toBe(200);
});

test("when the node stops the stream ends whole, and nobody watches any more", async () => {
  const stream = await open(BOB);
  new Device(lab, pcscf, "bob").register();
  const all = messages(stream, 1_000);
  await app.close();
  expect(await all).toHaveLength(4);
  expect(lab.scscf.watches.isOn).toBe(false);
});
