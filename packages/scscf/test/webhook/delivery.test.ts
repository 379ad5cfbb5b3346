// One attempt against real web servers: signed, and over in time whatever the other side does.
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { Secret } from "@ims-lab/common/platform/secret";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { afterEach, expect, test } from "vitest";
import { deliver, signatureOf } from "../../src/webhook/delivery.ts";

const SECRET = new Secret("a secret of some length");
const DELIVERY = { id: "d1", body: '{"id":"d1","items":[{"text":"Grüße"}]}' };

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Got {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A server that handles requests so; its URL and what it got. */
async function serve(
  handle: (response: ServerResponse, got: Got) => void,
): Promise<{ url: string; got: Got[] }> {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const one = { headers: request.headers, body };
      got.push(one);
      handle(response, one);
    });
  });
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got };
}

function attempt(
  url: string,
  clock = new FakeClock(),
  signal = new AbortController().signal,
): Promise<string | undefined> {
  const target = { url, secret: SECRET, timeoutSeconds: 5 };
  return deliver(target, DELIVERY, { clock, fetch, signal });
}

test("a 2xx has it: the body as it is, the signature over time and body", async () => {
  const { url, got } = await serve((response) => response.writeHead(204).end());
  const clock = new FakeClock();
  expect(await attempt(url, clock)).toBeUndefined();
  expect(clock.pending).toBe(0);
  const [{ headers, body } = { headers: {}, body: "" }] = got;
  expect(body).toBe(DELIVERY.body);
  const timestamp = String(headers["x-ims-lab-timestamp"]);
  expect(Number(timestamp)).toBe(clock.now());
  // As somebody else would check it, by the words of the docs.
  const expected = createHmac("sha256", "a secret of some length")
    .update(`${timestamp}.${body}`, "utf8")
    .digest("hex");
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "x-ims-lab-delivery": "d1",
    "x-ims-lab-signature": `sha256=${expected}`,
  });
});

test("RFC 4231 test case 2: the signature is HMAC-SHA-256", () => {
  const [at, body] = [0, "x"];
  const known = createHmac("sha256", "Jefe").update("what do ya want for nothing?").digest("hex");
  expect(known).toBe("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  expect(signatureOf(new Secret("Jefe"), at, body)).toBe(
    `sha256=${createHmac("sha256", "Jefe").update("0.x").digest("hex")}`,
  );
});

test.each([
  [500, "it answered 500"],
  [404, "it answered 404"],
  [302, "it answered 302: redirects are not followed"],
  [308, "it answered 308: redirects are not followed"],
])("%d: why", async (status, why) => {
  const other = await serve((response) => response.end());
  const { url } = await serve((response) =>
    response.writeHead(status, { location: other.url }).end("no"),
  );
  expect(await attempt(url)).toBe(why);
  expect(other.got).toEqual([]);
});

test("nobody listens there, or there is no such host", async () => {
  const { url } = await serve((response) => response.end());
  for (const close of closing.splice(0)) close();
  expect(await attempt(url)).toBe("it cannot be reached: ECONNREFUSED");
});

test("one that hangs before it answers is left after the time limit", async () => {
  const clock = new FakeClock();
  const { url } = await serve(() => clock.advance(5_001));
  expect(await attempt(url, clock)).toBe("no answer within 5 s");
});

test("one that hangs within its answer's head is left, too", async () => {
  const clock = new FakeClock();
  const { url } = await serve((response) => {
    response.socket?.write("HTTP/1.1 200 OK\r\nX-Slow: ");
    clock.advance(5_001);
  });
  expect(await attempt(url, clock)).toBe("no answer within 5 s");
});

test("an answer without an end is not read", async () => {
  const { url } = await serve((response) => {
    response.writeHead(200);
    const more = (): void => {
      if (response.writable) response.write("x".repeat(65_536), more);
    };
    more();
  });
  expect(await attempt(url)).toBeUndefined();
});

test("one that cuts the connection, or speaks no HTTP", async () => {
  const cut = await serve((response) => response.socket?.destroy());
  expect(await attempt(cut.url)).toMatch(/^it cannot be reached: /);
  const other = await serve((response) => response.socket?.end("SIP/2.0 200 OK\r\n\r\n"));
  expect(await attempt(other.url)).toMatch(/^it cannot be reached: /);
});

test("the node's end ends the attempt", async () => {
  const over = new AbortController();
  const { url } = await serve(() => over.abort());
  expect(await attempt(url, new FakeClock(), over.signal)).toMatch(/^it cannot be reached: /);
});

test("https: an unknown authority is refused, a known one is fine", async () => {
  const pem = (file: string): string =>
    readFileSync(new URL(`../../../common/test/certificates/${file}`, import.meta.url), "utf8");
  let requests = 0;
  const server = createTlsServer({ key: pem("node.key"), cert: pem("node.crt") }, (_, response) => {
    requests += 1;
    response.end();
  });
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  expect(await attempt(url)).toBe("it cannot be reached: UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(requests).toBe(0);
  // The authorities are the process's: NODE_EXTRA_CA_CERTS.
  const modules = ["../../src/webhook/delivery.ts", "../../../common/src/platform/secret.ts"];
  const [delivery, secret] = modules.map((one) => new URL(one, import.meta.url).href);
  const clock = new URL("../../../common/src/platform/clock.ts", import.meta.url).href;
  const script = `
    const { deliver } = await import(${JSON.stringify(delivery)});
    const { Secret } = await import(${JSON.stringify(secret)});
    const { systemClock } = await import(${JSON.stringify(clock)});
    const target = { url: process.argv[1], secret: new Secret("x".repeat(16)), timeoutSeconds: 20 };
    const tools = { clock: systemClock(), fetch, signal: new AbortController().signal };
    console.log(await deliver(target, { id: "d", body: "{}" }, tools));
    process.exit();`;
  const authority = new URL("../../../common/test/certificates/authority.crt", import.meta.url);
  const env = { NODE_EXTRA_CA_CERTS: authority.pathname };
  const argv = ["--input-type=module", "--eval", script, url];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env });
  expect([stdout.trim(), requests]).toEqual(["undefined", 1]);
});
