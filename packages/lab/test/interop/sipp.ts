// SIPp as a UE: one bounded run of a scenario of interop/sipp.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { startBackground } from "./background.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { run } from "./programs.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

const PACK = fileURLToPath(new URL("../../../../interop/sipp/", import.meta.url));

export type Scenario =
  | "register"
  | "register-refused"
  | "reject-autn"
  | "reauthenticate"
  | "ignore-trigger"
  | "subscribe-refused"
  | "attach"
  | "call";

/** Files that SIPp leaves in its folder. */
const TRACES = [
  ...["-trace_err", "-error_file", "errors.log"],
  ...["-trace_stat", "-stf", "statistics.csv", "-fd", "1"],
];
/** Calls whose messages are kept as well. */
const MOST_TRACED = 250;

export interface SippRun {
  readonly scenario: Scenario;
  /** Lines of the injection file: who registers. */
  readonly users: string;
  readonly access: number;
  /** Where it is and the P-CSCF listens; 127.0.0.1 by default. */
  readonly host?: string;
  readonly transport?: "udp" | "tcp";
  readonly event?: string;
  /** Whom to call, as user@domain. */
  readonly callee?: string;
  /** SIPp's own port; any free one by default. */
  readonly port?: number;
  readonly calls?: number;
  readonly perSecond?: number;
  readonly seconds?: number;
}

export interface SippResult {
  readonly exitCode: number;
  /** What SIPp says went wrong, with its messages; empty when all went well. */
  readonly errors: string;
  readonly port: number;
  /** The last line of its statistics, by column name. */
  readonly statistics: ReadonlyMap<string, string>;
}

/** An injection file of the pack. */
export function packUsers(file: "aka" | "bob" | "softphone"): string {
  return readFileSync(join(PACK, `${file}.csv`), "utf8");
}

/** The users of the template in subscribers.yaml: load1 with pw1, and so on. */
export function loadUsers(count: number): string {
  const { domain } = shippedAccounts().aka;
  const line = (n: number): string =>
    `load${n};${domain};load${n}@${domain};[authentication username=load${n}@${domain} password=pw${n}]`;
  return ["SEQUENTIAL", ...Array.from({ length: count }, (_, at) => line(at + 1)), ""].join("\n");
}

/** SIPp 3.6 reads past the end of the AKA key; now and then a bracket of a keyword lies there. */
const MISREAD_KEY = "invalid [keyword] in scenario while parsing";
const RUNS = 3;

export async function runSipp(options: SippRun): Promise<SippResult> {
  for (let run = 1; ; run++) {
    const result = await runOnce(options);
    if (!result.errors.includes(MISREAD_KEY) || run === RUNS) return result;
  }
}

async function runOnce(options: SippRun): Promise<SippResult> {
  const { scenario, transport = "udp", event = "reg", calls = 1, perSecond = 10 } = options;
  const { host = LOOPBACK } = options;
  const port = options.port ?? (await freePorts(1))[0] ?? 0;
  const seconds = options.seconds ?? 30;
  const folder = mkdtempSync("/tmp/ims-lab-sipp-");
  try {
    writeFileSync(join(folder, "users.csv"), options.users);
    const args = [
      formatHostPort({ host, port: options.access }),
      ...["-sf", join(PACK, `${scenario}.xml`), "-inf", "users.csv"],
      ...["-i", host, "-p", String(port), "-t", transport === "udp" ? "u1" : "t1"],
      ...["-auth_uri", shippedAccounts().aka.domain, "-key", "event", event],
      ...(options.callee === undefined ? [] : ["-key", "callee", options.callee]),
      ...(scenario === "call" ? ["-oocsf", join(PACK, "answer-notify.xml")] : []),
      ...["-m", String(calls), "-r", String(perSecond), "-l", String(calls)],
      ...["-timeout", String(seconds), "-timeout_error", "-nostdin"],
      // One message at a time: the second of two at once would find the call in its `send` step.
      ...(calls === 1 ? ["-max_recv_loops", "1"] : []),
      ...TRACES,
      ...(calls > MOST_TRACED ? [] : ["-trace_msg", "-message_file", "messages.log"]),
    ];
    const { exitCode } = await run("sipp", args, { seconds: seconds + 10, cwd: folder });
    const read = (file: string): string => readIfThere(join(folder, file));
    const messages = exitCode === 0 ? "" : read("messages.log").slice(-12_000);
    return {
      exitCode,
      errors: read("errors.log") + messages,
      port,
      statistics: lastLine(read("statistics.csv")),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Answerer {
  /** Ends SIPp once the calls in progress are over. */
  stop(): Promise<Pick<SippResult, "exitCode" | "errors" | "statistics">>;
}

/** SIPp takes calls at the port that has registered, until it is stopped. */
export function startAnswerer(options: {
  readonly access: number;
  readonly port: number;
  readonly user: string;
}): Answerer {
  const folder = mkdtempSync("/tmp/ims-lab-sipp-");
  const sipp = startBackground(
    "sipp",
    [
      `${LOOPBACK}:${options.access}`,
      ...["-sf", join(PACK, "answer.xml"), "-s", options.user],
      ...["-i", LOOPBACK, "-p", String(options.port), "-t", "u1", "-nostdin"],
      ...TRACES,
    ],
    { cwd: folder },
  );
  const stop: Answerer["stop"] = async () => {
    try {
      const exitCode = await sipp.stop("SIGUSR1");
      const read = (file: string): string => readIfThere(join(folder, file));
      return {
        exitCode,
        errors: read("errors.log"),
        statistics: lastLine(read("statistics.csv")),
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  return { stop };
}

/** SIPp writes its files only when it has something to say. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function lastLine(statistics: string): ReadonlyMap<string, string> {
  const lines = statistics.trim().split("\n");
  const values = (lines.at(-1) ?? "").split(";");
  return new Map((lines[0] ?? "").split(";").map((name, at) => [name, values[at] ?? ""]));
}
