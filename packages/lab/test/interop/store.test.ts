// SQLite stores of running nodes: a file of one node's, a disk that becomes full and is freed, one that is read-only. As root.
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { run } from "./programs.ts";
import { LabAdmin, mainOf, type RunningLab, startLab } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";
import { runSipp } from "./sipp.ts";

let disk: string;
let lab: RunningLab | undefined;

/** A file system of its own, so that it can be filled. */
beforeEach(async () => {
  disk = mkdtempSync("/tmp/ims-lab-disk-");
  const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], {
    seconds: 5,
  });
  expect(mounted.exitCode, mounted.stderr).toBe(0);
});

afterEach(async () => {
  await lab?.stop();
  lab = undefined;
  await run("umount", [disk], { seconds: 5 });
  rmSync(disk, { recursive: true });
});

function storeOf(node: "scscf" | "pcscf"): string {
  return `sqlite:${join(disk, `${node}.db`)}`;
}

/** Standard error of a node that must not start. */
async function refused(store: string): Promise<string> {
  const ended = await run(process.execPath, [mainOf("scscf"), "--sip.port=0", "--http.port=0"], {
    seconds: 30,
    env: { SCSCF_STORE: store },
  });
  expect(ended.exitCode).toBe(2);
  return ended.stderr;
}

async function register(access: number): Promise<{ exitCode: number; errors: string }> {
  const { softphone } = shippedAccounts();
  const domain = softphone.impi.replace(/^.*@/, "");
  const users = `SEQUENTIAL\nsoftphone;${domain};${softphone.impi};[authentication username=${softphone.impi} password=${softphone.password}]\n`;
  return runSipp({ scenario: "register", users, access, seconds: 20 });
}

/** Once, however many changes failed. */
async function logged({ events }: RunningLab, wanted: string): Promise<void> {
  const once = (): void => expect(events.filter(({ event }) => event === wanted)).toHaveLength(1);
  await vi.waitFor(once, { timeout: 5000, interval: 50 });
}

test("a second node on the file of a running one ends with 2 and the reason", async () => {
  lab = await startLab({ scscf: { SCSCF_STORE: storeOf("scscf") } });
  expect(await refused(storeOf("scscf"))).toMatch(
    /store: "sqlite:.*expected a file that no other process has open: .* is in use; end the other node/,
  );
});

test("a read-only file system, and a full one, are named at the start", async () => {
  const filler = join(disk, "filler");
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, Buffer.alloc(bavail * bsize));
  expect(await refused(storeOf("scscf"))).toMatch(/expected space on the disk of .*: it is full/);
  rmSync(filler);
  await run("mount", ["-o", "remount,ro", disk], { seconds: 5 });
  expect(await refused(storeOf("scscf"))).toMatch(/this user may write: .* is read-only/);
});

test.each(["scscf", "pcscf"] as const)(
  "the disk of the %s becomes full while it runs: 500, and all is well as soon as there is room",
  async (node) => {
    const full = { [`${node.toUpperCase()}_STORE`]: storeOf(node) };
    lab = await startLab({ scscf: {}, pcscf: {}, [node]: full });
    const { access } = lab.ports;
    const filler = join(disk, "filler");
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(filler, Buffer.alloc(bavail * bsize));

    const without = await register(access);
    expect(without.exitCode).not.toBe(0);
    expect(without.errors).toContain("SIP/2.0 500");
    const { softphone } = shippedAccounts();
    const admin = new LabAdmin(lab);
    if (node === "scscf") expect(await admin.registration(softphone.impu)).toBeUndefined();
    await logged(lab, "store.failed");

    rmSync(filler);
    const within = await register(access);
    expect(within.exitCode, within.errors).toBe(0);
    await logged(lab, "store.resumed");
    expect(lab.complaints).toEqual([]);
  },
);
