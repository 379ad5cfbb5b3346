// Messages that wait: order, patience, and what is told to be late.
import { beforeEach, describe, expect, test } from "vitest";
import { Peek } from "../../../src/sip/admission/peek.ts";
import { RequestQueue } from "../../../src/sip/admission/request-queue.ts";
import { FakeClock } from "../../../src/testing/fake-clock.ts";

const MEBI = 1_048_576;

/** Milliseconds: a turn lasts half of one. */
const HALF = 0.5;
const QUARTER = 0.25;

let clock: FakeClock;
let queue: RequestQueue;
let turns: (() => void)[];
/** What handling one message takes, milliseconds. */
let cost: number;
let handled: string[];

const addressee = {
  handle({ bytes }: Peek, name: string, isLate: boolean): void {
    clock.advance(cost);
    handled.push(isLate ? `${name} late` : name);
    expect(bytes.length).toBeGreaterThan(0);
  },
};

beforeEach(() => {
  clock = new FakeClock();
  turns = [];
  queue = new RequestQueue({ clock, nextTurn: (turn) => turns.push(turn), maxWaitMs: 400 });
  cost = QUARTER;
  handled = [];
});

function request(method: string, more = ""): Buffer {
  return Buffer.from(`${method} sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n${more}\r\n`);
}

const FRESH = request("REGISTER");
const IN_DIALOG = request("BYE", "To: <sip:b>;tag=1\r\n");
const ANSWER = request("REGISTER", 'Authorization: Digest response="cafe"\r\n');
const RESPONSE = Buffer.from("SIP/2.0 200 OK\r\n\r\n");

function arrive(name: string, bytes: Buffer = FRESH): void {
  queue.take(addressee, new Peek(bytes), name);
}

/** One turn of the event loop. */
function turn(): void {
  for (const due of turns.splice(0)) due();
}

/** Uses up the time of this turn, so that what comes next has to wait. */
function fallBehind(): void {
  cost = HALF;
  arrive("first");
  cost = QUARTER;
  handled = [];
}

describe("in time", () => {
  test("each message is handled as it arrives, half a millisecond long", () => {
    for (const name of ["a", "b", "c"]) arrive(name);
    expect(handled).toEqual(["a", "b"]);
    expect(queue.size).toBe(1);
    turn();
    expect(handled).toEqual(["a", "b", "c"]);
    expect(queue.size).toBe(0);
  });

  test("a new turn is a new half of a millisecond", () => {
    for (const name of ["a", "b"]) arrive(name);
    turn();
    arrive("c");
    expect(handled).toEqual(["a", "b", "c"]);
  });

  test("no turn is asked for while nothing arrives", () => {
    arrive("a");
    turn();
    expect(turns).toEqual([]);
  });
});

describe("behind", () => {
  test.each([
    ["a request in a dialog", IN_DIALOG],
    ["the answer to a challenge", ANSWER],
    ["a response", RESPONSE],
  ])("%s goes before new work", (_what, bytes) => {
    fallBehind();
    arrive("new");
    arrive("urgent", bytes);
    turn();
    expect(handled).toEqual(["urgent", "new"]);
  });

  test("a CANCEL does not overtake its INVITE", () => {
    fallBehind();
    arrive("invite", request("INVITE"));
    arrive("cancel", request("CANCEL"));
    turn();
    expect(handled).toEqual(["invite", "cancel"]);
  });

  test("a turn lasts half a millisecond, then the sockets are read again", () => {
    fallBehind();
    for (const name of ["a", "b", "c"]) arrive(name);
    turn();
    expect(handled).toEqual(["a", "b"]);
    arrive("d");
    turn();
    expect(handled).toEqual(["a", "b", "c", "d"]);
    turn(); // nothing waits any more
    turn();
    expect([turns, queue.size]).toEqual([[], 0]);
  });

  test("new work gets one turn in sixteen, whatever pretends to be urgent", () => {
    fallBehind();
    arrive("new");
    clock.advance(QUARTER);
    for (let n = 0; n < 100; n += 1) arrive("urgent", RESPONSE);
    for (let n = 0; n < 10; n += 1) turn();
    expect(handled.indexOf("new")).toBeGreaterThan(0);
    expect(handled.indexOf("new")).toBeLessThan(16);
  });

  // Else an S-CSCF's SUBSCRIBE overtakes the 200 to the REGISTER that it is about.
  test("new work never goes before what was there when it came", () => {
    fallBehind();
    const names = Array.from({ length: 64 }, (_, n) => `urgent ${n}`);
    for (const name of names) arrive(name, RESPONSE);
    arrive("new");
    while (queue.size > 0) turn();
    expect(handled).toEqual([...names, "new"]);
  });

  test("thousands are handled in their order", () => {
    fallBehind();
    cost = 0.01;
    const names = Array.from({ length: 5_000 }, (_, n) => String(n));
    for (const name of names) arrive(name);
    while (queue.size > 0) turn();
    expect(handled).toEqual(names);
  });
});

describe("late", () => {
  test("is nothing in a burst of a second", () => {
    fallBehind();
    for (let n = 0; n < 3_990; n += 1) arrive("a");
    while (queue.size > 0) turn();
    expect(handled.filter((name) => name === "a")).toHaveLength(3_990);
  });

  test("is after a second behind what has waited longer than limits.maxWaitMs, not what has waited so long", () => {
    fallBehind();
    const since = clock.now();
    for (let n = 0; n < 6_000; n += 1) arrive("old");
    while (clock.now() < since + 1_001) turn();
    handled = [];
    cost = 0;
    arrive("just");
    clock.advance(400);
    arrive("new");
    turn(); // a turn of messages that cost nothing ends when none is left
    expect(new Set(handled)).toEqual(new Set(["old late", "just", "new"]));
  });

  test("is what arrives when 16 MiB wait", () => {
    fallBehind();
    const large = Buffer.concat([FRESH, Buffer.alloc(MEBI - FRESH.length)]);
    for (let n = 0; n < 16; n += 1) arrive("waits", large);
    expect(handled).toEqual([]);
    arrive("more");
    expect(handled).toEqual(["more late"]);
  });

  test("the second begins anew when everything is done", () => {
    fallBehind();
    for (let n = 0; n < 2_400; n += 1) arrive("a");
    while (queue.size > 0) turn();
    turn();
    fallBehind();
    for (let n = 0; n < 2_400; n += 1) arrive("b");
    while (queue.size > 0) turn();
    expect(handled).toEqual(Array.from({ length: 2_400 }, () => "b"));
  });
});

test("closed, it forgets what waits", () => {
  fallBehind();
  arrive("a");
  queue.close();
  turn();
  expect([handled, queue.size]).toEqual([[], 0]);
});
