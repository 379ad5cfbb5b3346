// Imports as text: SIPp's injection files, tables of cards, entries of the subscribers file; each mistake with its line.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ImportFormat } from "@ims-lab/common/admin-api/views";
import { describe, expect, test } from "vitest";
import { type ImportRead, readImport } from "../../src/provisioning/import-text.ts";
import { subscriberOfRow } from "../../src/subscribers/subscriber-row.ts";

const DOMAIN = "ims.mnc070.mcc999.3gppnetwork.org";
const KI = "0123456789abcdef0123456789abcdef";
const OPC = "fedcba9876543210fedcba9876543210";

function read(lines: readonly string[] | string, format?: ImportFormat): ImportRead {
  const text = typeof lines === "string" ? lines : lines.join("\n");
  return readImport({ text, format, domain: DOMAIN });
}

function mistakes(...parameters: Parameters<typeof read>): readonly string[] {
  return read(...parameters).mistakes.map(({ line, why }) => `${line}: ${why}`);
}

function subscribers(found: ImportRead) {
  expect(found.mistakes).toEqual([]);
  return found.entries.map(({ impi, row }) => subscriberOfRow(impi, row));
}

describe("SIPp's injection file", () => {
  test.each(["aka", "bob", "softphone"])("the shipped %s.csv", (name) => {
    const path = fileURLToPath(new URL(`../../../../interop/sipp/${name}.csv`, import.meta.url));
    const found = read(readFileSync(path, "utf8"));
    expect(found.format).toBe("sipp");
    const user = name === "aka" ? "001010000000001" : name;
    const domain = "ims.mnc001.mcc001.3gppnetwork.org";
    const [one] = subscribers(found);
    expect(one).toMatchObject({
      impi: `${user}@${domain}`,
      impus: [{ uri: `sip:${user}@${domain}`, barred: false }],
      auth: { scheme: name === "aka" ? "aka" : "digest" },
    });
    const secret =
      one?.auth.scheme === "digest" ? one.auth.password.reveal().toString() : undefined;
    expect(secret).toBe(name === "aka" ? undefined : `${name}-secret`);
  });

  test("comments and empty lines are passed over, any order of keywords", () => {
    const found = read([
      "SEQUENTIAL",
      "# users of the load test",
      "",
      `u1;h;[authentication password=a=b username=u1@h]`,
      `u2;h;[authentication aka_OP=0x${OPC} aka_K=0x${KI} username=u2@h]`,
    ]);
    const [one, two] = subscribers(found);
    expect(one?.auth.scheme === "digest" && one.auth.password.reveal().toString()).toBe("a=b");
    expect(two?.auth.scheme === "aka" && two.auth.k.reveal().toString("hex")).toBe(KI);
    expect(found.entries.map(({ line }) => line)).toEqual([4, 5]);
  });

  test("each wrong line is named, with what was expected", () => {
    expect(
      mistakes([
        "SEQUENTIAL",
        "bob;h;bob@h",
        "u1;h;[authentication username=u1 password=x]",
        "u2;h;[authentication username=u2@h]",
        `u3;h;[authentication username=u3@h aka_K=${KI}]`,
        "u4;h;[authentication username=u4@h aka_K=0x12 aka_OP=0x34]",
        "u5;h;[authentication username=u5@h password=x colour=red]",
        "u6;h;[authentication username=u6@h username=u7@h]",
        "u8;h;[authentication username=u8@h password=x]",
        "u9;h;[authentication username=u8@h password=x]",
        `u10;h;[authentication username=u10@h password=x aka_K=0x${KI} aka_OP=0x${OPC}]`,
      ]),
    ).toEqual([
      "2: expected USER;DOMAIN;…;[authentication username=USER@REALM password=…] or […aka_K=0x… aka_OP=0x…]",
      '3: username: "u1", expected USER@REALM without spaces and quotes, at most 253 characters',
      "4: password: missing, expected a password of at most 1000 characters, {n} in it only as a template's number",
      "5: auth: neither op nor opc, expected either op or opc",
      "6: aka_K: 2 characters (not shown), expected 32 hexadecimal digits",
      "6: aka_OP: 2 characters (not shown), expected 32 hexadecimal digits",
      "7: [authentication colour…]: expected username, password, aka_K, aka_OP, aka_AMF, each with = and a value",
      "8: username twice, expected each once",
      "10: u8@h is in line 9 already, expected each once",
      "11: password: given, expected no such key with scheme aka",
    ]);
  });

  test("PRINTF makes lines of numbers, which is no import", () => {
    const lines = ["SEQUENTIAL,PRINTF=9", "u%d;h;[authentication username=u%d@h password=x]"];
    expect(mistakes(lines)).toEqual([
      "1: SEQUENTIAL,PRINTF=9, expected SEQUENTIAL, RANDOM or USER alone: no PRINTF",
    ]);
  });
});

