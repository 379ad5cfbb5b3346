// Switches of faults: for whom, how often, with which values; what is refused.
import { beforeEach, describe, expect, test } from "vitest";
import { scscfFaults, ueFaults } from "../../src/admin-api/faults.ts";
import { FaultSwitches } from "../../src/faults/fault-switches.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { type MemoryLogger, memoryLogger } from "../../src/testing/memory-logger.ts";

let clock: FakeClock;
let log: MemoryLogger;
let changes: number;

const USERS: Readonly<Record<string, string>> = { "sip:alice@x": "alice", "sip:bob@x": "bob" };

function ofScscf(): FaultSwitches<(typeof scscfFaults)["faults"][number]["name"]> {
  const switches = new FaultSwitches({
    catalogue: scscfFaults,
    clock,
    log,
    subjectOf: (impu) => USERS[impu],
    unsuitable: (name, subject) =>
      name === "bad-autn" && subject === "bob" ? "bob has a password" : undefined,
  });
  switches.onChange(() => {
    changes += 1;
  });
  return switches;
}

beforeEach(() => {
  clock = new FakeClock();
  log = memoryLogger();
  changes = 0;
});

test("off at first; on for everybody, with the defaults; off again", () => {
  const faults = ofScscf();
  expect(faults.take("unavailable", "alice")).toBeUndefined();
  expect(faults.on("unavailable", {})).toBeUndefined();
  expect(faults.count).toBe(1);
  expect(faults.take("unavailable", "alice")).toEqual({
    method: "REGISTER",
    retryAfterSeconds: 10,
  });
  expect(faults.take("bad-autn", "alice")).toBeUndefined();
  expect(faults.off("unavailable")).toBeUndefined();
  expect(faults.take("unavailable", "alice")).toBeUndefined();
  expect([faults.count, changes]).toEqual([0, 2]);
});

test("for one user alone, whose own comes before everybody's", () => {
  const faults = ofScscf();
  faults.on("unavailable", { parameters: { retryAfterSeconds: 1 } });
  faults.on("unavailable", { impu: "sip:alice@x", parameters: { retryAfterSeconds: 2 } });
  expect(faults.look("unavailable", "alice")).toMatchObject({ retryAfterSeconds: 2 });
  expect(faults.look("unavailable", "bob")).toMatchObject({ retryAfterSeconds: 1 });
  faults.off("unavailable", "sip:alice@x");
  expect(faults.look("unavailable", "alice")).toMatchObject({ retryAfterSeconds: 1 });
});

test("so many times; then it is off, and what asks is told", () => {
  const faults = ofScscf();
  faults.on("bad-autn", { times: 2 });
  expect(faults.take("bad-autn", "alice")).toBeDefined();
  expect(faults.views.find(({ name }) => name === "bad-autn")?.active).toMatchObject([
    { impu: null, remaining: 1, acted: 1 },
  ]);
  const before = changes;
  expect(faults.take("bad-autn", "alice")).toBeDefined();
  expect(faults.take("bad-autn", "alice")).toBeUndefined();
  expect([faults.count, changes]).toEqual([0, before + 1]);
});

test("looking is no use of it", () => {
  const faults = ofScscf();
  faults.on("bad-autn", { times: 1 });
  for (let n = 0; n < 3; n++) expect(faults.look("bad-autn", "alice")).toBeDefined();
  expect(faults.count).toBe(1);
});

test("a message that comes again meets it again and counts once, for 64*T1 behind its end", () => {
  const faults = ofScscf();
  faults.on("unavailable", { times: 1 });
  expect(faults.take("unavailable", "alice", "c1 5")).toBeDefined();
  expect(faults.isArmed("unavailable")).toBe(true);
  expect(faults.take("unavailable", "alice", "c1 5")).toBeDefined();
  expect(faults.take("unavailable", "alice", "c1 6")).toBeUndefined();
  clock.advance(31_999);
  expect(faults.take("unavailable", "alice", "c1 5")).toBeDefined();
  clock.advance(1);
  expect(faults.take("unavailable", "alice", "c1 5")).toBeUndefined();
  expect(faults.isArmed("unavailable")).toBe(false);
});

test("on once more, it begins anew", () => {
  const faults = ofScscf();
  faults.on("bad-autn", { times: 1 });
  faults.on("bad-autn", { times: 2 });
  expect(faults.count).toBe(1);
  faults.take("bad-autn", "alice");
  expect(faults.take("bad-autn", "alice")).toBeDefined();
});

