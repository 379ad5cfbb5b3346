// Rules of the network that are put and ended while a node runs.
import { expect, test } from "vitest";
import { NetworkFaults } from "../../src/faults/network-faults.ts";
import {
  type Interceptor,
  keepIntercepted,
  type Passage,
} from "../../src/sip/endpoint/interceptors.ts";
import type { Flow } from "../../src/sip/transport/transport.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { memoryLogger } from "../../src/testing/memory-logger.ts";

const FLOW = { id: "f", remote: { host: "192.0.2.1", port: 5060 }, transport: "udp" } as Flow;

function node(options: { readonly rules?: readonly string[]; readonly whyNot?: string } = {}) {
  const clock = new FakeClock();
  const log = memoryLogger();
  const faults = new NetworkFaults({ from: "P", clock, log, rules: [], ...options });
  const sent: string[] = [];
  const last: Passage = (bytes) => void sent.push(bytes.toString());
  /** What leaves by this way, and whether anything stands in between. */
  const way = (to: "U" | "S"): { send(method: string): void; readonly isBare: boolean } => {
    let current: Passage = last;
    const interceptors = [faults.towards(to)];
    keepIntercepted({ interceptors, clock }, "out", last, (found) => {
      current = found;
    });
    return {
      send: (method) => current(Buffer.from(`${method} sip:x SIP/2.0\r\n\r\n`), FLOW),
      get isBare() {
        return current === last;
      },
    };
  };
  const names = (): readonly string[] => sent.splice(0).map((text) => text.split(" ")[0] ?? "");
  return { clock, log, faults, way, names };
}

test("a rule counts from when it is put, acts, and is in the way only where it is about something", () => {
  const { faults, way, names, log } = node();
  const [toUe, toScscf] = [way("U"), way("S")];
  toUe.send("NOTIFY");
  expect([toUe.isBare, toScscf.isBare]).toEqual([true, true]);
  expect(faults.put("drop  NOTIFY p>u 2")).toBeUndefined();
  expect([toUe.isBare, toScscf.isBare]).toEqual([false, true]);
  for (const method of ["NOTIFY", "INVITE", "NOTIFY", "NOTIFY"]) toUe.send(method);
  expect(names()).toEqual(["NOTIFY", "NOTIFY", "INVITE", "NOTIFY"]);
  expect(faults.views).toEqual([
    { rule: "drop NOTIFY p>u 2", first: 2, last: 2, seen: 3, acted: 1 },
  ]);
  expect(log.named("fault.on")).toEqual([{ fault: "drop NOTIFY p>u 2" }]);
});

test("put once more, it counts anew", () => {
  const { faults, way, names } = node();
  const toUe = way("U");
  for (let turn = 0; turn < 2; turn++) {
    faults.put("drop NOTIFY P>U 1");
    toUe.send("NOTIFY");
    toUe.send("NOTIFY");
  }
  expect([names().length, faults.size]).toEqual([2, 1]);
});

test("ended: the way is bare, and what was held leaves in its time", () => {
  const { faults, way, names, clock, log } = node();
  const toUe = way("U");
  faults.put("delay * P>U * 2s");
  faults.put("duplicate NOTIFY P>U *");
  toUe.send("NOTIFY");
  expect(faults.end("delay * P>U * 2s")).toBe(true);
  expect(faults.end("delay * P>U * 2s")).toBe(false);
  toUe.send("NOTIFY");
  expect(names()).toEqual(["NOTIFY", "NOTIFY"]);
  expect(faults.end()).toBe(true);
  expect(toUe.isBare).toBe(true);
  clock.advance(2000);
  expect(names()).toEqual(["NOTIFY", "NOTIFY"]);
  expect(faults.end()).toBe(true);
  expect(log.named("fault.off")).toEqual([
    { fault: "delay * P>U * 2s", acted: 1 },
    { fault: "duplicate NOTIFY P>U *", acted: 1 },
  ]);
});

test("those of the setting hold from the start; of another sender's none does", () => {
  const { faults, way, names } = node({ rules: ["drop NOTIFY P>U 1", "drop NOTIFY S>P 1"] });
  way("U").send("NOTIFY");
  expect([names(), faults.size]).toEqual([[], 1]);
});

test.each([
  ["lose NOTIFY P>U", "bad-rule", /expected drop, delay/],
  ["drop notify P>U", "bad-rule", /"notify" is no method/],
  ["drop NOTIFY S>P 1", "bad-rule", /the P-CSCF obeys what leaves it: P>…; ask the S-CSCF/],
  ["drop NOTIFY P>U 1 @figure3", "bad-rule", /figures are played by npm start/],
  ["drop \u001b[31m P>U", "bad-rule", /"\\x1b\[31m"/],
])("%j is refused, and nothing changes", (rule, problem, why) => {
  const { faults, way, log } = node();
  const toUe = way("U");
  expect(faults.put(rule)).toEqual({ problem, detail: expect.stringMatching(why) });
  expect([faults.size, toUe.isBare, log.named("fault.on")]).toEqual([0, true, []]);
});

test("more than 32 at once, and a stack that lets nobody in between, are refused", () => {
  const { faults } = node();
  for (let n = 1; n <= 32; n++) expect(faults.put(`drop NOTIFY P>U ${n}`)).toBeUndefined();
  expect(faults.put("drop NOTIFY P>U 33")).toMatchObject({ problem: "too-many" });
  expect(faults.put("drop NOTIFY P>U 32")).toBeUndefined();
  const closed = node({ whyNot: "nobody in between" }).faults;
  expect(closed.put("drop NOTIFY P>U 1")).toEqual({
    problem: "unsuitable",
    detail: "nobody in between",
  });
});

test("a message that comes in is none that it is about", () => {
  const { faults, clock } = node();
  faults.put("drop * P>U *");
  const seen: string[] = [];
  const other: Interceptor = (message, next) => {
    seen.push(message.direction);
    next(message);
  };
  const interceptors = [faults.towards("U"), other];
  let come: Passage = () => undefined;
  keepIntercepted(
    { interceptors, clock },
    "in",
    () => undefined,
    (way) => {
      come = way;
    },
  );
  come(Buffer.from("NOTIFY sip:x SIP/2.0\r\n\r\n"), FLOW);
  expect([seen, faults.views[0]?.seen]).toEqual([["in"], 0]);
});
