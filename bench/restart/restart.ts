// The time from a node's start until it is ready, with many users in its store.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nextTurn, systemClock } from "@ims-lab/common/platform/clock";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import type { RowChange, TableFormats } from "@ims-lab/common/store/rows";
import { openSqliteRows } from "@ims-lab/common/store/sqlite-rows";
import type { Binding as AccessBinding } from "../../packages/pcscf/src/bindings/binding.ts";
import {
  TABLES as ACCESS_TABLES,
  type Tables as AccessTables,
} from "../../packages/pcscf/src/rows.ts";
import type { Binding } from "../../packages/scscf/src/registration/binding.ts";
import { TABLES, type Tables } from "../../packages/scscf/src/rows.ts";
import { startChild } from "../machine/child.ts";
import { DOMAIN, subscribersFile } from "../nodes/users.ts";
import { say } from "../output.ts";

export interface RestartResult {
  readonly users: number;
  /** Of both nodes' files. */
  readonly megabytes: number;
  /** Seconds, the least of several starts. */
  readonly scscf: Seconds;
  readonly pcscf: Seconds;
}

interface Seconds {
  readonly full: number;
  readonly empty: number;
}

const STARTS = 3;
const HOST = "127.0.0.1";
const AT_ONCE = 2000;
const HOUR_MS = 3_600_000;
const LONGEST_MS = 120_000;
const LOOK_MS = 2;

