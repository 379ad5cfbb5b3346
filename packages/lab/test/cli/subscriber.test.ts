// `imslab subscriber` against a node that answers as a test says: requests, output, exit codes, progress.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as eventsHandled } from "node:timers/promises";
import type { SubscriberView } from "@ims-lab/common/admin-api/views";
import { NODE_HEADER } from "@ims-lab/common/platform/http";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imslab } from "../../src/cli/imslab.ts";

const ZOE = "zoe@ims.example";
const view: SubscriberView = {
  impi: ZOE,
  impus: [
    { uri: "sip:zoe@ims.example", barred: false },
    { uri: "tel:+1555", barred: true },
  ],
  scheme: "aka",
  algorithms: ["AKAv1-MD5"],
  auth: { scheme: "aka", algorithm: "AKAv1-MD5", k: "set", opc: "set", amf: "8000" },
  subscription: null,
  policy: null,
  source: "added",
  registered: true,
  lastFailure: null,
};
const imported = {
  format: "table",
  created: 2,
  replaced: 1,
  unchanged: 0,
  unusedColumns: ["iccid"],
  dryRun: false,
};

interface Asked {
  readonly line: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly Asked[];
}

async function run(
  argv: readonly string[],
  answer: { readonly status?: number; readonly body: object } = { body: view },
  answered: (clock: FakeClock) => Promise<void> | void = () => undefined,
): Promise<Ran> {
  const clock = new FakeClock();
  const asked: Asked[] = [];
  let [out, err] = ["", ""];
  const code = await imslab(["subscriber", ...argv], {
    env: { COLUMNS: "200" },
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    clock,
    fetch: async (url, options) => {
      const { method = "GET", headers, body } = options ?? {};
      const { pathname, search } = new URL(String(url));
      const sent = typeof body === "string" ? body : undefined;
      asked.push({
        line: `${method} ${pathname}${search}`,
        headers: headers as Record<string, string>,
        body: sent,
      });
      await answered(clock);
      return new Response(JSON.stringify(answer.body), {
        status: answer.status ?? 200,
        headers: { [NODE_HEADER]: "S-CSCF" },
      });
    },
  });
  return { code, out, err, asked };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "subscribers-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("add", () => {
  test("a password user, in the members of the file; one who is there is left alone", async () => {
    const { code, out, asked } = await run([
      "add",
      ZOE,
      "--impu",
      "sip:zoe@ims.example, tel:+1555",
      "--password",
      "pw",
    ]);
    expect([code, out]).toEqual([0, `${ZOE}: added\n`]);
    const [put] = asked;
    expect(put?.line).toBe("PUT /subscribers/zoe%40ims.example");
    expect(put?.headers["if-none-match"]).toBe("*");
    expect(JSON.parse(put?.body ?? "")).toEqual({
      impus: ["sip:zoe@ims.example", "tel:+1555"],
      auth: { scheme: "digest", password: "pw" },
    });
  });

  test("a card; --replace replaces", async () => {
    const card = ["--k", "11", "--opc", "22", "--amf", "b9b9", "--algorithm", "AKAv2-MD5"];
    const { asked, out } = await run([
      "add",
      ZOE,
      "--impu",
      "sip:zoe@h",
      ...card,
      "--subscription",
      "warn",
      "--replace",
    ]);
    expect(asked[0]?.headers["if-none-match"]).toBeUndefined();
    expect(JSON.parse(asked[0]?.body ?? "")).toEqual({
      impus: ["sip:zoe@h"],
      auth: { scheme: "aka", k: "11", opc: "22", amf: "b9b9", algorithm: "AKAv2-MD5" },
      subscription: "warn",
    });
    expect(out).toBe(`${ZOE}: is as given\n`);
  });

  test("an entry of a file goes the way of an import", async () => {
    const path = file("zoe.yaml", "impi: zoe@h\n");
    const { code, asked } = await run(["add", path], { body: imported });
    expect([code, asked[0]?.line]).toEqual([
      0,
      "POST /subscribers/import?format=yaml&replace=false&dryRun=false",
    ]);
    expect([asked[0]?.headers["content-type"], asked[0]?.body]).toEqual([
      "text/plain",
      "impi: zoe@h\n",
    ]);
  });

  test("what the node refuses is said in its words", async () => {
    const body = { title: "Bad subscriber", status: 400, detail: 'impus[0]: "x", expected a URI' };
    const { code, err } = await run(["add", ZOE, "--impu", "x", "--password", "p"], {
      status: 400,
      body,
    });
    expect([code, err]).toEqual([
      1,
      'imslab: S-CSCF: Bad subscriber: impus[0]: "x", expected a URI\n',
    ]);
  });
});

