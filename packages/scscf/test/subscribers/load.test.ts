// The subscribers file: what it gives, and each thing that it refuses with path, value and what is allowed.
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  type LoadedSubscribers,
  loadSubscribers,
  parseSubscribers,
} from "../../src/subscribers/load.ts";

const SHIPPED = fileURLToPath(new URL("../../subscribers.yaml", import.meta.url));
const DOMAIN = "ims.mnc001.mcc001.3gppnetwork.org";
const KEY = "0123456789abcdef0123456789abcdef";

function loaded(result: ReturnType<typeof parseSubscribers>): LoadedSubscribers {
  if (result.kind === "refused") throw new Error(result.problems.join("\n"));
  return result;
}

function problems(text: string): readonly string[] {
  const result = parseSubscribers(text, "users.yaml");
  return result.kind === "refused" ? result.problems : [];
}

/** A file with one good user, of which the test changes one thing. */
function file(change: (text: string) => string): string {
  return change(
    [
      "subscribers:",
      "  - impi: a@home",
      "    impus: [sip:a@home, { uri: sip:a2@home, barred: true }]",
      `    auth: { scheme: aka, k: ${KEY}, opc: ${KEY} }`,
      "    subscription: warn",
    ].join("\n"),
  );
}

const replace = (from: string, to: string): string => file((text) => text.replace(from, to));

describe("the shipped file", () => {
  const { directory, options, notices } = loaded(loadSubscribers(SHIPPED));
  test("has the lab's users and 100 000 more", () => {
    expect(directory.size).toBeGreaterThanOrEqual(100_006);
    expect(directory.byImpi(`001010000000001@${DOMAIN}`)?.impus.map(({ uri }) => uri)).toEqual([
      `sip:001010000000001@${DOMAIN}`,
      `sip:alice@${DOMAIN}`,
      "tel:+15550001",
    ]);
    expect(directory.byImpi(`bob@${DOMAIN}`)?.auth).toMatchObject({ algorithms: ["MD5"] });
    expect(directory.byImpi(`dave@${DOMAIN}`)?.auth).toMatchObject({
      algorithms: ["SHA-256", "MD5"],
    });
    expect(directory.byImpi(`carol@${DOMAIN}`)?.auth).toMatchObject({
      algorithm: "AKAv2-SHA-256",
    });
    expect(directory.byImpi(`softphone@${DOMAIN}`)?.subscription).toBe("optional");
    expect(directory.byImpi(`deskphone@${DOMAIN}`)?.subscription).toBe("warn");
  });
  test("suits SIPp: K without 0x5b, 0x0a, 0x00, OP without 0x00, RES redrawn", () => {
    expect(options.aka.redrawZeroOctets).toBe(true);
    for (const user of ["001010000000001", "carol"]) {
      const auth = directory.byImpi(`${user}@${DOMAIN}`)?.auth;
      if (auth === undefined) throw new Error(`${user} is gone`);
      if (auth.scheme !== "aka") continue;
      for (const octet of [0x5b, 0x0a, 0x00]) expect(auth.k.reveal()).not.toContain(octet);
      expect(auth.op?.reveal()).toHaveLength(16);
      expect(auth.op?.reveal()).not.toContain(0);
    }
  });
  test("names each derived OPc once and no other secret", () => {
    for (const user of ["001010000000001", "carol"]) {
      const auth = directory.byImpi(`${user}@${DOMAIN}`)?.auth;
      const opc = auth?.scheme === "aka" ? auth.opc.reveal().toString("hex") : "no AKA";
      expect(notices.filter((notice) => notice.includes(opc))).toEqual([
        expect.stringContaining(`${user}@${DOMAIN}`),
      ]);
    }
    expect(notices.join()).not.toContain("562514f1cf3ad1c0bf96a51d395e58ff");
    expect(notices.join()).not.toContain("8d2a3d68595159fd7ad763c6ba6b0caa");
  });
  test("templates: the n-th user by either identity, none outside the range", () => {
    const user = directory.byImpi(`load77777@${DOMAIN}`);
    expect(user?.impus[0]?.aor).toBe(`sip:load77777@${DOMAIN}`);
    expect(user?.auth.scheme === "digest" && user.auth.password.reveal().toString()).toBe(
      "pw77777",
    );
    expect(directory.ownersOf(`sip:load100000@${DOMAIN}`)).toHaveLength(1);
    for (const stranger of ["load0", "load100001", "load01", "load", "load1x"]) {
      expect(directory.byImpi(`${stranger}@${DOMAIN}`)).toBeUndefined();
      expect(directory.ownersOf(`sip:${stranger}@${DOMAIN}`)).toEqual([]);
    }
  });
  test("pages through templates", () => {
    const single = directory.size - 100_000;
    const page = directory.list(single - 1, 3).map(({ impi }) => impi.split("@")[0]);
    expect(page.slice(1)).toEqual(["load1", "load2"]);
    expect(page[0]).not.toMatch(/^load/);
    expect(directory.list(directory.size - 1, 10)).toHaveLength(1);
    expect(directory.list(200_000, 10)).toHaveLength(0);
  });
  test("no secret is shown by inspect or JSON", () => {
    const alice = directory.byImpi(`001010000000001@${DOMAIN}`);
    const bob = directory.byImpi(`bob@${DOMAIN}`);
    for (const shown of [JSON.stringify([alice, bob]), inspect([alice, bob], { depth: 9 })]) {
      expect(shown).toContain("[secret]");
      expect(shown).not.toMatch(/562514f1|8d2a3d68|bob-secret|66, 111, 98/);
    }
  });
});

