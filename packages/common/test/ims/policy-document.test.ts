// Policy documents: what is read, what is refused and how that is said, rules that never fire, differences in words.
import { describe, expect, test } from "vitest";
import { evaluate, maxAgeMs, rulesFor } from "../../src/ims/authentication-policy.ts";
import {
  type AuthenticationPolicy,
  type PolicyNode,
  policyDocument,
} from "../../src/ims/policy-document.ts";
import { readPolicy, readRules } from "../../src/ims/policy-reading.ts";
import { policyChanges, ruleWords } from "../../src/ims/policy-words.ts";

function reading(written: unknown, node: PolicyNode = "scscf") {
  return readPolicy(written, { node, freshMs: 60_000, pacePerSecond: 50 });
}

function policy(written: unknown, node: PolicyNode = "scscf"): AuthenticationPolicy {
  const read = reading(written, node);
  if (read.kind === "refused") throw new Error(read.problems.join("\n"));
  return read.policy;
}

function problems(written: unknown, node: PolicyNode = "scscf"): readonly string[] {
  const read = reading(written, node);
  return read.kind === "refused" ? read.problems : [];
}

const EVERYTHING = {
  pacePerSecond: 5,
  rules: [
    { name: "vip", users: "vip*@ims.example", maxAgeSeconds: "never" },
    { maxAgeSeconds: 86_400 },
    { name: "calls", users: "*@ims.example", onMethods: ["INVITE"], everyNth: 10, outcome: "hold" },
    { name: "spam", onMethods: ["MESSAGE"], sampleRatio: 0.25, minAgeSeconds: 60 },
    { name: "else", onMethods: ["INVITE", "MESSAGE"], outcome: "reject" },
    { onRefresh: "always", everyNth: 3 },
    { onContactChange: "always" },
    { name: "not-often", onPcscfRequest: "always", minAgeSeconds: 600 },
    { onPcscfRequest: "never" },
  ],
};

describe("what is read", () => {
  test("everything, and written back as it was", () => {
    const read = policy(EVERYTHING);
    expect(policyDocument(read)).toEqual(EVERYTHING);
    expect(read.rules.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      "vip max-age",
      "maxAgeSeconds max-age",
      "calls methods",
      "spam methods",
      "else methods",
      "onRefresh refresh",
      "onContactChange contact-change",
      "not-often pcscf-request",
      "onPcscfRequest pcscf-request",
    ]);
  });

  test("the P-CSCF's own", () => {
    const own = {
      pacePerSecond: 50,
      rules: [
        { onFlowReplaced: "always", minAgeSeconds: 600 },
        { name: "wifi", users: "tel:+1*", flowLostSeconds: 5 },
        { flowLostSeconds: 30 },
        { maxAgeSeconds: 3600 },
      ],
    };
    expect(policyDocument(policy(own, "pcscf"))).toEqual(own);
  });

  test("the pace may be left out, and there may be no rule", () => {
    expect(policy({ rules: [] })).toEqual({ pacePerSecond: 50, rules: [] });
  });

  test("an exemption spares whom it concerns, and ends the search", () => {
    const { rules } = policy(EVERYTHING);
    expect(maxAgeMs(rulesFor(rules, ["vip1@ims.example"]))).toBeUndefined();
    expect(maxAgeMs(rulesFor(rules, ["bob@ims.example"]))).toBe(86_400_000);
    const facts = { now: 1e9, registeredAt: 0, authenticatedAt: 0, isDue: false };
    expect(evaluate(rulesFor(rules, ["vip1@ims.example"]), { kind: "tick" }, facts)).toBe(
      undefined,
    );
    const spared = policy({
      rules: [
        { name: "s", users: "a*", onMethods: ["INVITE"], outcome: "exempt" },
        { onMethods: ["INVITE"] },
      ],
    }).rules;
    const invite = { kind: "request", method: "INVITE" } as const;
    expect(evaluate(rulesFor(spared, ["alice"]), invite, facts)).toBeUndefined();
    expect(evaluate(rulesFor(spared, ["bob"]), invite, facts)?.authenticate).toBe("onMethods");
  });
});