describe("a table of cards", () => {
  test("as PyHSS has it: identities of the IMSI and the number, SQN, unused columns named", () => {
    const found = read([
      "auc_id,imsi,ki,opc,amf,sqn,msisdn,iccid",
      `1,999700000000001,${KI},${OPC},8000,640,9076543210,8999`,
      `2,999700000000002,${KI},${OPC},,,,`,
    ]);
    expect([found.format, found.unusedColumns]).toEqual(["table", ["auc_id", "iccid"]]);
    const [one, two] = subscribers(found);
    expect(one?.impus.map(({ uri }) => uri)).toEqual([
      `sip:999700000000001@${DOMAIN}`,
      "tel:+9076543210",
    ]);
    expect(one?.auth).toMatchObject({ scheme: "aka", algorithm: "AKAv1-MD5" });
    expect(two?.impus).toHaveLength(1);
    expect(two?.auth.scheme === "aka" && two.auth.amf.toString("hex")).toBe("8000");
    expect(found.entries.map(({ sqn }) => sqn)).toEqual([640, undefined]);
  });

  test("semicolons, tabs, quotation marks, spaces in keys, CRLF and a byte order mark", () => {
    const spaced = KI.replace(/(.{8})(?!$)/g, "$1 ");
    const rows = [
      ["IMSI", "K", "OP", "note"],
      ["999700000000001", `"${spaced}"`, OPC, '"a ""quoted"" one"'],
    ];
    for (const separator of [";", "\t", ","]) {
      const text = `\uFEFF${rows.map((row) => row.join(separator)).join("\r\n")}\r\n`;
      const [one] = subscribers(read(text));
      expect(one?.auth.scheme === "aka" && one.auth.k.reveal().toString("hex")).toBe(KI);
      expect(one?.auth.scheme === "aka" && one.auth.op?.reveal().toString("hex")).toBe(OPC);
    }
  });

  test("each wrong line is named, with what was expected", () => {
    const good = `${KI},${OPC}`;
    expect(
      mistakes([
        "imsi,ki,opc,op,amf,sqn,msisdn",
        `12345,${good},,8000,1,`,
        `999700000000001,12,${OPC},,8000,1,`,
        `999700000000002,${good},${OPC},8000,1,`,
        `999700000000003,${KI},,,8000,1,`,
        `999700000000004,${good},,80,1,`,
        `999700000000005,${good},,8000,281474976710656,`,
        `999700000000006,${good},,8000,1,call me`,
        "999700000000007,1",
        `"999700000000008,${good},,8000,1,`,
        `999700000000009,${good},,8000,281474976710655,+15550101`,
        `999700000000009,${good},,8000,,`,
      ]),
    ).toEqual([
      '2: imsi: "12345", expected 6 to 15 digits',
      "3: ki: 2 characters (not shown), expected 32 hexadecimal digits",
      "4: opc, op: both op and opc, expected either op or opc",
      "5: opc, op: neither op nor opc, expected either op or opc",
      '6: amf: "80", expected 4 hexadecimal digits',
      '7: sqn: "281474976710656", expected a number below 2^48, or none',
      '8: msisdn: "call me", expected 3 to 15 digits, or none',
      "9: 2 columns, expected 7 as in the header",
      "10: a quotation mark too few or too many",
      `12: 999700000000009@${DOMAIN} is in line 11 already, expected each once`,
    ]);
  });

  test.each([
    ["imsi,opc", "expected a header with imsi, ki and opc or op; amf, sqn and msisdn as you like"],
    [
      "imsi,ki,amf",
      "expected a header with imsi, ki and opc or op; amf, sqn and msisdn as you like",
    ],
    ["imsi,ki,k,opc", "ki twice, expected each column once"],
  ])("a header %s is refused", (head, why) => {
    expect(mistakes([head, "1,2,3,4"])).toEqual([`1: ${why}`]);
  });
});