describe("what a file may say", () => {
  test("an implicit set with a barred identity, filed under its canonical form", () => {
    const { directory } = loaded(parseSubscribers(replace("sip:a2@home", "sip:A2@HOME;x=y")));
    expect(directory.implicitSet("a@home")).toEqual([
      { uri: "sip:a@home", aor: "sip:a@home", barred: false },
      { uri: "sip:A2@HOME;x=y", aor: "sip:A2@home", barred: true },
    ]);
    expect(directory.implicitSet("b@home")).toEqual([]);
  });
  test("an identity that two users share has two owners", () => {
    const second = `\n  - { impi: b@home, impus: [sip:b@home, sip:a@home], auth: { scheme: digest, password: x } }`;
    const { directory } = loaded(parseSubscribers(file((text) => text + second)));
    expect(directory.ownersOf("sip:a@home").map(({ impi }) => impi)).toEqual(["a@home", "b@home"]);
  });
  test("keys of digits stay keys, AMF needs no quotes", () => {
    const digits = "1".repeat(32);
    const text = replace(`k: ${KEY}`, `k: ${digits}, amf: 0000`);
    const auth = loaded(parseSubscribers(text)).directory.byImpi("a@home")?.auth;
    expect(auth?.scheme === "aka" && auth.k.reveal().toString("hex")).toBe(digits);
    expect(auth?.scheme === "aka" && auth.amf.toString("hex")).toBe("0000");
  });
  test("templates count with leading zeros", () => {
    const text = `subscribers: [{ template: { from: 1, to: 99, impi: "00101{n:10}@h", impus: ["sip:00101{n:10}@h"], auth: { scheme: digest, password: x } } }]`;
    const { directory } = loaded(parseSubscribers(text));
    expect(directory.byImpi("001010000000042@h")?.impi).toBe("001010000000042@h");
    expect(directory.byImpi("0010142@h")).toBeUndefined();
  });
});