describe("what is refused, with its place", () => {
  test.each<[unknown, string]>([
    [null, "the policy: null, expected an object with pacePerSecond, rules"],
    [[], "the policy: a list of 0, expected an object"],
    ["rules", 'the policy: "rules", expected an object'],
    [{}, "rules: nothing, expected a list of at most 32 rules"],
    [{ rules: {} }, "rules: an object, expected a list"],
    [{ rules: Array(33).fill({}) }, "rules: a list of 33, expected a list of at most 32 rules"],
    [{ rules: [], pace: 3 }, 'the policy: the key "pace", expected one of pacePerSecond, rules'],
    [JSON.parse('{"rules":[],"__proto__":{}}'), 'the policy: the key "__proto__"'],
    [{ rules: [], pacePerSecond: 0 }, "pacePerSecond: 0, expected more than 0, at most 10000"],
    [{ rules: [], pacePerSecond: "5" }, 'pacePerSecond: "5", expected more than 0'],
    [{ rules: [3] }, "rules[0]: 3, expected an object with maxAgeSeconds"],
    [{ rules: [{}] }, "rules[0]: no condition, expected exactly one of maxAgeSeconds, onMethods"],
    [
      { rules: [{ maxAgeSeconds: 5, onRefresh: "always" }] },
      "rules[0]: maxAgeSeconds and onRefresh, expected exactly one of",
    ],
    [{ rules: [{ maxAgeSeconds: 0.5 }] }, "rules[0].maxAgeSeconds: 0.5, expected seconds, 1 to"],
    [{ rules: [{ maxAgeSeconds: "3600" }] }, 'rules[0].maxAgeSeconds: "3600", expected seconds'],
    [{ rules: [{ maxAgeSeconds: 2 ** 32 }] }, "rules[0].maxAgeSeconds: 4294967296, expected"],
    [{ rules: [{ maxAgeSeconds: null }] }, "rules[0].maxAgeSeconds: null, expected"],
    [
      { rules: [{ maxAgeSeconds: 5, everyNth: 2 }] },
      "rules[0].everyNth: given, expected no such key beside maxAgeSeconds",
    ],
    [{ rules: [{ onMethods: "INVITE" }] }, 'rules[0].onMethods: "INVITE", expected a list of'],
    [{ rules: [{ onMethods: [] }] }, "rules[0].onMethods: none, expected methods such as INVITE"],
    [{ rules: [{ onMethods: ["invite"] }] }, 'rules[0].onMethods[0]: "invite", expected a method'],
    [{ rules: [{ onMethods: ["REGISTER"] }] }, 'rules[0].onMethods[0]: "REGISTER", expected'],
    [{ rules: [{ onMethods: ["BYE"] }] }, 'rules[0].onMethods[0]: "BYE", expected a method'],
    [{ rules: [{ onMethods: ["INVITE", "INVITE"] }] }, "rules[0].onMethods: INVITE, INVITE, exp"],
    [
      { rules: [{ onMethods: ["MESSAGE"], outcome: "hold" }] },
      'rules[0].outcome: "hold", expected proceed, reject or exempt: only an INVITE can be held',
    ],
    [{ rules: [{ onMethods: ["INVITE"], outcome: "drop" }] }, 'rules[0].outcome: "drop", expected'],
    [{ rules: [{ onRefresh: true }] }, "rules[0].onRefresh: true, expected always or never"],
    [{ rules: [{ onRefresh: "always", outcome: "hold" }] }, "rules[0].outcome: given, expected"],
    [{ rules: [{ onRefresh: "always", everyNth: 1 }] }, "rules[0].everyNth: 1, expected a whole"],
    [{ rules: [{ onRefresh: "always", sampleRatio: 1 }] }, "rules[0].sampleRatio: 1, expected"],
    [{ rules: [{ onRefresh: "always", sampleRatio: 0 }] }, "rules[0].sampleRatio: 0, expected"],
    [
      { rules: [{ onRefresh: "always", everyNth: 2, sampleRatio: 0.5 }] },
      "rules[0]: everyNth and sampleRatio, expected one of the two",
    ],
    [{ rules: [{ onRefresh: "never", sampleRatio: 0.5 }] }, "rules[0]: an exemption with"],
    [{ rules: [{ onRefresh: "always", users: "" }] }, 'rules[0].users: "", expected an identity'],
    [{ rules: [{ onRefresh: "always", users: "\u001b[2J" }] }, "rules[0].users: "],
    [{ rules: [{ onRefresh: "always", name: "a b" }] }, 'rules[0].name: "a b", expected letters'],
    [
      { rules: [{ onRefresh: "always", minAgeSeconds: 5 }, { onRefresh: "always" }] },
      "rules[1]: another rule is called onRefresh, expected a name of its own (name)",
    ],
    [{ rules: [{ onFlowReplaced: "always" }] }, 'rules[0]: the key "onFlowReplaced", expected'],
  ])("%j", (written, problem) => {
    const [first] = problems(written);
    expect(first).toContain(problem);
  });

  test("rules of the S-CSCF at the P-CSCF", () => {
    expect(problems({ rules: [{ onRefresh: "always" }] }, "pcscf")[0]).toContain(
      "expected one of maxAgeSeconds, onFlowReplaced, flowLostSeconds",
    );
  });

  test("all problems at once, ten at most, each short and printable", () => {
    const hostile = { rules: Array(20).fill({ onRefresh: `\u202e\u001b[31m${"x".repeat(5000)}` }) };
    const told = problems(hostile);
    expect(told).toHaveLength(11);
    expect(told.at(-1)).toBe("and 10 more");
    for (const line of told) {
      expect(line.length).toBeLessThan(200);
      expect(line).toMatch(/^[ -~…]*$/);
    }
  });

  test("a subscriber's own rules, under their place", () => {
    const context = { node: "scscf", freshMs: 1 } as const;
    expect(readRules([{ maxAgeSeconds: 5 }], "policy", context)).toMatchObject({
      rules: [{ kind: "max-age", ageMs: 5_000 }],
      problems: [],
    });
    expect(readRules([{ maxAgeSeconds: true }], "policy", context).problems).toEqual([
      "policy[0].maxAgeSeconds: true, expected seconds, 1 to 4294967295, or never",
    ]);
  });
});

