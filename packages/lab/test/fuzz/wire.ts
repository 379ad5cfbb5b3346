// Damage below SIP: TLS records, WebSocket handshakes and frames, handshakes that stop half-way. RFC 8446, RFC 6455.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Random } from "@ims-lab/common/platform/random";
import { mutate, pick } from "./mutate.ts";

export interface WirePorts {
  readonly tls: number;
  readonly ws: number;
  readonly wss: number;
}

/** So many stay open, whatever their state; the oldest goes first. Below the nodes' limit of half-open ones. */
const KEPT_OPEN = 150;

export class WireThrower {
  readonly #host: string;
  readonly #from: string;
  readonly #ports: WirePorts;
  readonly #open: Socket[] = [];

  constructor(host: string, from: string, ports: WirePorts) {
    this.#host = host;
    this.#from = from;
    this.#ports = ports;
  }

  /** One connection, damaged in one way. */
  throwOne(random: Random): void {
    pick(THROWS, random)(this, random);
  }

  close(): void {
    for (const socket of this.#open.splice(0)) socket.destroy();
  }

  plain(kind: keyof WirePorts, octets: Buffer): void {
    this.#dial(this.#ports[kind]).write(octets);
  }

  /** @param under true: the octets go below TLS, among its records */
  secured(kind: "tls" | "wss", octets: Buffer, under = false): void {
    const bare = this.#dial(this.#ports[kind]);
    const socket = connectTls({ socket: bare, rejectUnauthorized: false }, () => {
      if (under) bare.write(octets);
      else socket.write(octets);
    });
    socket.on("error", () => undefined);
  }

  #dial(port: number): Socket {
    const socket = connect({ host: this.#host, port, localAddress: this.#from });
    socket.on("error", () => undefined);
    socket.resume();
    this.#open.push(socket);
    if (this.#open.length > KEPT_OPEN) this.#open.shift()?.destroy();
    return socket;
  }
}

type Throw = (thrower: WireThrower, random: Random) => void;

const THROWS: readonly Throw[] = [
  (thrower, random) =>
    thrower.plain(pick(["tls", "wss"], random), mutate(CLIENT_HELLO, random).subarray(0, 70_000)),
  // slow loris: a beginning, and no more
  (thrower, random) => {
    const kind = pick(["tls", "ws", "wss"] as const, random);
    const whole = kind === "ws" ? UPGRADE : CLIENT_HELLO;
    thrower.plain(kind, whole.subarray(0, Math.floor(random.fraction() * whole.length)));
  },
  (thrower, random) => thrower.secured(pick(["tls", "wss"], random), record(random), true),
  (thrower, random) => thrower.plain("ws", mutate(UPGRADE, random)),
  (thrower, random) => thrower.secured("wss", mutate(UPGRADE, random)),
  (thrower, random) => thrower.plain("ws", Buffer.concat([UPGRADE, frames(random)])),
  (thrower, random) => thrower.plain("ws", Buffer.concat([UPGRADE, frames(random)])),
  (thrower, random) => thrower.secured("wss", Buffer.concat([UPGRADE, frames(random)])),
];

const UPGRADE = Buffer.from(
  [
    "GET / HTTP/1.1",
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol: sip",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    "Origin: http://127.0.0.1",
    "",
    "",
  ].join("\r\n"),
);

/** RFC 8446 §4.1.2, for TLS 1.3 and 1.2, with a key share of X25519. */
const CLIENT_HELLO: Buffer = hello(
  [
    "0303", // version
    "5a".repeat(32), // random
    "00", // no session
    "000613011302c02f", // cipher suites
    "0100", // no compression
    "0045", // extensions
    "002b00050403040303", // supported_versions
    "000a00040002001d", // supported_groups
    "000d0006000404030804", // signature_algorithms
    `003300260024001d0020${"09".repeat(32)}`, // key_share
  ].join(""),
);

function hello(body: string): Buffer {
  const octets = Buffer.from(body, "hex");
  const head = Buffer.from([22, 3, 1, 0, octets.length + 4, 1, 0, 0, octets.length]);
  return Buffer.concat([head, octets]);
}

/** Any type, version and length, with fewer or more octets than it says. */
function record(random: Random): Buffer {
  const type = pick([0, 20, 21, 22, 23, 24, 128, 255], random);
  const length = pick([0, 1, 2, 64, 16_384, 16_641, 65_535], random);
  const head = Buffer.from([type, 3, pick([0, 1, 3, 4, 255], random), length >> 8, length & 255]);
  return Buffer.concat([head, random.bytes(pick([0, 1, 2, 64, 8_000], random))]);
}

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;

interface FrameShape {
  readonly fin?: boolean;
  /** The three reserved bits; the first says "compressed" (RFC 7692). */
  readonly reserved?: number;
  readonly masked?: boolean;
  /** Said instead of the real one. */
  readonly length?: bigint;
}

/** RFC 6455 §5.2; its length may be a lie. */
function frame(opcode: number, payload: Buffer, shape: FrameShape = {}): Buffer {
  const { fin = true, reserved = 0, masked = true, length = BigInt(payload.length) } = shape;
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  const head = Buffer.alloc(length < 126n ? 2 : length < 65_536n ? 4 : 10);
  head[0] = first;
  if (length < 126n) head[1] = mask | Number(length);
  else if (length < 65_536n) {
    head[1] = mask | 126;
    head.writeUInt16BE(Number(length), 2);
  } else {
    head[1] = mask | 127;
    head.writeBigUInt64BE(BigInt.asUintN(64, length), 2);
  }
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

const OPTIONS = Buffer.from("OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n");

const FRAMES: readonly ((random: Random) => Buffer)[] = [
  () => frame(TEXT, OPTIONS, { masked: false }),
  () => frame(BINARY, OPTIONS, { length: 2n ** 63n }),
  () => frame(BINARY, OPTIONS, { length: 2n ** 63n - 1n }),
  () => frame(BINARY, OPTIONS, { length: 2n ** 64n - 1n }),
  () => frame(TEXT, OPTIONS, { length: 65_535n }),
  () => frame(0, OPTIONS), // a continuation of nothing
  () => Buffer.concat([frame(TEXT, OPTIONS, { fin: false }), frame(TEXT, OPTIONS)]),
  () =>
    Buffer.concat([frame(TEXT, OPTIONS, { fin: false }), frame(PING, OPTIONS), frame(0, OPTIONS)]),
  () =>
    Buffer.concat([
      frame(TEXT, OPTIONS, { fin: false }),
      ...Array<Buffer>(500).fill(frame(0, Buffer.from("a"), { fin: false })),
    ]),
  () => frame(PING, Buffer.alloc(126)),
  () => frame(PING, Buffer.alloc(10), { fin: false }),
  () => Buffer.concat(Array<Buffer>(1000).fill(frame(PING, Buffer.alloc(125)))),
  (random) => frame(TEXT, Buffer.concat([OPTIONS, random.bytes(64)])), // no UTF-8
  (random) => frame(TEXT, OPTIONS, { reserved: pick([1, 2, 4, 7], random) }),
  (random) => frame(pick([3, 7, 11, 15], random), OPTIONS),
  () => frame(CLOSE, Buffer.alloc(1)),
  (random) => frame(CLOSE, random.bytes(2)),
  () => frame(TEXT, Buffer.concat([OPTIONS, OPTIONS])), // two messages in one
  () => frame(BINARY, Buffer.alloc(0)),
  () => frame(BINARY, Buffer.alloc(65_000, "\r\n")),
  (random) => mutate(frame(TEXT, OPTIONS), random),
];

/** One to three, a good one among them. */
function frames(random: Random): Buffer {
  return Buffer.concat([
    pick(FRAMES, random)(random),
    frame(TEXT, OPTIONS),
    pick(FRAMES, random)(random),
  ]);
}
