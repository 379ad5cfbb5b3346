// S-CSCFs that share their users over Debian's redis-server: the contract, and nodes alone beside a cluster.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { nextTurn, systemClock } from "@ims-lab/common/platform/clock";
import { cryptoRandom } from "@ims-lab/common/platform/random";
import { type ConnectCluster, redisCluster } from "@ims-lab/common/store/cluster-connection";
import type { SharedRows } from "@ims-lab/common/store/cluster-port";
import { openClusterRows } from "@ims-lab/common/store/cluster-rows";
import { openRedisRows } from "@ims-lab/common/store/redis-rows";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { SHARED_TABLES, TABLES, type Tables } from "../../../scscf/src/rows.ts";
import { type ContractNode, sharedRowsContract } from "../../../scscf/test/contract/shared-rows.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { plainEnvironment, requirePrograms } from "./programs.ts";

requirePrograms(["redis-server"]);

const FOLDER = mkdtempSync("/tmp/ims-lab-redis-cluster-");
const PREFIX = "{ims-lab:scscf}:";
let port = 0;
let redis: ChildProcess;

function command(...words: readonly string[]): string {
  return execFileSync("redis-cli", ["-p", String(port), ...words], { encoding: "utf8" }).trim();
}

beforeAll(async () => {
  port = (await freePorts(1))[0] ?? 0;
  const settings = ["--appendonly", "yes", "--save", "", "--dir", FOLDER];
  redis = spawn("redis-server", ["--port", String(port), "--bind", LOOPBACK, ...settings], {
    stdio: "ignore",
    env: plainEnvironment(),
  });
  await vi.waitFor(() => expect(command("ping")).toBe("PONG"), { timeout: 10_000, interval: 50 });
});
afterAll(async () => {
  const gone = new Promise((resolve) => redis.once("close", resolve));
  redis.kill("SIGKILL");
  await gone;
  rmSync(FOLDER, { recursive: true });
});

const urlOf = (): string => `redis://${LOOPBACK}:${port}`;

interface Line {
  isCut: boolean;
  losesWrite: boolean;
  end(): void;
}

const lines = new WeakMap<ContractNode, Line>();

/** A way to Redis that a test can cut. */
function overLine(line: Line): ConnectCluster {
  const connect = redisCluster({ url: urlOf(), password: undefined }, systemClock(), PREFIX);
  return async (node, events) => {
    if (line.isCut) throw new Error("cut off");
    const connection = await connect(node, {
      onLost: events.onLost,
      onMessage: (text) => {
        if (!line.isCut) events.onMessage(text);
      },
    });
    line.end = () => {
      connection.close();
      events.onLost(new Error("cut off"));
    };
    return {
      close: () => connection.close(),
      run: async (script, args) => {
        if (line.isCut) throw new Error("cut off");
        const answer = await connection.run(script, args);
        if (script !== "write" || !line.losesWrite) return answer;
        line.losesWrite = false;
        throw new Error("the answer has got lost");
      },
    };
  };
}

async function openNode(label: string, name = "lab"): Promise<ContractNode> {
  const line: Line = { isCut: false, losesWrite: false, end: () => undefined };
  const rows: SharedRows<Tables> = await openClusterRows({
    name,
    label,
    address: `${label}.example:6060`,
    url: urlOf(),
    connect: overLine(line),
    tables: TABLES,
    shared: SHARED_TABLES,
    clock: systemClock(),
    nextTurn,
    random: cryptoRandom(),
    log: memoryLogger(),
  });
  const node: ContractNode = {
    rows,
    cut: () => {
      line.isCut = true;
      line.end();
    },
    mended: () => {
      line.isCut = false;
    },
  };
  lines.set(node, line);
  return node;
}

sharedRowsContract({
  name: "redis",
  reset: () => {
    command("flushall");
  },
  open: openNode,
  pass: (milliseconds) => new Promise((resolve) => void systemClock().after(milliseconds, resolve)),
  loseNextWrite: (node) => {
    const line = lines.get(node);
    if (line !== undefined) line.losesWrite = true;
  },
});

describe("a database", () => {
  const openAlone = (): ReturnType<typeof openRedisRows<Tables>> =>
    openRedisRows({
      node: "scscf",
      tables: TABLES,
      url: urlOf(),
      password: undefined,
      clock: systemClock(),
      random: cryptoRandom(),
      nextTurn,
      log: memoryLogger(),
    });

  test("that a cluster has is no node's alone, also when the cluster has gone", async () => {
    command("flushall");
    const { rows } = await openNode("a");
    const refused = {
      key: "store",
      allowed: expect.stringMatching(/^rows that no other node has: the cluster lab has them; /),
    };
    await expect(openAlone()).rejects.toMatchObject(refused);
    await rows.close();
    await expect(openAlone()).rejects.toMatchObject(refused);
  });

  test("that a node alone has is no cluster's, while it runs and as long as its rows are there", async () => {
    command("flushall");
    const alone = await openAlone();
    await expect(openNode("a")).rejects.toMatchObject({
      key: "store",
      allowed: expect.stringMatching(/scscf [0-9a-f]+, a node without a cluster, has others there/),
    });
    await new Promise<void>((resolve) =>
      alone.commit([{ table: "sqnMarks", id: "u", value: 1 }], () => resolve()),
    );
    await alone.close();
    await expect(openNode("a")).rejects.toMatchObject({
      allowed: expect.stringMatching(/there are those of a node without a cluster; give this/),
    });
    command("flushall");
    await (await openNode("a")).rows.close();
  });
});
