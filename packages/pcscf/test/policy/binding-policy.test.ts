// The P-CSCF's own requests for re-registration, and how seldom they come.
import type { AuthenticationRule } from "@ims-lab/common/ims/authentication-policy";
import { StarPattern } from "@ims-lab/common/platform/star-pattern";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { beforeEach, describe, expect, test } from "vitest";
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
    policy: {
      pacePerSecond: 10,
      rules: [
        { name: "flow-replaced", kind: "flow-replaced" },
        { name: "flow-lost", kind: "flow-lost", afterMs: 30_000 },
        ...more,
      ],
    },
    ask: ({ token }) => {
      asked.push(token);
      return true;
    },
  });
}

function bind(flowId = "tcp 1", token = "t"): Binding {
  const local = { host: "10.0.0.1", port: 5060 };
  const flow = {
    id: flowId,
    transport: "tcp",
    local,
    remote: { host: "192.0.2.1", port: 9 },
  } as const;
  const binding: Binding = {
    token,
    impi: token === "t" ? "alice@ims.example" : `${token}@ims.example`,
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

test("a 200 concerns the rules where a flow has changed or was lost, or an age begins", () => {
  const rules = rulesWith();
  const before = bind();
  expect(rules.concerns(before, undefined)).toBe(false);
  expect(rules.concerns(bind(), before)).toBe(false);
  expect(rules.concerns(bind("tcp 2"), before)).toBe(true);
  rules.lost([before]);
  expect(rules.concerns(before, undefined)).toBe(true);
  expect(rules.concerns(before, before)).toBe(true);
  const aged = rulesWith({ name: "max-age", kind: "max-age", ageMs: 60_000 });
  expect(aged.concerns(before, undefined)).toBe(true);
  expect(aged.concerns(before, before)).toBe(false);
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

test("a binding that was kept over a restart: its age goes on", () => {
  const rules = rulesWith({ name: "max-age", kind: "max-age", ageMs: 3_600_000 });
  rules.restored(bind());
  clock.advance(3_600_000);
  expect(asked).toEqual(["t"]);
});

describe("another policy", () => {
  const none = { pacePerSecond: 10, rules: [] };
  const lost = (afterMs: number) =>
    ({ pacePerSecond: 10, rules: [{ name: "lost", kind: "flow-lost", afterMs }] }) as const;

  test.each([
    ["later", 60_000, 40_000],
    ["sooner", 25_000, 5_000],
    ["at once, where that time is over", 10_000, 0],
  ])(
    "a flow that is lost already is asked about %s, counted from the loss",
    async (_when, afterMs, left) => {
      const rules = rulesWith();
      const binding = bind();
      rules.bound(binding, undefined, true);
      rules.lost(table.flowClosed(binding.flow));
      clock.advance(20_000);
      await rules.apply(lost(afterMs));
      if (left > 0) {
        clock.advance(left - 1);
        expect(asked).toEqual([]);
      }
      clock.advance(1);
      expect(asked).toEqual(["t"]);
      clock.advance(600_000);
      expect(asked).toEqual(["t"]);
    },
  );

  test("one that was lost when no rule was about that", async () => {
    const rules = rulesWith();
    await rules.apply(none);
    const binding = bind();
    rules.bound(binding, undefined, true);
    rules.lost(table.flowClosed(binding.flow));
    clock.advance(100_000);
    await rules.apply(lost(30_000));
    clock.advance(0);
    expect(asked).toEqual(["t"]);
  });

  test("without the rule nobody is asked any more", async () => {
    const rules = rulesWith({ name: "max-age", kind: "max-age", ageMs: 60_000 });
    const binding = bind();
    rules.bound(binding, undefined, true);
    rules.lost(table.flowClosed(binding.flow));
    await rules.apply(none);
    clock.advance(3_600_000);
    rules.bound(bind("tcp 2"), binding, false);
    expect(asked).toEqual([]);
  });

  test("maxAgeSeconds for those who are there, at the pace, and over one timer", async () => {
    const rules = rulesWith();
    for (let n = 0; n < 100; n++) rules.bound(bind("tcp 1", `t${n}`), undefined, true);
    clock.advance(120_000);
    const { pending } = clock;
    await rules.apply({
      pacePerSecond: 10,
      rules: [
        {
          name: "spared",
          kind: "max-age",
          ageMs: 0,
          users: new StarPattern("t1*"),
          isExemption: true,
        },
        { name: "old", kind: "max-age", ageMs: 60_000 },
      ],
    });
    expect(clock.pending).toBe(pending + 1);
    clock.advance(1_000);
    expect(asked.length).toBeLessThanOrEqual(11);
    clock.advance(10_000);
    expect(asked).toHaveLength(100 - 11);
    expect(rules.waiting).toBe(0);
  });

  test("minAgeSeconds: a new address of a device that has just authenticated", async () => {
    const rules = rulesWith();
    await rules.apply({
      pacePerSecond: 10,
      rules: [{ name: "replaced", kind: "flow-replaced", minAgeMs: 60_000 }],
    });
    const one = bind();
    rules.bound(one, undefined, true);
    const two = bind("tcp 2");
    rules.bound(two, one, false);
    expect(asked).toEqual([]);
    clock.advance(60_000);
    rules.bound({ ...two, flow: { ...two.flow, id: "tcp 3" } }, two, false);
    expect(asked).toEqual(["t"]);
  });
});