export async function measureRestart(users: number, portBase: number): Promise<RestartResult> {
  const folder = mkdtempSync(join(tmpdir(), "ims-lab-restart-"));
  try {
    say(`restart: writing ${users} users`);
    const now = systemClock().now();
    await fill("scscf", TABLES, join(folder, "scscf.db"), users, (n) => servingRows(n, now));
    await fill("pcscf", ACCESS_TABLES, join(folder, "pcscf.db"), users, (n) => accessRows(n, now));
    const octets = ["scscf.db", "pcscf.db"].map((name) => statSync(join(folder, name)).size);
    const subscribers = join(folder, "subscribers.yaml");
    writeFileSync(subscribers, subscribersFile(users));
    const port = (at: number): string => String(portBase + at);
    const scscf = {
      SCSCF_SIP_PORT: port(0),
      SCSCF_HTTP_PORT: port(1),
      SCSCF_DOMAIN: DOMAIN,
      SCSCF_SUBSCRIBERS: subscribers,
      SCSCF_PCSCF_SUBSCRIBE: "false",
    };
    const pcscf = {
      PCSCF_ACCESS_PORT: port(2),
      PCSCF_CORE_PORT: port(3),
      PCSCF_HTTP_PORT: port(4),
    };
    return {
      users,
      megabytes: octets.reduce((sum, each) => sum + each, 0) / 2 ** 20,
      scscf: await startsOf(folder, "scscf", scscf),
      pcscf: await startsOf(folder, "pcscf", pcscf),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function fill<Rows>(
  node: string,
  tables: TableFormats<Rows>,
  path: string,
  users: number,
  rowsOf: (n: number) => readonly RowChange<Rows>[],
): Promise<void> {
  const clock = systemClock();
  const file = { path, setting: `sqlite:${path}`, node, synchronous: "normal" } as const;
  const store = await openSqliteRows({ ...file, tables, clock, nextTurn });
  for (let n = 1; n <= users; ) {
    const rows: RowChange<Rows>[] = [];
    for (; n <= users && rows.length < AT_ONCE; n++) rows.push(...rowsOf(n));
    await new Promise<void>((resolve, reject) => {
      store.commit(rows, (problem) => (problem === undefined ? resolve() : reject(problem)));
    });
  }
  await store.close();
}

async function startsOf(
  folder: string,
  node: "scscf" | "pcscf",
  env: Readonly<Record<string, string>>,
): Promise<Seconds> {
  const name = `${node.toUpperCase()}_STORE`;
  const best = async (store: string): Promise<number> => {
    const all: number[] = [];
    for (let at = 0; at < STARTS; at++)
      all.push(await startOnce(folder, node, { ...env, [name]: store }));
    return Math.min(...all);
  };
  say(`restart: ${node}, ${STARTS} starts with and ${STARTS} without users`);
  return { full: await best(`sqlite:${join(folder, `${node}.db`)}`), empty: await best("memory") };
}

async function startOnce(
  folder: string,
  node: "scscf" | "pcscf",
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const output = join(folder, `${node}.log`);
  writeFileSync(output, "");
  const main = fileURLToPath(new URL(`../../packages/${node}/src/main.ts`, import.meta.url));
  const clock = systemClock();
  const begin = clock.now();
  const child = startChild(process.execPath, [main], { output, env });
  try {
    while (!readFileSync(output, "utf8").includes(`ready ${node} `)) {
      if (clock.now() - begin > LONGEST_MS) throw new Error(readFileSync(output, "utf8"));
      await sleep(LOOK_MS);
    }
    return (clock.now() - begin) / 1000;
  } finally {
    await child.stop();
  }
}

function contactOf(n: number): string {
  return `sip:load${n}@192.0.2.${n % 250}:${1024 + (n % 60_000)}`;
}

function servingRows(n: number, now: number): readonly RowChange<Tables>[] {
  const impu = `sip:load${n}@${DOMAIN}`;
  const token = `${n.toString(16).padStart(8, "0")}d2c6be5412aa07f1`;
  const binding: Binding = {
    id: `c${token}`,
    token,
    impi: `load${n}@${DOMAIN}`,
    set: impu,
    impu,
    address: {
      contact: contactOf(n),
      params: "",
      path: [`<sip:${n.toString(36).padStart(22, "x")}@${HOST}:4060;lr>`],
      source: contactOf(n).slice(4),
    },
    callId: `call-${n}-7f3a@192.0.2.1`,
    cseq: 2,
    registeredAt: now,
    authenticatedAt: now,
    expiresAt: now + HOUR_MS,
    event: "registered",
    mode: "enforce",
    duty: { state: "fulfilled" },
  };
  const id = `${n.toString(16).padStart(8, "0")}e5b7c1d9`;
  const subscription: NotifierSubscription = {
    id,
    dialog: {
      callId: `sub-${n}-7f3a@192.0.2.1`,
      localTag: id,
      remoteTag: `t${n}`,
      localUri: impu,
      remoteUri: impu,
      remoteTarget: contactOf(n),
      routeSet: [`<sip:${n.toString(36).padStart(38, "x")}@${HOST}:4060;transport=udp;lr>`],
      localCseq: 2,
      remoteCseq: 1,
    },
    package: "reg",
    eventId: null,
    subject: impu,
    memo: `device:${token}`,
    contact: `<sip:${HOST}:6060>`,
    version: 2,
    state: { name: "active", expiresAt: now + HOUR_MS, sent: false, due: "nothing" },
  };
  return [
    { table: "bindings", id: token, value: binding },
    { table: "subscriptions", id, value: subscription },
  ];
}

function accessRows(n: number, now: number): readonly RowChange<AccessTables>[] {
  const impu = `sip:load${n}@${DOMAIN}`;
  const token = n.toString(36).padStart(22, "x");
  const local = { host: HOST, port: 5060 };
  const remote = { host: `192.0.2.${n % 250}`, port: 1024 + (n % 60_000) };
  const flow = { id: "", transport: "udp", local, remote } as const;
  const value: AccessBinding = {
    token,
    impi: `load${n}@${DOMAIN}`,
    aor: impu,
    impus: [impu],
    flow,
    flowLost: false,
    source: `udp:${remote.host}:${remote.port}`,
    natted: false,
    serviceRoute: [`<sip:${n.toString(16).padStart(24, "0")}@${HOST}:6060;lr>`],
    scscf: `sip:${HOST}:6060`,
    registeredAt: now,
    authenticatedAt: now,
    contact: contactOf(n),
    listed: undefined,
    instance: undefined,
    callId: `call-${n}-7f3a@192.0.2.1`,
    cseq: 2,
    expiresAt: now + HOUR_MS,
    heard: 0,
    others: undefined,
  };
  return [{ table: "bindings", id: token, value }];
}
