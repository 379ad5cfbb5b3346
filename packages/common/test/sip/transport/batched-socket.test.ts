// Batches of datagrams against a kernel that takes less than it is given: full, refusing, interrupted.
import { constants } from "node:os";
import { beforeEach, describe, expect, test } from "vitest";
import { BatchedSocket } from "../../../src/sip/transport/datagrams/batched-socket.ts";
import { MessageSlots } from "../../../src/sip/transport/datagrams/message-slots.ts";
import {
  type SystemCalls,
  systemCalls,
} from "../../../src/sip/transport/datagrams/system-calls.ts";
import type { SendFailure } from "../../../src/sip/transport/transport.ts";
import { udpTransport } from "../../../src/sip/transport/udp.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";

const { EAGAIN, EADDRINUSE, EPERM } = constants.errno;
const PEER = { host: "192.0.2.7", port: 5060 };
const turn = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Takes as many as it is told to at each call, then what comes; a negative number is an error's. */
class Kernel {
  readonly takes: number[] = [];
  readonly batches: number[] = [];
  readonly closed: number[] = [];
  bound = 0;
  #errno = 0;

  readonly calls: SystemCalls = {
    socket: () => 7,
    setOption: () => 0,
    bind: () => this.#result(this.bound),
    localAddress: () => 0,
    receive: () => -1,
    send: (_fd, _headers, count) => {
      const taken = this.#result(this.takes.shift() ?? count);
      if (taken > 0) this.batches.push(taken);
      return taken;
    },
    close: (fd) => this.closed.push(fd),
    errno: () => this.#errno,
    addressOf: () => 0n,
    watch: () => ({ close: () => undefined }),
  };

  #result(result: number): number {
    if (result >= 0) return result;
    this.#errno = -result;
    return -1;
  }
}

describe("a batched socket", () => {
  let kernel: Kernel;
  let clock: FakeClock;
  let socket: BatchedSocket;
  let failures: SendFailure[];
  const send = (count = 1, bytes = Buffer.from("x")): void => {
    for (let sent = 0; sent < count; sent++) socket.send(bytes, PEER, (why) => failures.push(why));
  };

  beforeEach(async () => {
    kernel = new Kernel();
    clock = new FakeClock();
    failures = [];
    socket = new BatchedSocket(kernel.calls, { bufferBytes: 1, clock });
    await socket.bind({ host: "127.0.0.1", port: 0 }, () => undefined);
  });

  test("what is sent in one turn leaves together, at most 32 at once", async () => {
    send(70);
    expect(kernel.batches).toEqual([32, 32]);
    await turn();
    expect(kernel.batches).toEqual([32, 32, 6]);
  });

  test("long datagrams leave as soon as there is no more room", async () => {
    send(9, Buffer.alloc(65_507));
    await turn();
    expect(kernel.batches).toEqual([4, 4, 1]);
  });

  test("what the kernel leaves of a batch follows at once", async () => {
    kernel.takes.push(3, 1);
    send(5);
    await turn();
    expect(kernel.batches).toEqual([3, 1, 1]);
    expect(failures).toEqual([]);
  });

  test("one that is refused fails alone", async () => {
    kernel.takes.push(1, -EPERM);
    send(4);
    await turn();
    await turn();
    expect(kernel.batches).toEqual([1, 2]);
    expect(failures).toEqual(["refused"]);
  });

  test("a full buffer: all wait, in order, and leave when it has room", async () => {
    kernel.takes.push(2, -EAGAIN);
    send(3);
    await turn();
    send(4);
    await turn();
    expect(kernel.batches).toEqual([2]);
    kernel.takes.push(-EAGAIN);
    clock.advance(1);
    await turn();
    expect(kernel.batches).toEqual([2]);
    clock.advance(1);
    await turn();
    expect(kernel.batches).toEqual([2, 1, 4]);
    expect(failures).toEqual([]);
  });

  test("a buffer that stays full: 4 096 wait, more are lost and say so", async () => {
    kernel.takes.push(-EAGAIN);
    send();
    await turn();
    send(4_097);
    await turn();
    expect(failures).toEqual(["overloaded"]);
    await socket.close();
    await turn();
    expect(failures.filter((why) => why === "closed")).toHaveLength(4_096);
  });

  test("who closes sends what was sent before, and nothing after", async () => {
    send(2);
    await socket.close();
    expect(kernel.batches).toEqual([2]);
    expect(kernel.closed).toEqual([7]);
    send();
    await turn();
    await turn();
    expect(failures).toEqual(["closed"]);
    await socket.close();
    expect(kernel.closed).toEqual([7]);
  });

  test.each(["", "localhost", "::1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1..2.3", "1.2.3.4 "])(
    "no IPv4 address: %j",
    async (host) => {
      socket.send(Buffer.from("x"), { host, port: 5060 }, (why) => failures.push(why));
      send();
      await turn();
      await turn();
      expect(failures).toEqual(["refused"]);
      expect(kernel.batches).toEqual([1]);
    },
  );

  test("an address in use: the system's error, and nothing stays open", async () => {
    kernel.bound = -EADDRINUSE;
    const other = new BatchedSocket(kernel.calls, { bufferBytes: 1, clock });
    const bound = other.bind({ host: "127.0.0.1", port: 5060 }, () => undefined);
    await expect(bound).rejects.toMatchObject({
      code: "EADDRINUSE",
      syscall: "bind",
      address: "127.0.0.1",
      port: 5060,
    });
    expect(kernel.closed).toEqual([7]);
  });
});

