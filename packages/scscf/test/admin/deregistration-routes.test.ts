// `POST /deregistrations` over a real connection: at the pace, each once, and over with its reader.
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as socketsRead } from "node:timers/promises";
import {
  type DeregistrationProgress,
  deregistrationProgressSchema,
} from "@ims-lab/common/admin-api/deregistration-views";
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keptStore } from "../contract/kept-store.ts";
import { Device, DOMAIN, Lab, type Peer, rowsOf } from "../lab.ts";
import { adminOf } from "./admin-server.ts";

const MANY = `  - template:
      from: 1
      to: 100
      impi: "load{n}@${DOMAIN}"
      impus: ["sip:load{n}@${DOMAIN}"]
      auth: { scheme: digest, password: "pw" }
`;

let lab: Lab;
let pcscf: Peer;
let app: FastifyInstance;
let asked: ClientRequest[];

beforeEach(async () => {
  ({ lab, pcscf } = await Lab.startMore(MANY, keptStore(), "--pcscf.subscribe=false"));
  asked = [];
  app = await adminOf(lab);
  await app.listen({ host: "127.0.0.1", port: 0 });
});

afterEach(async () => {
  for (const one of asked) one.destroy();
  await app.close();
});

/** Registered, and every second one subscribed. */
function register(count: number): readonly Device[] {
  return Array.from({ length: count }, (_, n) => {
    const device = new Device(lab, pcscf, `load${n + 1}`);
    device.register();
    if (n % 2 === 0) device.subscribe(OWN_PACKAGE, 3600);
    return device;
  });
}

interface Stream {
  readonly status: number | undefined;
  /** All that has come. */
  readonly text: () => string;
  readonly events: () => readonly DeregistrationProgress[];
  close(): void;
}

async function order(body: object): Promise<Stream> {
  const { port } = app.server.address() as AddressInfo;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({
      port,
      method: "POST",
      path: "/deregistrations",
      headers: { host: "localhost", "content-type": "application/json" },
    });
    asked.push(sent);
    sent.on("response", resolve).on("error", reject);
    sent.end(JSON.stringify(body));
  });
  let text = "";
  answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  answer.on("error", () => undefined); // we leave ourselves
  return {
    status: answer.statusCode,
    text: () => text,
    events: () =>
      [...text.matchAll(/^data: (.*)$/gm)].map(
        ([, data = ""]) => JSON.parse(data) as DeregistrationProgress,
      ),
    close: () => answer.destroy(),
  };
}

/** Until what was written has come, and what was closed is seen. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !isTrue(); turn++) await socketsRead();
  expect(isTrue()).toBe(true);
}

test("all of them at the pace, and how many could be told", async () => {
  register(20);
  pcscf.take("NOTIFY");
  const stream = await order({ cause: "rejected", perSecond: 5 });
  expect(stream.status).toBe(200);
  lab.run(1_000);
  expect(lab.scscf.bindings.size).toBeGreaterThanOrEqual(20 - 6);
  expect(lab.scscf.bindings.size).toBeLessThanOrEqual(20 - 5);
  lab.run(4_000);
  expect(lab.scscf.bindings.size).toBe(0);
  const notifies = pcscf.take("NOTIFY");
  expect(notifies).toHaveLength(10);
  expect(rowsOf(notifies[0])).toEqual(["load1 rejected"]);
  await until(() => stream.text().includes("event: end"));
  const events = stream.events();
  const end = { total: 20, deregistered: 20, told: 10, gone: 0, isOver: true };
  expect(events.at(-1)).toEqual(end);
  expect(events.length).toBeGreaterThan(3);
  const ajv = new Ajv2020({ strict: false });
  for (const one of events) expect(ajv.validate(deregistrationProgressSchema, one)).toBe(true);
  expect(lab.log.named("deregistration.ended")).toMatchObject([{ deregistered: 20, why: "done" }]);
});

test("who comes back meanwhile stays; who has gone meanwhile is counted", async () => {
  const devices = register(8);
  const stream = await order({ cause: "deactivated", perSecond: 5 });
  lab.run(500);
  devices[0]?.register(); // it was the first
  devices[7]?.register({ expires: 0 });
  lab.run(5_000);
  expect([...lab.scscf.bindings.all()].map(({ impi }) => impi)).toEqual([`load1@${DOMAIN}`]);
  await until(() => stream.text().includes("event: end"));
  expect(stream.events().at(-1)).toMatchObject({ total: 8, deregistered: 7, gone: 1 });
});

test("who asks goes away: nobody further is de-registered, and another may ask", async () => {
  register(20);
  const stream = await order({ cause: "deactivated", perSecond: 5 });
  lab.run(1_000);
  stream.close();
  await until(() => lab.log.named("deregistration.ended").length > 0);
  const left = lab.scscf.bindings.size;
  expect(left).toBeGreaterThan(12);
  lab.run(5_000);
  expect(lab.scscf.bindings.size).toBe(left);
  const again = await order({ cause: "deactivated", perSecond: 1_000 });
  lab.run(1_000);
  await until(() => again.text().includes("event: end"));
  expect(lab.scscf.bindings.size).toBe(0);
});

test("one at a time: 409", async () => {
  register(2);
  await order({ cause: "deactivated", perSecond: 0.1 });
  expect((await order({ cause: "deactivated", perSecond: 1 })).status).toBe(409);
});

test("the node stops: the stream ends", async () => {
  register(5);
  const stream = await order({ cause: "deactivated", perSecond: 1 });
  await app.close();
  await until(() => stream.text().includes("event: end"));
  lab.run(10_000);
  expect(lab.scscf.bindings.size).toBeGreaterThanOrEqual(4);
});

test("nobody is registered: it is over at once", async () => {
  const stream = await order({ cause: "deactivated", perSecond: 1 });
  lab.run(10);
  await until(() => stream.text().includes("event: end"));
  expect(stream.events().at(-1)).toMatchObject({ total: 0, deregistered: 0, isOver: true });
});

test.each([
  [{}, "cause"],
  [{ cause: "boredom", perSecond: 1 }, "cause"],
  [{ cause: "rejected" }, "perSecond"],
  [{ cause: "rejected", perSecond: 0 }, "perSecond"],
  [{ cause: "rejected", perSecond: 10_001 }, "perSecond"],
  [{ cause: "rejected", perSecond: 1, retryAfterSeconds: 5 }, "retryAfterSeconds"],
])("%j is refused, and nobody is de-registered", async (body, field) => {
  register(1);
  const refused = await order(body);
  await until(() => refused.text() !== "");
  expect([refused.status, refused.text()]).toEqual([400, expect.stringContaining(field)]);
  lab.run(1_000);
  expect(lab.scscf.bindings.size).toBe(1);
});
