// The S-CSCF as a process: real sockets, what it prints, how it exits.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { runNode } from "@ims-lab/common/platform/lifecycle";
import { FakeProcess } from "@ims-lab/common/testing/fake-process";
import { expect, test, vi } from "vitest";
import { settings } from "../src/config.ts";
import { startScscf } from "../src/start.ts";

async function run(...options: string[]): Promise<FakeProcess> {
  const fake = new FakeProcess(
    { SCSCF_LOG_LEVEL: "silent", SCSCF_STORE: "memory" },
    "--http.port=0",
    ...options,
  );
  await runNode(fake, { ...settings, start: startScscf });
  return fake;
}

function subscribersFile(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "ims-lab-")), "subscribers.yaml");
  writeFileSync(path, text);
  return path;
}

test("the ready line; SIGTERM ends with 0; a port in use is refused by name", async () => {
  const first = await run("--sip.port=0");
  expect(first.output).toMatch(
    /^ready scscf sip=127\.0\.0\.1:\d+ http=http:\/\/127\.0\.0\.1:\d+\n$/,
  );
  const port = /sip=127\.0\.0\.1:(\d+)/.exec(first.output)?.[1] ?? "";
  const second = await run(`--sip.port=${port}`);
  expect(second.exits).toEqual([2]);
  expect(second.errors).toContain("sip.port");
  first.signal("SIGTERM");
  await vi.waitUntil(() => first.exits.length > 0, { timeout: 2000 });
  expect(first.exits).toEqual([0]);
});

test.each([
  ["a file that is not there", "/nonexistent/users.yaml", "readable"],
  [
    "OP and OPc both",
    subscribersFile(`subscribers:
  - impi: a@home
    impus: [sip:a@home]
    auth: { scheme: aka, k: ${"11".repeat(16)}, op: ${"22".repeat(16)}, opc: ${"33".repeat(16)} }`),
    "op",
  ],
])("subscribers: %s: exit 2", async (_name, path, said) => {
  const fake = await run("--sip.port=0", `--subscribers=${path}`);
  expect(fake.exits).toEqual([2]);
  expect(fake.errors).toContain("subscribers");
  expect(fake.errors).toContain(said);
});

test("fixed nonces outside loopback: exit 2", async () => {
  const path = subscribersFile("digest: { fixedNonces: [n1] }\nsubscribers: []\n");
  const options = ["--sip.host=0.0.0.0", "--sip.advertise=scscf.example", "--sip.port=0"];
  const fake = await run(...options, `--subscribers=${path}`);
  expect(fake.exits).toEqual([2]);
  expect(fake.errors).toContain("loopback");
});

test("a store with a row that cannot be read is refused by name, and stays as it is", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "ims-lab-")), "scscf.db");
  const options = ["--sip.port=0", `--store=sqlite:${path}`];
  const first = await run(...options);
  first.signal("SIGTERM");
  await vi.waitFor(() => expect(first.exits).toEqual([0]), { timeout: 5000 });
  const half = '["c1","bob@lab"';
  const rowsOf = (act: (database: DatabaseSync) => unknown): unknown => {
    const database = new DatabaseSync(path);
    try {
      return act(database);
    } finally {
      database.close();
    }
  };
  rowsOf((database) => database.exec(`INSERT INTO rows VALUES (1, 'bindings', 't1', '${half}')`));
  const second = await run(...options);
  expect(second.errors).toMatch(
    /rows that can be read: .* has another, bindings t1 \(.*nothing was/,
  );
  expect(second.exits).toEqual([2]);
  expect(rowsOf((database) => database.prepare("SELECT id, row FROM rows").all())).toEqual([
    { id: "t1", row: half },
  ]);
}, 20_000);
