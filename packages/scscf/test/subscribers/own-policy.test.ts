// A subscriber's own rules of the authentication policy in the subscribers file.
import { expect, test } from "vitest";
import { parseSubscribers } from "../../src/subscribers/load.ts";

function loaded(policy: string) {
  return parseSubscribers(
    `subscribers:
  - impi: bob@ims.example
    impus: ["sip:bob@ims.example"]
    auth: { scheme: digest, password: pw }
    policy: ${policy}
  - template: { from: 1, to: 9, impi: "load{n}@x", impus: ["sip:load{n}@x"], auth: { scheme: digest, password: p }, policy: ${policy} }
`,
    "users.yaml",
  );
}

test("rules, with numbers where a rule wants one; all of a template share them", () => {
  const rules = "[{ maxAgeSeconds: 60 }, { name: 5, onMethods: [INVITE], sampleRatio: 0.5 }]";
  const read = loaded(rules);
  if (read.kind === "refused") throw new Error(read.problems.join());
  const { directory } = read;
  const expected = [{ maxAgeSeconds: 60 }, { name: "5", onMethods: ["INVITE"], sampleRatio: 0.5 }];
  expect(directory.byImpi("bob@ims.example")?.policy).toEqual(expected);
  const [one, nine] = ["load1@x", "load9@x"].map((impi) => directory.byImpi(impi)?.policy);
  expect(one).toEqual(expected);
  expect(nine).toBe(one);
  expect(directory.hasOwnRules).toBe(true);
});

test("none", () => {
  const read = loaded("[]");
  if (read.kind === "refused") throw new Error(read.problems.join());
  expect(read.directory.byImpi("bob@ims.example")?.policy).toBeUndefined();
  expect(read.directory.hasOwnRules).toBe(false);
});

test.each([
  ["daily", '"daily", expected a list of at most 32 rules'],
  ["[{ maxAgeSeconds: soon }]", '[0].maxAgeSeconds: "soon", expected seconds, 1 to'],
  ["[{ onRefresh: always, everyNth: 1.5 }]", "[0].everyNth: 1.5, expected a whole number"],
  ["[{ onFlowReplaced: always }]", '[0]: the key "onFlowReplaced", expected one of'],
  [
    "[{ onRefresh: always, users: bob }]",
    "[0].users, expected no users: they are this subscriber's",
  ],
  ["[{ onRefresh: always }, { name: b, onRefresh: never }]", "never fires"],
])("%s is refused, with its place", (policy, problem) => {
  const read = loaded(policy);
  if (read.kind === "loaded") throw new Error("taken");
  expect(read.problems).toHaveLength(2);
  expect(read.problems[0]).toContain("users.yaml: subscribers[0].policy: ");
  expect(read.problems[0]).toContain(problem);
  expect(read.problems[1]).toContain("subscribers[1].template.policy: ");
});
