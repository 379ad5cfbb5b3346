// Damage at the admin interfaces, octet by octet: heads, bodies, lengths, chunks, pipelines, bodies that never end. RFC 9112.
import { connect, type Socket } from "node:net";
import type { Random } from "@ims-lab/common/platform/random";
import { escaped, type Faults } from "./faults.ts";
import { mutate, pick } from "./mutate.ts";

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

export interface HttpTarget {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly requests: readonly HttpRequest[];
}

/** So many stay open, whatever their state; the oldest goes first. */
const KEPT_OPEN = 40;

export class HttpThrower {
  readonly #targets: readonly HttpTarget[];
  readonly #from: string;
  readonly #faults: Faults;
  readonly #open: Socket[] = [];

  constructor(targets: readonly HttpTarget[], from: string, faults: Faults) {
    this.#targets = targets;
    this.#from = from;
    this.#faults = faults;
  }

  /** One connection, with something on it that is damaged in one way. */
  throwOne(random: Random): void {
    const target = pick(this.#targets, random);
    const octets = pick(WAYS, random)(target, random);
    const socket = connect({ host: target.host, port: target.port, localAddress: this.#from });
    socket.on("error", () => undefined);
    socket.on("data", (answer) => {
      const status = serverFault(answer);
      if (status === undefined) return;
      this.#faults.found(`${target.name} answered ${status} to ${escaped(octets)}`);
    });
    socket.write(octets);
    this.#open.push(socket);
    if (this.#open.length > KEPT_OPEN) this.#open.shift()?.destroy();
  }

  close(): void {
    for (const socket of this.#open.splice(0)) socket.destroy();
  }
}

/** Not what the request is to blame for: 501 no such method, 503 not ready, 505 no such version. */
function serverFault(answer: Buffer): string | undefined {
  const [, status] = /^HTTP\/1\.1 (5\d\d)/.exec(answer.toString("latin1")) ?? [];
  return status === "501" || status === "503" || status === "505" ? undefined : status;
}

function head(
  { host, port }: HttpTarget,
  { method, path }: HttpRequest,
  headers: readonly string[],
): string {
  return [`${method} ${path} HTTP/1.1`, `Host: ${host}:${port}`, ...headers, "", ""].join("\r\n");
}

const JSON_TYPE = "Content-Type: application/json";

function whole(target: HttpTarget, request: HttpRequest, body: Buffer): Buffer {
  const headers = body.length === 0 ? [] : [JSON_TYPE, `Content-Length: ${body.length}`];
  return Buffer.concat([Buffer.from(head(target, request, headers), "latin1"), body]);
}

function bodyOf({ body = "" }: HttpRequest): Buffer {
  return Buffer.from(body, "utf8");
}

/** Bodies that are JSON, or nearly, and nothing anybody wants. */
const ODD_BODIES: readonly string[] = [
  "null",
  "[]",
  '""',
  "{}",
  '{"__proto__":{"identity":1}}',
  '{"constructor":{"prototype":{}}}',
  '{"identity":"\\u0000","to":"sip:\\ud800@x","text":"\\ud800"}',
  `{"to":${"[".repeat(20_000)}`,
  `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
  `{"to":"sip:${"a".repeat(2_000)}@b","text":"x"}`,
  `{"to":"sip:a@b\\r\\nX: y","text":"x"}`,
  `{"to":"tel:+1","text":"${"x".repeat(8_192)}"}`,
  '{"on":1e999}',
  '\ufeff{"on":true}',
  '{"to":"a","to":"b"}',
];

type Way = (target: HttpTarget, random: Random) => Buffer;

/** An octet of a chunk size may be anything; so may what follows. */
function chunked(request: HttpRequest, random: Random): Buffer {
  const body = bodyOf(request);
  const size = pick(
    [body.length.toString(16), "0", "-1", "ffffffffffffffff", "1;x=y", " 1", "zz"],
    random,
  );
  return Buffer.concat([
    Buffer.from(`${size}\r\n`),
    body,
    Buffer.from(pick(["\r\n0\r\n\r\n", "\r\n0\r\nX: y\r\n\r\n", "0\r\n\r\n", "\r\n"], random)),
  ]);
}

const WAYS: readonly Way[] = [
  (target, random) => {
    const request = pick(target.requests, random);
    return mutate(whole(target, request, bodyOf(request)), random);
  },
  (target, random) => {
    const request = pick(target.requests, random);
    return whole(target, request, mutate(bodyOf(request), random));
  },
  (target, random) => {
    const request = pick(target.requests, random);
    return whole(target, request, Buffer.from(pick(ODD_BODIES, random), "utf8"));
  },
  (target, random) => {
    const request = pick(target.requests, random);
    const path = mutate(Buffer.from(request.path), random).toString("latin1").slice(0, 4_000);
    return whole(target, { ...request, path: path.replace(/[\s\0]/g, "%20") }, bodyOf(request));
  },
  (target, random) => {
    const request = pick(target.requests, random);
    const headers = [JSON_TYPE, "Transfer-Encoding: chunked"];
    if (random.fraction() < 0.3) headers.push("Content-Length: 3");
    const text = Buffer.from(head(target, request, headers));
    return Buffer.concat([text, chunked(request, random)]);
  },
  // a pipeline, damaged somewhere
  (target, random) => {
    const all = Array.from({ length: 30 }, () => {
      const request = pick(target.requests, random);
      return whole(target, request, bodyOf(request));
    });
    return mutate(Buffer.concat(all), random);
  },
  // a body that never ends
  (target, random) => {
    const length = pick([10, 300_000, 2 ** 31, 2 ** 53, "1e3", "-1", "3, 3"], random);
    const headers = [JSON_TYPE, `Content-Length: ${length}`];
    return Buffer.from(`${head(target, pick(target.requests, random), headers)}{"to":"`);
  },
  (target, random) => {
    const octets = pick([100, 20_000, 300_000], random);
    const headers = pick(
      [[`X: ${"a".repeat(octets)}`], Array<string>(2_500).fill("X: y"), ["Expect: 100-continue"]],
      random,
    );
    return Buffer.from(head(target, pick(target.requests, random), headers));
  },
  (target, random) => {
    const headers = pick(
      [
        ["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"],
        ["Upgrade: websocket", "Connection: Upgrade"],
        ["Content-Type: text/plain", "Content-Length: 2"],
        ["Content-Type: application/json; charset=utf-16", "Content-Length: 2"],
        ["Content-Encoding: gzip", JSON_TYPE, "Content-Length: 2"],
        ["Host: elsewhere"],
        ["Origin: http://elsewhere"],
      ],
      random,
    );
    return Buffer.from(`${head(target, pick(target.requests, random), headers)}{}`);
  },
  (_target, random) =>
    Buffer.from(
      pick(
        [
          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
          "CONNECT a:1 HTTP/1.1\r\n\r\n",
          "GET / HTTP/0.9\r\n\r\n",
        ],
        random,
      ),
    ),
];
