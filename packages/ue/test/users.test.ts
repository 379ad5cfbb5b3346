import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "@ims-lab/common/platform/config";
import { parseAuthHeader } from "@ims-lab/common/sip/message/auth-header";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { expect, test } from "vitest";
import { ueSettings } from "../src/config.ts";
import type { User } from "../src/user-equipment.ts";
import { usersOf } from "../src/users.ts";

const register = { method: "REGISTER", uri: "sip:example.org" };

function users(env: Record<string, string>): readonly User[] {
  const loaded = loadConfig(ueSettings, { argv: [], env, readFile: () => "" });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return usersOf(loaded.config, { random: seededRandom() });
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