describe("rules that never fire", () => {
  const invite = { onMethods: ["INVITE"] };
  test.each<[string, object[], string | undefined]>([
    ["the same twice", [invite, invite], "b comes first"],
    ["for fewer users", [invite, { ...invite, users: "a*" }], "b comes first"],
    ["for more users", [{ ...invite, users: "a*" }, invite], undefined],
    [
      "a narrower pattern",
      [
        { ...invite, users: "a*" },
        { ...invite, users: "ab*" },
      ],
      "b comes",
    ],
    ["each tenth time first", [{ ...invite, everyNth: 10 }, invite], undefined],
    ["a share first", [{ ...invite, sampleRatio: 0.5 }, invite], undefined],
    ["only older ones first", [{ ...invite, minAgeSeconds: 60 }, invite], undefined],
    ["older ones later", [invite, { ...invite, minAgeSeconds: 60 }], "b comes first"],
    ["more methods later", [invite, { onMethods: ["INVITE", "MESSAGE"] }], undefined],
    [
      "each method by another rule",
      [invite, { onMethods: ["MESSAGE"] }, { onMethods: ["MESSAGE", "INVITE"] }],
      "b comes first",
    ],
    ["reject lets the fresh through", [{ ...invite, outcome: "reject" }, invite], undefined],
    [
      "reject twice",
      [
        { ...invite, outcome: "reject" },
        { ...invite, outcome: "reject", users: "x" },
      ],
      "b comes first",
    ],
    ["an exemption first", [{ ...invite, outcome: "exempt" }, invite], "b comes first"],
    ["always and never", [{ onRefresh: "always" }, { onRefresh: "never" }], "b comes first"],
    ["never and always", [{ onRefresh: "never" }, { onRefresh: "always" }], "b comes first"],
    ["other conditions", [{ onRefresh: "always" }, { onContactChange: "always" }], undefined],
    ["a longer age later", [{ maxAgeSeconds: 60 }, { maxAgeSeconds: 90 }], "b comes first"],
    ["a longer age first", [{ maxAgeSeconds: 90 }, { maxAgeSeconds: 60 }], "all its users sooner"],
    ["a longer age for some", [{ maxAgeSeconds: 90, users: "a" }, { maxAgeSeconds: 60 }], "sooner"],
    [
      "a shorter age for some",
      [{ maxAgeSeconds: 60, users: "a" }, { maxAgeSeconds: 90 }],
      undefined,
    ],
    [
      "a longer age behind an exemption",
      [{ maxAgeSeconds: 90 }, { maxAgeSeconds: "never", users: "v" }, { maxAgeSeconds: 60 }],
      undefined,
    ],
    ["nobody gets so old", [{ maxAgeSeconds: 60 }, { ...invite, minAgeSeconds: 60 }], "sooner"],
    ["some get so old", [{ maxAgeSeconds: 61 }, { ...invite, minAgeSeconds: 60 }], undefined],
  ])("%s", (_what, rules, problem) => {
    const named = rules.map((rule, at) => ({ ...rule, name: "bcd"[at] }));
    const found = problems({ rules: named }).join();
    if (problem === undefined) expect(found).toBe("");
    else expect(found).toContain(problem);
  });

  test.each<[string, object[], string | undefined]>([
    ["lost longer later", [{ flowLostSeconds: 5 }, { flowLostSeconds: 9 }], "b comes first"],
    ["lost longer first", [{ flowLostSeconds: 9 }, { flowLostSeconds: 5 }], "sooner"],
    ["spared first", [{ flowLostSeconds: "never" }, { flowLostSeconds: 5 }], "b comes first"],
    [
      "spared are some",
      [{ flowLostSeconds: "never", users: "a" }, { flowLostSeconds: 5 }],
      undefined,
    ],
  ])("at the P-CSCF: %s", (_what, rules, problem) => {
    const named = rules.map((rule, at) => ({ ...rule, name: "bcd"[at] }));
    const found = problems({ rules: named }, "pcscf").join();
    if (problem === undefined) expect(found).toBe("");
    else expect(found).toContain(problem);
  });
});

