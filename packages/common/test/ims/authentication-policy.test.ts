// Authentication policy of both CSCFs: each rule on each occasion, which of several wins, what becomes of the request.
import { describe, expect, test } from "vitest";
import {
  type AuthenticationFacts,
  type AuthenticationRule,
  concernsRequests,
  evaluate,
  flowLostMs,
  nextTick,
  type Occasion,
  type RequestOutcome,
} from "../../src/ims/authentication-policy.ts";

function methods(outcome: RequestOutcome, name = "onMethods"): AuthenticationRule {
  return { name, kind: "methods", methods: ["INVITE", "MESSAGE"], outcome, freshMs: 5_000 };
}

const RULES: readonly AuthenticationRule[] = [
  { name: "max-age", kind: "max-age", ageMs: 60_000 },
  { name: "onRefresh", kind: "refresh" },
  methods("proceed"),
  { name: "flow-replaced", kind: "flow-replaced" },
  { name: "flow-lost", kind: "flow-lost", afterMs: 30_000 },
];

const FACTS: AuthenticationFacts = {
  now: 1_000_000,
  registeredAt: 900_000,
  authenticatedAt: 950_000,
  isDue: false,
};
const ago = (ms: number): AuthenticationFacts => ({ ...FACTS, authenticatedAt: FACTS.now - ms });
const never: AuthenticationFacts = { ...FACTS, authenticatedAt: undefined };

const TABLE: readonly (readonly [Occasion, AuthenticationFacts, string | undefined])[] = [
  [{ kind: "refresh" }, FACTS, "onRefresh"],
  [{ kind: "request", method: "INVITE" }, FACTS, "onMethods"],
  [{ kind: "request", method: "MESSAGE" }, FACTS, "onMethods"],
  [{ kind: "request", method: "OPTIONS" }, FACTS, undefined],
  [{ kind: "request", method: "invite" }, FACTS, undefined], // RFC 3261 §7.1: methods are case-sensitive
  [{ kind: "flow-replaced" }, FACTS, "flow-replaced"],
  [{ kind: "flow-lost", forMs: 29_999 }, FACTS, undefined],
  [{ kind: "flow-lost", forMs: 30_000 }, FACTS, "flow-lost"],
  [{ kind: "tick" }, ago(59_999), undefined],
  [{ kind: "tick" }, ago(60_000), "max-age"],
  [{ kind: "tick" }, never, "max-age"], // counts from the registration
  [{ kind: "tick" }, { ...never, registeredAt: FACTS.now - 59_999 }, undefined],
];

describe("each rule", () => {
  test.each(TABLE)("%j with all rules, %j: %s", (occasion, facts, name) => {
    expect(evaluate(RULES, occasion, facts)?.authenticate).toBe(name);
  });

  test.each(RULES)("$name alone fires on its own occasions and no other", (rule) => {
    for (const [occasion, facts, name] of TABLE)
      expect(evaluate([rule], occasion, facts)?.authenticate).toBe(
        name === rule.name ? name : undefined,
      );
  });
});

test("no rule: nothing fires, and nobody has to watch for anything", () => {
  for (const [occasion, facts] of TABLE) expect(evaluate([], occasion, facts)).toBeUndefined();
  expect([nextTick([], FACTS), flowLostMs([]), concernsRequests([])]).toEqual([
    undefined,
    undefined,
    false,
  ]);
});

test("of several rules that apply, the first", () => {
  const invite = { kind: "request", method: "INVITE" } as const;
  expect(evaluate([methods("hold", "his own"), methods("reject")], invite, FACTS)).toEqual({
    authenticate: "his own",
    request: "hold",
  });
  const fresh = ago(1_000);
  expect(evaluate([methods("reject", "his own"), methods("proceed")], invite, fresh)).toEqual({
    authenticate: "onMethods",
    request: "proceed",
  });
});

describe("what becomes of the request", () => {
  test.each([
    ["proceed", "INVITE", "proceed"],
    ["proceed", "MESSAGE", "proceed"],
    ["hold", "INVITE", "hold"],
    ["hold", "MESSAGE", "proceed"],
    ["reject", "INVITE", "reject"],
    ["reject", "MESSAGE", "reject"],
  ] as const)("%s, %s: %s", (outcome, method, request) => {
    const fired = evaluate([methods(outcome)], { kind: "request", method }, FACTS);
    expect(fired?.request).toBe(request);
  });

  test("where no request is asked about, nothing is held or rejected", () => {
    for (const [occasion, facts, name] of TABLE)
      if (name !== undefined && occasion.kind !== "request")
        expect(evaluate(RULES, occasion, facts)?.request).toBe("proceed");
  });

  test.each([
    ["authenticated again 5 s ago", ago(5_000), undefined],
    ["a millisecond longer ago", ago(5_001), "reject"],
    ["asked again since", { ...ago(1_000), isDue: true }, "reject"],
    ["only when it registered", { ...ago(1_000), registeredAt: FACTS.now - 1_000 }, "reject"],
    ["never", never, "reject"],
  ] as const)("reject, of a device that authenticated %s", (_when, facts, request) => {
    const fired = evaluate([methods("reject")], { kind: "request", method: "INVITE" }, facts);
    expect(fired?.request).toBe(request);
  });
});

describe("what timers and tables need", () => {
  test("the next tick: the shortest age, and never in the past", () => {
    const rules: readonly AuthenticationRule[] = [
      ...RULES,
      { name: "sooner", kind: "max-age", ageMs: 20_000 },
    ];
    expect(nextTick(rules, ago(5_000))).toBe(FACTS.now + 15_000);
    expect(nextTick(RULES, never)).toBe(FACTS.now);
    const due = nextTick(rules, ago(5_000)) ?? 0;
    expect(evaluate(rules, { kind: "tick" }, { ...ago(5_000), now: due - 1 })).toBeUndefined();
    expect(evaluate(rules, { kind: "tick" }, { ...ago(5_000), now: due })).toBeDefined();
  });

  test("the shortest wait for a lost flow", () => {
    expect(flowLostMs(RULES)).toBe(30_000);
    expect(flowLostMs([...RULES, { name: "x", kind: "flow-lost", afterMs: 10 }])).toBe(10);
  });

  test("whether requests matter at all, and which", () => {
    expect(concernsRequests(RULES)).toBe(true);
    expect(concernsRequests(RULES, "INVITE")).toBe(true);
    expect(concernsRequests(RULES, "OPTIONS")).toBe(false);
    expect(concernsRequests([{ name: "onRefresh", kind: "refresh" }])).toBe(false);
  });
});
