// A peer that does not read what is written to it: its connection goes, and with it the memory it holds.
import { beforeEach, expect, test } from "vitest";
import type { Pipe, PipeEvents } from "../../../src/sip/transport/pipe.ts";
import { StreamConnection } from "../../../src/sip/transport/stream-connection.ts";
import { DEFAULT_STREAM_LIMITS } from "../../../src/sip/transport/stream-limits.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";
import { message } from "../../contract/transport-lab.ts";

const LOCAL = { host: "127.0.0.1", port: 5060 };
const LIMIT_MS = DEFAULT_STREAM_LIMITS.partialTimeoutMs;

let clock: FakeClock;
let rejected: string[];
let events: PipeEvents | undefined;
let backlog: number;
let destroyed: boolean;
let connection: StreamConnection;

beforeEach(() => {
  clock = new FakeClock();
  rejected = [];
  backlog = 0;
  destroyed = false;
  const pipe: Pipe = {
    local: LOCAL,
    get backlog() {
      return backlog;
    },
    start: (given) => {
      events = given;
    },
    write: (bytes) => {
      backlog += bytes.length;
    },
    end: () => undefined,
    destroy: () => {
      destroyed = true;
    },
  };
  connection = new StreamConnection(
    pipe,
    { id: "tcp 1", transport: "tcp", local: LOCAL, remote: { host: "192.0.2.1", port: 5999 } },
    true,
    {
      owner: {
        onMessage: () => undefined,
        onRejected: (reason) => rejected.push(reason),
        onHalfClosed: () => undefined,
        onGone: () => undefined,
      },
      clock,
      limits: DEFAULT_STREAM_LIMITS,
      framed: false,
    },
  );
  events?.onBytes(Buffer.from(message("bob")));
});

test("reads nothing: cut off in time, though it goes on sending", () => {
  connection.send(Buffer.alloc(1000));
  clock.advance(LIMIT_MS - 1);
  events?.onBytes(Buffer.from(message("bob")));
  connection.send(Buffer.alloc(1000));
  expect(destroyed).toBe(false);
  clock.advance(1);
  expect(destroyed).toBe(true);
  expect(rejected).toEqual(["peer does not read"]);
});

test("reads slowly: an octet in time is enough", () => {
  connection.send(Buffer.alloc(1000));
  for (let round = 0; round < 5; round++) {
    clock.advance(LIMIT_MS - 1);
    backlog -= 1;
  }
  expect(destroyed).toBe(false);
});

test("has read all: nothing is held against it", () => {
  connection.send(Buffer.alloc(1000));
  backlog = 0;
  clock.advance(LIMIT_MS * 10);
  expect([destroyed, rejected]).toEqual([false, []]);
});
