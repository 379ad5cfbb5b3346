// Counts of `everyNth`: of each binding by itself, and gone with it.
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { beforeEach, expect, test } from "vitest";
import { PolicyInForce } from "../../src/policy/policy-in-force.ts";
import type { Binding } from "../../src/registration/binding.ts";
import { Bindings } from "../../src/registration/bindings.ts";

const RULES = [{ name: "third", kind: "refresh", everyNth: 3 }] as const;
const POLICY = { pacePerSecond: 1, rules: RULES };
const REFRESH = { kind: "refresh" } as const;

let inForce: PolicyInForce;

beforeEach(() => {
  inForce = new PolicyInForce(
    {
      clock: new FakeClock(),
      random: seededRandom(),
      bindings: new Bindings(),
      directory: { byImpi: () => undefined },
      hasOwnRules: () => false,
      freshMs: 1,
      ask: () => undefined,
    },
    POLICY,
  );
});

function binding(token: string): Binding {
  return {
    id: "c",
    token,
    impi: "bob@ims.example",
    set: "sip:bob@ims.example",
    impu: "sip:bob@ims.example",
    address: { contact: "sip:bob@192.0.2.1", params: "", path: [] },
    callId: "call",
    cseq: 1,
    registeredAt: 1,
    authenticatedAt: 1,
    expiresAt: 1e15,
    event: "registered",
    mode: "optional",
    duty: { state: "none" },
  };
}

/** Whether it fires, time by time. */
function times(token: string, count: number): boolean[] {
  const one = binding(token);
  return Array.from({ length: count }, () => inForce.evaluate(one, REFRESH) !== undefined);
}

test("each binding by itself", () => {
  expect(times("a", 2)).toEqual([false, false]);
  expect(times("b", 2)).toEqual([false, false]);
  expect(times("a", 4)).toEqual([true, false, false, true]);
});

test("a binding that has gone leaves no count behind", () => {
  times("a", 2);
  inForce.on({
    kind: "removed",
    binding: binding("a"),
    cause: { kind: "expired" },
    missed: undefined,
  });
  expect(times("a", 3)).toEqual([false, false, true]);
});

test("another policy begins anew", async () => {
  times("a", 2);
  await inForce.apply(POLICY);
  expect(times("a", 3)).toEqual([false, false, true]);
});