describe("entries of the subscribers file", () => {
  const entry = (user: string): string =>
    `impi: ${user}@h, impus: ["sip:${user}@h"], auth: { scheme: digest, password: x }`;

  test.each([
    ["one", `{ ${entry("a")} }`],
    ["a list", `- { ${entry("a")} }`],
    ["a file", `subscribers:\n  - { ${entry("a")} }`],
  ])("%s", (_, text) => {
    expect(subscribers(read(text)).map((one) => one?.impi)).toEqual(["a@h"]);
  });

  test("each mistake with the line where it stands", () => {
    const text = [
      "- impi: a@h",
      "  impus: [sip:a@h]",
      "  auth: { scheme: digest, password: x }",
      "- impi: b@h",
      "  impus:",
      "    - sip:b@h",
      "    - { uri: ftp:b, barred: false }",
      "  auth:",
      "    scheme: aka",
      "    k: 12",
      "  colour: red",
      `- { ${entry("a")} }`,
      `- template: { from: 1, to: 2 }`,
    ];
    expect(mistakes(text)).toEqual([
      '7: impus[1].uri: "ftp:b", expected a sip:, sips: or tel: URI, at most 512 characters',
      "9: auth: neither op nor opc, expected either op or opc",
      "10: auth.k: 2 characters (not shown), expected 32 hexadecimal digits",
      "11: colour: unknown key, expected one of impi, impus, auth, subscription, policy",
      "12: a@h is in line 1 already, expected each once",
      "13: template: expected single subscribers: templates stand in the file alone",
    ]);
  });

  test("what is no YAML is named with its line, without what stands there", () => {
    expect(mistakes("- impi: a@h\n  impus: [sip:a@h\n")).toEqual([
      expect.stringMatching(/^[23]: .*expected YAML$/),
    ]);
  });
});

describe("bounds", () => {
  test("nothing at all", () => {
    for (const text of ["", "\n\n", "SEQUENTIAL\n", "imsi,ki,opc\n", "[]", "hello"])
      expect(mistakes(text), text).toHaveLength(1);
  });

  test("more than 100 000 lines, or one of more than 4096 characters", () => {
    const many = Array.from(
      { length: 100_002 },
      (_, n) => `${n};h;[authentication username=${n}@h password=x]`,
    );
    expect(mistakes(["SEQUENTIAL", ...many])).toEqual([
      "100002: expected at most 100000 subscribers",
    ]);
    const long = `u;h;[authentication username=u@h password=${"x".repeat(4096)}]`;
    expect(mistakes(["SEQUENTIAL", long])).toEqual([
      `2: ${long.length} characters, expected at most 4096`,
    ]);
  });

  test("a hundred mistakes are named, and all are counted", () => {
    const { mistakes: named, mistakeCount } = read(["SEQUENTIAL", ...new Array(1000).fill("x")]);
    expect([named.length, mistakeCount]).toEqual([100, 1000]);
  });

  test("YAML that refers to itself again and again is refused", () => {
    const bomb = [
      "a: &a [x,x,x,x,x,x,x,x,x]",
      ..."bcdefgh"
        .split("")
        .map((name, at) => `${name}: &${name} [${new Array(9).fill(`*${"abcdefg"[at]}`).join()}]`),
    ];
    expect(mistakes([...bomb, "subscribers: *h"], "yaml")).toHaveLength(1);
  });

  test("YAML that is nested deeper than anything: one mistake, in words", () => {
    expect(mistakes(`${"[".repeat(5_000)}${"]".repeat(5_000)}`, "yaml")).toEqual([
      "1: nested too deeply",
    ]);
  });

  test.each([
    ["a first line without an end, in quotation marks", `imsi,"${"x".repeat(8_000_000)}`],
    ["a first line of nothing but separators", ",".repeat(8_000_000)],
    ["nothing but empty lines", "\n\r".repeat(4_000_000)],
    [
      "an [authentication that never closes",
      `SEQUENTIAL\n${`u;h;[authentication${" ".repeat(4000)}\n`.repeat(50)}`,
    ],
  ])("%s is refused in no time", (_what, text) => {
    const began = process.threadCpuUsage();
    expect(mistakes(text).length).toBeGreaterThan(0);
    const { user, system } = process.threadCpuUsage(began);
    expect((user + system) / 1e6).toBeLessThan(1);
  });

  test("what is none of the formats hears of all of them; one that was asked for, of that", () => {
    const card = `001010000000001,${KI},${OPC}`;
    expect(mistakes(card)).toEqual([
      expect.stringMatching(/subscribers file.*a table that begins with a header.*SIPp/),
    ]);
    expect(mistakes(card, "yaml")).toEqual([expect.not.stringContaining("SIPp")]);
  });

  test("no secret stands in any mistake", () => {
    const text = mistakes([
      "SEQUENTIAL",
      "u;h;[authentication username=u@h password=top-secret aka_K=0xtop-secret]",
    ]).join();
    expect(text).not.toContain("top-secret");
  });
});
