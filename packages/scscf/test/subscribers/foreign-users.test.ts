// Users of another domain are named at start, before their devices are refused one by one.
import { expect, it } from "vitest";
import { foreignUsers } from "../../src/subscribers/foreign-users.ts";
import { parseSubscribers } from "../../src/subscribers/load.ts";

function users(...impus: string[][]): string {
  const entries = impus.map(
    (uris, at) =>
      `  - { impi: u${at}@x, impus: [${uris.map((uri) => `"${uri}"`).join(", ")}], auth: { scheme: digest, password: p } }\n`,
  );
  return `subscribers:\n${entries.join("")}`;
}

function judged(text: string, domain: string): string | undefined {
  const result = parseSubscribers(text);
  if (result.kind === "refused") throw new Error(result.problems.join());
  return foreignUsers(result.samples, domain);
}

it.each<[string, string[][], string, RegExp | undefined]>([
  [
    "all at home, whatever the case",
    [["sip:a@home.example"], ["sips:b@HOME.example"]],
    "Home.Example",
    undefined,
  ],
  [
    "one identity at home is enough",
    [["sip:a@other.example", "sip:a@home.example"]],
    "home.example",
    undefined,
  ],
  ["numbers alone have no domain", [["tel:+15550001"]], "home.example", undefined],
  [
    "one elsewhere",
    [["sip:a@home.example"], ["sip:b@other.example"]],
    "home.example",
    /: sip:b@other\.example;/,
  ],
  [
    "many elsewhere",
    [1, 2, 3, 4, 5].map((n) => [`sip:u${n}@other.example`]),
    "home.example",
    /sip:u1@other\.example, sip:u2@other\.example, sip:u3@other\.example and 2 more/,
  ],
])("%s", (_what, impus, domain, expected) => {
  const why = judged(users(...impus), domain);
  if (expected === undefined) expect(why).toBeUndefined();
  else expect(why).toMatch(expected);
});

it("a template is judged by its first user", () => {
  const template = `subscribers:
  - template: { from: 7, to: 9, impi: "u{n}@x", impus: ["sip:u{n}@other.example"], auth: { scheme: digest, password: p } }
`;
  expect(judged(template, "home.example")).toContain("sip:u7@other.example");
});
