// Authentication policy of both CSCFs: each rule on each occasion, and which of several wins.
import { expect, test } from "vitest";
import {
  AuthenticationPolicy,
  type AuthenticationRule,
  type Occasion,
} from "../../src/ims/authentication-policy.ts";

const RULES: readonly AuthenticationRule[] = [
  { kind: "max-age", ageMs: 60_000 },
  { kind: "refresh" },
  { kind: "methods", methods: ["INVITE", "MESSAGE"] },
  { kind: "flow-replaced" },
  { kind: "flow-lost", afterMs: 30_000 },
];

const OCCASIONS: readonly (readonly [Occasion, AuthenticationRule["kind"] | undefined])[] = [
  [{ kind: "refresh" }, "refresh"],
  [{ kind: "request", method: "INVITE" }, "methods"],
  [{ kind: "request", method: "MESSAGE" }, "methods"],
  [{ kind: "request", method: "OPTIONS" }, undefined],
  [{ kind: "request", method: "invite" }, undefined], // RFC 3261 §7.1: methods are case-sensitive
  [{ kind: "flow-replaced" }, "flow-replaced"],
  [{ kind: "flow-lost", forMs: 29_999 }, undefined],
  [{ kind: "flow-lost", forMs: 30_000 }, "flow-lost"],
  [{ kind: "time-passed", sinceAuthenticationMs: 59_999 }, undefined],
  [{ kind: "time-passed", sinceAuthenticationMs: 60_000 }, "max-age"],
];

test.each(OCCASIONS)("%j with all rules: %s", (occasion, kind) => {
  expect(new AuthenticationPolicy(RULES).fires(occasion)?.kind).toBe(kind);
});

test.each(RULES)("%j alone fires on its own occasions and no other", (rule) => {
  const policy = new AuthenticationPolicy([rule]);
  for (const [occasion, kind] of OCCASIONS)
    expect(policy.fires(occasion)?.kind).toBe(kind === rule.kind ? kind : undefined);
});

test("no rule: nothing fires, and nobody has to watch for anything", () => {
  const policy = new AuthenticationPolicy([]);
  for (const [occasion] of OCCASIONS) expect(policy.fires(occasion)).toBeUndefined();
  expect([policy.maxAgeMs, policy.flowLostMs, policy.concernsRequests]).toEqual([
    undefined,
    undefined,
    false,
  ]);
});

test("of several rules that apply, the first", () => {
  const first: AuthenticationRule = { kind: "methods", methods: ["INVITE"] };
  const policy = new AuthenticationPolicy([first, { kind: "methods", methods: ["INVITE"] }]);
  expect(policy.fires({ kind: "request", method: "INVITE" })).toBe(first);
});

test("what timers need: the shortest age and wait", () => {
  const policy = new AuthenticationPolicy([...RULES, { kind: "max-age", ageMs: 1_000 }]);
  expect(policy.maxAgeMs).toBe(1_000);
  expect(policy.flowLostMs).toBe(30_000);
  expect(policy.concernsRequests).toBe(true);
});