describe("import", () => {
  test("a file as it is, with what the options say", async () => {
    const path = file("cards.csv", "imsi,ki,opc\n");
    const { code, out, asked } = await run(
      ["import", path, "--format", "table", "--replace", "--dry-run"],
      {
        body: { ...imported, dryRun: true },
      },
    );
    expect(asked.map(({ line, body }) => [line, body])).toEqual([
      ["POST /subscribers/import?format=table&replace=true&dryRun=true", "imsi,ki,opc\n"],
    ]);
    expect([code, out]).toEqual([
      0,
      "would import (table): 2 added, 1 replaced, 0 unchanged\ncolumns not used: iccid\n",
    ]);
  });

  test("each mistake on a line of its own, and how many more", async () => {
    const mistakes = [
      { line: 2, why: "imsi: \u001b[31m, expected digits" },
      { line: 9, why: "ki: missing" },
    ];
    const body = { title: "Import refused", status: 422, detail: "…", mistakes, count: 7 };
    const { code, err, out } = await run(["import", file("bad.csv", "x")], { status: 422, body });
    expect([code, out, err]).toEqual([
      1,
      "",
      "imslab: S-CSCF: Import refused, nothing was imported\n  line 2: imsi: \\x1b[31m, expected digits\n  line 9: ki: missing\n  and 5 more\n",
    ]);
  });

  test("what takes more than two seconds says for how long it has been", async () => {
    const slow = async (clock: FakeClock): Promise<void> => {
      clock.advance(1_999);
      await eventsHandled();
      clock.advance(1_500);
    };
    const path = file("slow.csv", "x");
    const { err } = await run(["import", path], { body: imported }, slow);
    expect(err).toBe(`importing ${path}, 2 s\nimporting ${path}, 3 s\n`);
    expect(
      (await run(["import", path], { body: imported }, (clock) => clock.advance(1_999))).err,
    ).toBe("");
  });

  test("a file that is not there, or too long: 2, and nothing is asked", async () => {
    const missing = await run(["import", join(folder, "none.csv")]);
    expect([missing.code, missing.asked]).toEqual([2, []]);
    expect(missing.err).toContain("none.csv");
    const long = await run(["import", file("long.csv", "x".repeat(16 * 1024 * 1024 + 1))]);
    expect([long.code, long.asked]).toEqual([2, []]);
    expect(long.err).toContain("import it in parts");
  });
});

describe("list, show, remove", () => {
  test("list shows a part, and of how many", async () => {
    const body = { items: [view], total: 1_000_000 };
    const { out, asked } = await run(["list", "--limit", "1", "--offset", "7"], { body });
    expect(asked[0]?.line).toBe("GET /subscribers?limit=1&offset=7");
    expect(out).toContain("sip:zoe@ims.example, tel:+1555 (barred)");
    expect(out).toMatch(/\n8 to 8 of 1000000\n$/);
    expect((await run([], { body })).asked[0]?.line).toBe("GET /subscribers?limit=100&offset=0");
    expect((await run(["list"], { body: { items: [], total: 0 } })).out).toBe(
      "nobody there; 0 in all\n",
    );
  });

  test("show says that secrets are set", async () => {
    const { out } = await run(["show", ZOE]);
    expect(out).toContain("aka AKAv1-MD5, k and opc set, amf 8000");
  });

  test("remove names who was de-registered; of a stranger 1", async () => {
    const { out, asked } = await run(["remove", ZOE], {
      body: { impi: ZOE, contacts: ["sip:z@192.0.2.1"] },
    });
    expect([asked[0]?.line, out]).toEqual([
      "DELETE /subscribers/zoe%40ims.example",
      `${ZOE}: removed, de-registered: sip:z@192.0.2.1\n`,
    ]);
    const body = { title: "No such subscriber", status: 404, detail: "x is unknown." };
    expect(await run(["remove", "x"], { status: 404, body })).toMatchObject({
      code: 1,
      err: "imslab: S-CSCF: No such subscriber: x is unknown.\n",
    });
  });
});

test.each([
  [["grow"], /"grow" is none of list, show, add, import, remove/],
  [["show"], /say whom or what/],
  [["list", ZOE], /one word too many/],
  [["list", "--limit", "0"], /--limit: expected 1 to 1000/],
  [["list", "--limit", "many"], /--limit: "many" is no whole number/],
  [["remove", ZOE, "--replace"], /subscriber remove does not take --replace/],
  [["add", ZOE, "--password", "x"], /--impu: say the public identities/],
  [["add", ZOE, "--impu", "sip:z@h"], /say the credentials/],
  [["add", ZOE, "--impu", "sip:z@h", "--password", "x", "--k", "y"], /say the credentials/],
  [
    ["add", ZOE, "--impu", "sip:z@h", "--password", "x", "--subscription", "never"],
    /--subscription: "never"/,
  ],
  [["add", "zoe.yaml", "--password", "x"], /--password goes with an IMPI/],
  [["import", "f", "--format", "xml"], /--format: "xml" is none of yaml, sipp, table/],
])("%j: 2, and what to write instead", async (argv, why) => {
  const { code, err, asked } = await run(argv);
  expect([code, asked]).toEqual([2, []]);
  expect(err).toMatch(why);
});