test("addresses are written as they are read", () => {
  const slots = new MessageSlots(2, 16, () => 0n);
  for (const host of ["0.0.0.0", "127.0.0.1", "192.0.2.200", "255.255.255.255"]) {
    expect(slots.address(1, { host, port: 65_535 })).toBe(true);
    expect([slots.hostOf(1), slots.portOf(1)]).toEqual([host, 65_535]);
  }
});

test("slots go from one peer to another and back", () => {
  const slots = new MessageSlots(1, 16, () => 0n);
  const [a, b] = ["192.0.2.1", "192.0.2.2"].map((host) => ({ host, port: 5060 }));
  for (const to of [a, a, b, { host: "192.0.2.3", port: 5061 }, a]) {
    expect(to !== undefined && slots.address(0, to)).toBe(true);
    expect(slots.hostOf(0)).toBe(to?.host);
    expect(slots.portOf(0)).toBe(to?.port);
  }
  expect(slots.address(0, { host: "localhost", port: 5060 })).toBe(false);
  expect(a !== undefined && slots.address(0, a)).toBe(true);
  expect(slots.hostOf(0)).toBe("192.0.2.1");
});

test("pointers are 64 bits long, whatever their lower half does", () => {
  const octetsAt = 0x7fff_ffff_fff8n;
  const buffers: Buffer[] = [];
  const slots = new MessageSlots(2, 64, (buffer) => {
    buffers.push(buffer);
    return octetsAt;
  });
  const [, vectors] = buffers;
  slots.place(0, 4, 3);
  slots.place(1, 8, 5);
  const pointers = [0, 16].map((at) => vectors?.readBigUInt64LE(at));
  expect(pointers).toEqual([octetsAt + 4n, octetsAt + 8n]);
  expect([8, 24].map((at) => vectors?.readBigUInt64LE(at))).toEqual([3n, 5n]);
  // The name of the second message and its vector: behind those of the first one.
  expect(slots.headers.readBigUInt64LE(64)).toBe(octetsAt + 16n);
  expect(slots.headers.readBigUInt64LE(64 + 16)).toBe(octetsAt + 16n);
  expect(slots.headers.readBigUInt64LE(64 + 24)).toBe(1n);
});

test.runIf(systemCalls())("a port in use is refused as by Node's own socket", async () => {
  const clock = new FakeClock();
  const ignore = {
    onMessage: () => undefined,
    onClosed: () => undefined,
    onRejected: () => undefined,
  };
  const first = udpTransport({ host: "127.0.0.1", port: 0, batching: { clock } });
  await first.listen(ignore);
  for (const batching of [{ batching: { clock } }, {}]) {
    const second = udpTransport({ ...first.local, ...batching });
    await expect(second.listen(ignore)).rejects.toMatchObject({ code: "EADDRINUSE" });
  }
  await first.close();
});
