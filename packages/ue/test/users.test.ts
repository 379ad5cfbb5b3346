// The users of a UE process, from its settings.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deriveOpc, Milenage } from "@ims-lab/common/ims/milenage";
import { sqnToOctets } from "@ims-lab/common/ims/sqn";
import { loadConfig } from "@ims-lab/common/platform/config";
import { parseAuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ueSettings } from "../src/config.ts";
import type { User } from "../src/user-equipment.ts";
import { usersOf } from "../src/users.ts";

const register = { method: "REGISTER", uri: "sip:example.org" };

function users(
  env: Record<string, string>,
  onFileFailed: (path: string, why: string) => void = () => undefined,
  seed = 1,
): readonly User[] {
  const loaded = loadConfig(ueSettings, { argv: [], env, readFile: () => "" });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return usersOf(loaded.config, { random: seededRandom(seed), onFileFailed });
}

const load = {
  UE_USER_IMPI: "load{n}@example.org",
  UE_USER_IMPU: "sip:load{n}@example.org",
  UE_USER_PASSWORD: "pw{n}",
};

test("each UE has its number in its identities and its password", () => {
  const [first, second] = users({ ...load, UE_COUNT: "2", UE_USER_FIRST: "7" });
  expect([first?.impi, first?.impu, first?.domain]).toEqual([
    "load7@example.org",
    "sip:load7@example.org",
    "example.org",
  ]);
  expect(second?.impu).toBe("sip:load8@example.org");
});

test("TS 24.229 §5.1.1.2: an initial REGISTER uses nothing of an earlier answer", () => {
  const [user] = users(load);
  const header = parseAuthHeader('Digest realm="example.org",nonce="n1",qop="auth",algorithm=MD5');
  if (user === undefined || header === undefined) throw new Error("no user");
  expect(user.credentials.answer([header], register).verdict).toBe("valid");
  expect(user.credentials.unprompted(register, false)).toContain('nonce="n1"');
  expect(user.credentials.unprompted(register, true)).toContain('nonce="",');
});

test("a file of sequence numbers that is none is refused with its setting", () => {
  const directory = mkdtempSync(join(tmpdir(), "ue-"));
  const path = join(directory, "sqn.json");
  writeFileSync(path, "{}");
  const key = "465b5ce8b199b49faa5f0a2ee238a6bc";
  const isim = { UE_USER_K: key, UE_USER_OP: key, UE_USER_SQN_FILE: path };
  expect(() => users(isim)).toThrow(/user\.sqnFile/);
  rmSync(directory, { recursive: true });
});

describe("the file of sequence numbers", () => {
  const key = "465b5ce8b199b49faa5f0a2ee238a6bc";
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "ue-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const isim = (path: string): Record<string, string> => ({
    UE_USER_K: key,
    UE_USER_OP: key,
    UE_USER_SQN_FILE: path,
  });

  test.each([
    ["a folder that is a file", "/dev/null/sqn.json"],
    ["a read-only disk", "/proc/sqn.json"],
  ])("%s: the UE does not start, and says why", (_name, path) => {
    expect(() => users(isim(path))).toThrow(/user\.sqnFile/);
  });

  test("keeps the device's instance", () => {
    const path = join(directory, "card.json");
    const [first] = users(isim(path));
    const [again] = users(isim(path));
    expect(first?.instance).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
    expect(again?.instance).toBe(first?.instance);
  });

  test("one that cannot be written later is told, and the UE goes on", () => {
    const path = join(directory, "folder", "card.json");
    const told: string[] = [];
    const [user] = users(isim(path), (where, why) => told.push(`${where}: ${why}`));
    rmSync(join(directory, "folder"), { recursive: true });
    writeFileSync(join(directory, "folder"), "no folder any more");
    const k = Buffer.from(key, "hex");
    const rand = Buffer.alloc(16, 7);
    const network = new Milenage(k, deriveOpc(k, k));
    const sqn = sqnToOctets(32);
    const autn = network.autn(rand, sqn, Buffer.from("8000", "hex"), network.keys(rand).ak);
    const header = parseAuthHeader(
      `Digest realm="example.org",nonce="${Buffer.concat([rand, autn]).toString("base64")}",algorithm=AKAv1-MD5,qop="auth"`,
    );
    if (user === undefined || header === undefined) throw new Error("no user");
    expect(user.credentials.answer([header], register).verdict).toBe("valid");
    expect(told).toEqual([expect.stringContaining(`${path}: `)]);
    // The number is used up all the same.
    expect(user.credentials.answer([header], register).verdict).toBe("invalid");
  });
});

test("each UE has an instance of its own, drawn anew at each start", () => {
  const [first, second] = users(load);
  const [anew] = users(load, undefined, 2);
  expect(new Set([first?.instance, second?.instance, anew?.instance]).size).toBe(3);
});

test("user.instance fixes it", () => {
  const [first] = users({ ...load, UE_USER_INSTANCE: "urn:uuid:00000000-0000-4000-8000-{n}" });
  expect(first?.instance).toBe("urn:uuid:00000000-0000-4000-8000-1");
  for (const wrong of ["alice's phone", "urn:x", 'urn:uuid:1">', "urn:uuid:1 2"])
    expect(() => users({ ...load, UE_USER_INSTANCE: wrong })).toThrow(/user\.instance/);
  const shared = { ...load, UE_COUNT: "2", UE_USER_INSTANCE: "urn:uuid:1" };
  expect(() => users(shared)).toThrow(/user\.instance/);
});
