// The Redis store against Debian's redis-server: the contract, and a Redis that goes away and comes back.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { nextTurn, systemClock } from "@ims-lab/common/platform/clock";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { openRedisRows } from "@ims-lab/common/store/redis-rows";
import { type MemoryLogger, memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Change, TABLES } from "../../../scscf/src/rows.ts";
import type { Store } from "../../../scscf/src/store/store.ts";
import { storeContract } from "../../../scscf/test/contract/store.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { plainEnvironment, requirePrograms, run } from "./programs.ts";
import { mainOf, type RunningLab, startLab } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";
import { runSipp } from "./sipp.ts";

requirePrograms(["redis-server"]);

const FOLDER = mkdtempSync("/tmp/ims-lab-redis-");
let port = 0;
let redis: ChildProcess;

function command(...words: readonly string[]): string {
  return execFileSync("redis-cli", ["-p", String(port), ...words], { encoding: "utf8" }).trim();
}

async function startRedis(): Promise<void> {
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  redis = spawn(
    "redis-server",
    ["--port", String(port), "--bind", LOOPBACK, "--dir", FOLDER, ...durable],
    { stdio: "ignore", env: plainEnvironment() },
  );
  await vi.waitFor(() => expect(command("ping")).toBe("PONG"), { timeout: 10_000, interval: 50 });
}

async function killRedis(): Promise<void> {
  const gone = new Promise((resolve) => redis.once("close", resolve));
  redis.kill("SIGKILL");
  await gone;
}

beforeAll(async () => {
  port = (await freePorts(1))[0] ?? 0;
  await startRedis();
});
afterAll(async () => {
  await killRedis();
  rmSync(FOLDER, { recursive: true });
});

let log: MemoryLogger;
function openRedis(): Promise<Store> {
  log = memoryLogger();
  return openRedisRows({
    node: "scscf",
    tables: TABLES,
    url: `redis://${LOOPBACK}:${port}`,
    password: undefined,
    clock: systemClock(),
    random: cryptoRandom(),
    nextTurn,
    log,
  });
}

storeContract<Store>({
  name: "redis",
  open: () => {
    command("flushall");
    return openRedis();
  },
  reopen: async (store) => {
    await store.close();
    return openRedis();
  },
  // The error is Redis's own: it wants a replica that is not there.
  fail: (_store, isFailing) => {
    command("config", "set", "min-replicas-to-write", isFailing ? "1" : "0");
  },
});

function commit(store: Store, ...changes: readonly Change[]): Promise<Error | undefined> {
  return new Promise((resolve) => store.commit(changes, resolve));
}

const mark = (id: string, value: number): Change => ({ table: "sqnMarks", id, value });

/** Until commits succeed again. */
async function works(store: Store): Promise<void> {
  const succeeds = async (): Promise<void> =>
    expect(await commit(store, mark("probe", 1))).toBeUndefined();
  await vi.waitFor(succeeds, { timeout: 20_000, interval: 200 });
}

describe("a Redis store", () => {
  let opened: Store[] = [];
  afterEach(async () => {
    for (const store of opened) await store.close();
    opened = [];
  });
  const open = async (): Promise<Store> => {
    command("flushall");
    const store = await openRedis();
    opened.push(store);
    return store;
  };

  test("goes on by itself when Redis was away; meanwhile commits fail at once, with the reason", async () => {
    const store = await open();
    expect(await commit(store, mark("a", 1))).toBeUndefined();
    await killRedis();
    const failed = await commit(store, mark("a", 2), mark("b", 2));
    expect(failed?.message).toMatch(new RegExp(`^redis://${LOOPBACK}:${port} is away: `));
    await startRedis();
    await works(store);
    const { sqnMarks } = await store.load();
    expect([sqnMarks.get("a"), sqnMarks.get("b")]).toEqual([1, undefined]);
  });

  test("a batch that Redis takes after it was given up has not happened", async () => {
    const store = await open();
    await commit(store, mark("a", 1), mark("gone", 1));
    redis.kill("SIGSTOP");
    const failed = await commit(store, mark("a", 2), mark("b", 2), {
      table: "sqnMarks",
      id: "gone",
      value: undefined,
    });
    redis.kill("SIGCONT");
    expect(failed?.message).toContain("is away: no answer in 2000 ms");
    await works(store);
    const { sqnMarks } = await store.load();
    expect(Object.fromEntries(sqnMarks)).toEqual({ a: 1, gone: 1, probe: 1 });
  });

  test("has one owner: a second node waits for it, and is refused", async () => {
    await open();
    await expect(openRedis()).rejects.toMatchObject({
      key: "store",
      allowed: expect.stringMatching(/^rows that no other node has: scscf [0-9a-f]+ has them; end/),
    });
  });

  test("whoever has lost the rows writes none", async () => {
    const store = await open();
    command("set", "{ims-lab:scscf}:owner", "somebody else");
    expect((await commit(store, mark("a", 1)))?.message).toMatch(/another node has these rows/);
    expect(command("hlen", "{ims-lab:scscf}:rows:sqnMarks")).toBe("0");
    command("del", "{ims-lab:scscf}:owner");
    await works(store);
  });

  test("one that forgets what it has confirmed is named", async () => {
    command("config", "set", "appendonly", "no");
    await open();
    expect(log.named("store.volatile")).toHaveLength(1);
    command("config", "set", "appendonly", "yes");
  });
});

describe("an S-CSCF with a Redis store", () => {
  let lab: RunningLab | undefined;
  afterEach(async () => {
    await lab?.stop();
    lab = undefined;
  });

  test("one that nobody has started: exit code 2 and the reason", async () => {
    const [nobody = 0] = await freePorts(1);
    const ended = await run(process.execPath, [mainOf("scscf"), "--sip.port=0", "--http.port=0"], {
      seconds: 30,
      env: { SCSCF_STORE: `redis://${LOOPBACK}:${nobody}` },
    });
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toMatch(/store: "redis:.*expected a Redis or Valkey that answers there/);
  });

  test("registers, answers 500 while Redis is away, and registers again when it is back", async () => {
    command("flushall");
    lab = await startLab({ scscf: { SCSCF_STORE: `redis://${LOOPBACK}:${port}` }, pcscf: {} });
    const { access } = lab.ports;
    const { softphone } = shippedAccounts();
    const domain = softphone.impi.replace(/^.*@/, "");
    const users = `SEQUENTIAL\nsoftphone;${domain};${softphone.impi};[authentication username=${softphone.impi} password=${softphone.password}]\n`;
    const register = (): ReturnType<typeof runSipp> =>
      runSipp({ scenario: "register", users, access, seconds: 20 });
    const first = await register();
    expect(first.exitCode, first.errors).toBe(0);
    await killRedis();
    const without = await register();
    expect(without.exitCode).not.toBe(0);
    expect(without.errors).toContain("SIP/2.0 500");
    await startRedis();
    await vi.waitFor(
      async () => {
        const again = await register();
        expect(again.exitCode, again.errors).toBe(0);
      },
      { timeout: 40_000, interval: 500 },
    );
  });
});