describe("refused, with file, path, value and what is allowed", () => {
  const template = (more: string): string =>
    `subscribers: [{ template: { from: 1, to: 9, impi: "u{n}@h", impus: ["sip:u{n}@h"], auth: { scheme: digest, password: x } } }, ${more}]`;
  test.each<[string, string, string]>([
    ["no list", "subscribers: 3", 'users.yaml: subscribers: "3", expected a list'],
    ["nothing", "", "users.yaml: subscribers: missing, expected a list"],
    ["broken YAML", "subscribers: [", "users.yaml: line 1: "],
    [
      "unknown key",
      replace("impi: a@home", "impi: a@home\n    imsi: 1"),
      "subscribers[0].imsi: unknown key, expected one of impi",
    ],
    ["key twice", replace("subscription: warn", "impi: b@home"), "users.yaml: line "],
    ["impi without realm", replace("a@home", "a"), 'subscribers[0].impi: "a", expected USER@REALM'],
    [
      "no impus",
      replace("[sip:a@home, { uri: sip:a2@home, barred: true }]", "[]"),
      "subscribers[0].impus: a list of 0, expected at least one",
    ],
    [
      "no URI",
      replace("[sip:a@home", "[alice"),
      'subscribers[0].impus[0]: "alice", expected a sip:',
    ],
    [
      "barred default",
      replace("sip:a@home,", "{ uri: sip:x@home, barred: true },"),
      "expected a default identity that is not barred",
    ],
    ["identity twice", replace("sip:a2@home", "sip:a@HOME"), "expected each identity once"],
    [
      "neither op nor opc",
      replace(`, opc: ${KEY}`, ""),
      "subscribers[0].auth: neither op nor opc, expected either op or opc",
    ],
    [
      "op and opc",
      replace("opc:", `op: ${KEY}, opc:`),
      "subscribers[0].auth: both op and opc, expected either op or opc",
    ],
    [
      "short k",
      replace(`k: ${KEY}`, "k: 1234567"),
      "subscribers[0].auth.k: 7 characters (not shown), expected 32 hexadecimal digits",
    ],
    ["no k", replace(`k: ${KEY}, `, ""), "subscribers[0].auth.k: missing, expected 32"],
    [
      "bad amf",
      replace("scheme: aka", "scheme: aka, amf: 80"),
      'subscribers[0].auth.amf: "80", expected 4 hex',
    ],
    [
      "unknown scheme",
      replace("scheme: aka", "scheme: gba"),
      'subscribers[0].auth.scheme: "gba", expected aka | digest',
    ],
    [
      "AKA algorithm unknown",
      replace("scheme: aka", "scheme: aka, algorithm: AKAv3-MD5"),
      "expected AKAv1-MD5 | AKAv2-MD5",
    ],
    [
      "password with AKA",
      replace("scheme: aka", "scheme: aka, password: x"),
      "subscribers[0].auth.password: given, expected no such key",
    ],
    [
      "no password",
      replace(/auth: .*/.exec(file(String))?.[0] ?? "", "auth: { scheme: digest }"),
      "subscribers[0].auth.password: missing, expected a password",
    ],
    [
      "duty unknown",
      replace("warn", "maybe"),
      'subscribers[0].subscription: "maybe", expected enforce | warn | optional',
    ],
    [
      "impi twice",
      file((text) => text + text.slice(text.indexOf("\n"))),
      'subscribers[1].impi: "a@home", expected each impi once, this is subscribers[0].impi\'s',
    ],
    [
      "impi of a template",
      template("{ impi: u3@h, impus: [sip:x@h], auth: { scheme: digest, password: x } }"),
      'subscribers[1].impi: "u3@h", expected an impi that no template makes',
    ],
    [
      "templates overlap",
      template(
        '{ template: { from: 9, to: 20, impi: "u{n}@h", impus: ["sip:v{n}@h"], auth: { scheme: digest, password: x } } }',
      ),
      'subscribers[1].template.impi: "u9@h" is there already',
    ],
    [
      "template without number",
      template(
        '{ template: { from: 1, to: 2, impi: "w@h", impus: ["sip:v{n}@h"], auth: { scheme: digest, password: x } } }',
      ),
      'subscribers[1].template.impi: "w@h", expected USER@REALM without spaces and quotes, with {n} in it',
    ],
    [
      "range backwards",
      template(
        '{ template: { from: 5, to: 2, impi: "w{n}@h", impus: ["sip:v{n}@h"], auth: { scheme: digest, password: x } } }',
      ),
      'subscribers[1].template.to: "2", expected a number not below from (5)',
    ],
    [
      "bad RAND",
      file((text) => `aka: { fixedVectors: [12] }\n${text}`),
      'aka.fixedVectors[0]: "12", expected RANDs',
    ],
  ])("%s", (_why, text, line) => {
    expect(problems(text).join("\n")).toContain(line);
  });
  test("every problem is named, not the first alone", () => {
    expect(problems(replace("warn", "maybe").replace("a@home\n", "a\n"))).toHaveLength(2);
  });
  test("no secret stands in a problem", () => {
    const text = file((good) =>
      good
        .replace(`k: ${KEY}`, "k: 'very secret'")
        .replace("scheme: aka", "scheme: aka, password: hush"),
    );
    expect(problems(text).length).toBeGreaterThan(1);
    expect(problems(text).join()).not.toMatch(/very secret|hush/);
  });
  test("a file that is not there", () => {
    expect(loadSubscribers("/nowhere/users.yaml")).toMatchObject({ kind: "refused" });
  });
});