test("a preset switches all of its faults, on and off", () => {
  const faults = ofScscf();
  faults.on("restored-hss", { impu: "sip:alice@x", times: 3 });
  expect(faults.look("old-sqn", "alice")).toEqual({ behind: 1000 });
  expect(faults.look("auts-ignored", "alice")).toEqual({});
  expect(faults.look("old-sqn", "bob")).toBeUndefined();
  faults.off("restored-hss");
  expect(faults.count).toBe(0);
});

test("all off at once, or all of one user's", () => {
  const faults = ofScscf();
  faults.on("unavailable", { impu: "sip:alice@x" });
  faults.on("stale-contact", { impu: "sip:bob@x" });
  faults.off(undefined, "sip:bob@x");
  expect(faults.look("unavailable", "alice")).toBeDefined();
  expect(faults.look("stale-contact", "bob")).toBeUndefined();
  faults.off();
  expect(faults.count).toBe(0);
});

test("loud: it is said when one goes on, acts and goes off", () => {
  const faults = ofScscf();
  faults.on("unavailable", { impu: "sip:alice@x", times: 1 });
  faults.take("unavailable", "alice");
  expect(log.events.map(({ level, event }) => `${level} ${event}`)).toEqual([
    "warn fault.on",
    "info fault.acted",
    "warn fault.off",
  ]);
  expect(log.events[0]?.fields).toMatchObject({
    fault: "unavailable",
    impu: "sip:alice@x",
    times: 1,
    parameters: ["method=REGISTER", "retryAfterSeconds=10"],
  });
});

describe("what cannot be is refused, and nothing is switched", () => {
  test.each([
    ["no-such", {}, "no-such-fault", /no fault "no-such": there are reginfo-version-gap, /],
    ["\u001b[2J", {}, "no-such-fault", /no fault "\\x1b\[2J"/],
    ["bad-autn", { impu: "sip:eve@x" }, "no-such-user", /sip:eve@x is nobody's/],
    ["bad-autn", { impu: "" }, "bad-request", /^impu: expected/],
    ["bad-autn", { impu: "sip:bob@x" }, "unsuitable", /^bad-autn: bob has a password/],
    [
      "restored-hss",
      { parameters: { behind: 2 } },
      "bad-request",
      /preset restored-hss takes none/,
    ],
    ["bad-autn", { times: 0 }, "bad-request", /^times: expected a whole number from 1/],
    ["bad-autn", { times: 1.5 }, "bad-request", /^times:/],
    ["bad-autn", { parameters: { x: 1 } }, "bad-request", /bad-autn has no "x", but none/],
    ["old-sqn", { parameters: { behind: 0 } }, "bad-request", /^behind: expected a whole number/],
    ["old-sqn", { parameters: { behind: "2" } }, "bad-request", /^behind:/],
    ["unavailable", { parameters: { method: "INVITE" } }, "bad-request", /REGISTER or SUBSCRIBE/],
  ] as const)("%s %j: %s", (name, request, problem, detail) => {
    const faults = ofScscf();
    expect(faults.on(name, request)).toEqual({ problem, detail: expect.stringMatching(detail) });
    expect([faults.count, changes, log.events.length]).toEqual([0, 0, 0]);
  });

  test("off: no such fault, nobody of that name", () => {
    const faults = ofScscf();
    expect(faults.off("no-such")).toMatchObject({ problem: "no-such-fault" });
    expect(faults.off("bad-autn", "sip:eve@x")).toMatchObject({ problem: "no-such-user" });
  });
});

test("a deed is done once, after its time, and is off; switched off before, it is not done", () => {
  const done: string[] = [];
  const faults = new FaultSwitches({
    catalogue: ueFaults,
    clock,
    log,
    subjectOf: (impu) => USERS[impu],
    perform: (name, subject) => done.push(`${name} ${subject}`),
  });
  faults.on("reboot", { impu: "sip:alice@x", parameters: { afterSeconds: 5 } });
  faults.on("new-address", { parameters: { afterSeconds: 5 } });
  faults.off("new-address");
  clock.advance(4_999);
  expect([done, faults.count]).toEqual([[], 1]);
  clock.advance(1);
  expect([done, faults.count]).toEqual([["reboot alice"], 0]);
  expect(faults.on("reboot", { times: 2 })).toMatchObject({ detail: "times: reboot happens once" });
});