test("each rule in words", () => {
  expect(policy(EVERYTHING).rules.map(ruleWords)).toEqual([
    "spares vip*@ims.example however long ago the authentication was",
    "asks everybody 86400 s after the last authentication",
    "asks *@ims.example on INVITE, an INVITE waits, each 10th time of a device",
    "asks everybody on MESSAGE, not within 60 s of an authentication, 25 % of the times",
    "asks everybody on INVITE, MESSAGE, the request is refused",
    "asks everybody at a refresh over a protected association, each 3rd time of a device",
    "asks everybody who comes with a new Contact or Path",
    "asks everybody when the P-CSCF asks, not within 600 s of an authentication",
    "spares everybody when the P-CSCF asks",
  ]);
});

describe("differences in words", () => {
  const base = policy({ rules: [{ maxAgeSeconds: 60 }, { onRefresh: "always" }] });

  test("none", () => {
    expect(policyChanges(base, policy(policyDocument(base)))).toEqual([]);
  });

  test("removed, changed, new, the pace", () => {
    const after = policy({
      pacePerSecond: 7,
      rules: [{ maxAgeSeconds: 90 }, { onContactChange: "always" }],
    });
    expect(policyChanges(base, after)).toEqual([
      "removed onRefresh: asks everybody at a refresh over a protected association",
      "changed maxAgeSeconds: asks everybody 90 s after the last authentication (before: asks everybody 60 s after the last authentication)",
      "new onContactChange: asks everybody who comes with a new Contact or Path",
      "pacePerSecond: 7 (before: 50)",
    ]);
  });

  test("the order alone", () => {
    const turned = policy({ rules: [{ onRefresh: "always" }, { maxAgeSeconds: 60 }] });
    expect(policyChanges(base, turned)).toEqual(["order: onRefresh, maxAgeSeconds"]);
  });
});
