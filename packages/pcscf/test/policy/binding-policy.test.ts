// The P-CSCF's own requests for re-registration, and how seldom they come.
import type { AuthenticationRule } from "@ims-lab/common/ims/authentication-policy";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { beforeEach, expect, test } from "vitest";
import type { Binding } from "../../src/bindings/binding.ts";
import { FlowTable } from "../../src/bindings/flow-table.ts";
import { BindingPolicy } from "../../src/policy/binding-policy.ts";

let clock: FakeClock;
let table: FlowTable;
let asked: string[];

beforeEach(() => {
  clock = new FakeClock();
  table = new FlowTable({
    clock,
    lingerMs: 32_000,
    onContactGone: () => {},
    onGone: () => {},
    onForgotten: () => {},
  });
  asked = [];
});

function rulesWith(...more: readonly AuthenticationRule[]): BindingPolicy {
  return new BindingPolicy({
    clock,
    log: memoryLogger(),
    table,
    rules: [
      { name: "flow-replaced", kind: "flow-replaced" },
      { name: "flow-lost", kind: "flow-lost", afterMs: 30_000 },
      ...more,
    ],
    ask: ({ token }) => {
      asked.push(token);
      return true;
    },
  });
}

function bind(flowId = "tcp 1"): Binding {
  const local = { host: "10.0.0.1", port: 5060 };
  const flow = {
    id: flowId,
    transport: "tcp",
    local,
    remote: { host: "192.0.2.1", port: 9 },
  } as const;
  const binding: Binding = {
    token: "t",
    impi: "alice@ims.example",
    aor: "sip:alice@ims.example",
    heard: 1,
    contact: "sip:alice@192.0.2.1",
    impus: ["sip:alice@ims.example"],
    flow,
    flowLost: false,
    source: undefined,
    natted: false,
    serviceRoute: [],
    scscf: "sip:10.1.0.2",
    callId: "c",
    cseq: 1,
    registeredAt: clock.now(),
    authenticatedAt: clock.now(),
    expiresAt: clock.now() + 600_000_000,
  };
  table.bind(binding);
  return binding;
}

test("a connection lost and not replaced in time", () => {
  const rules = rulesWith();
  const binding = bind();
  rules.bound(binding, undefined, true);
  rules.lost(table.flowClosed(binding.flow));
  clock.advance(29_999);
  expect(asked).toEqual([]);
  clock.advance(1);
  expect(asked).toEqual(["t"]);
});

test("a connection that was replaced in time: nothing is asked", () => {
  const rules = rulesWith();
  const before = bind();
  rules.bound(before, undefined, true);
  rules.lost(table.flowClosed(before.flow));
  clock.advance(10_000);
  rules.bound(bind("tcp 2"), before, true);
  clock.advance(60_000);
  expect(asked).toEqual([]);
});

test("a new address accepted without a challenge, but none that answered one", () => {
  const rules = rulesWith();
  const one = bind();
  rules.bound(one, undefined, true);
  const two = bind("tcp 2");
  rules.bound(two, one, true);
  expect(asked).toEqual([]);
  rules.bound(bind("tcp 3"), two, false);
  expect(asked).toEqual(["t"]);
});

test("at most once in ten minutes", () => {
  const rules = rulesWith();
  let before = bind();
  rules.bound(before, undefined, true);
  for (let count = 2; count < 8; count++) {
    const binding = bind(`tcp ${count}`);
    rules.bound(binding, before, false);
    before = binding;
    clock.advance(110_000);
  }
  expect(asked).toEqual(["t"]);
});

test("an authentication older than maxAgeSeconds, again after ten minutes, not after the end", () => {
  const rules = rulesWith({ name: "max-age", kind: "max-age", ageMs: 3_600_000 });
  const binding = bind();
  rules.bound(binding, undefined, true);
  clock.advance(3_599_999);
  expect(asked).toHaveLength(0);
  clock.advance(1);
  expect(asked).toHaveLength(1);
  clock.advance(600_000);
  expect(asked).toHaveLength(2);
  table.end("t", "de-registered");
  rules.gone(binding);
  clock.advance(3_600_000);
  expect(asked).toHaveLength(2);
});
