// SIPp as the devices of many users: they register, subscribe, and register again when asked, until it is stopped.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageLog } from "./message-log.ts";

export interface Devices {
  readonly log: MessageLog;
  /** Undefined while SIPp runs. */
  readonly ended: () => string | undefined;
  stop(): Promise<void>;
}

export interface DevicesOptions {
  readonly folder: string;
  readonly host: string;
  readonly access: number;
  readonly port: number;
  readonly domain: string;
  readonly users: number;
  readonly perSecond: number;
  readonly seconds: number;
}

const SCENARIO = fileURLToPath(new URL("device.xml", import.meta.url));

export function startDevices(options: DevicesOptions): Devices {
  const { folder, host, access, port, domain, users, perSecond, seconds } = options;
  const line = (n: number): string =>
    `load${n};${domain};load${n}@${domain};[authentication username=load${n}@${domain} password=pw${n}]`;
  const lines = Array.from({ length: users }, (_, at) => line(at + 1));
  writeFileSync(join(folder, "users.csv"), ["SEQUENTIAL", ...lines, ""].join("\n"));
  const child = spawn(
    "sipp",
    [
      `${host}:${access}`,
      ...["-sf", SCENARIO, "-inf", "users.csv", "-i", host, "-p", String(port), "-t", "u1"],
      ...["-m", String(users), "-l", String(users), "-r", String(perSecond)],
      // What comes at the wrong moment comes again; nobody gives up.
      ...["-default_behaviors", "none", "-auth_uri", domain],
      ...["-max_retrans", "100", "-max_non_invite_retrans", "100"],
      ...["-timeout", String(seconds), "-nostdin"],
      ...["-trace_msg", "-message_file", "messages.log", "-trace_err", "-error_file", "errors.log"],
    ],
    { cwd: folder, stdio: "ignore" },
  );
  let why: string | undefined;
  const gone = endOf(child).then((said) => {
    why = said;
  });
  return {
    log: new MessageLog(join(folder, "messages.log")),
    ended: () => (why === undefined ? undefined : `${why}: ${errorsIn(folder)}`),
    stop: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (problem) => resolve(`sipp (Debian: sip-tester): ${problem.message}`));
    child.once("close", (code, signal) => resolve(`SIPp ended (${code ?? signal})`));
  });
}

function errorsIn(folder: string): string {
  try {
    return readFileSync(join(folder, "errors.log"), "latin1").slice(-1000);
  } catch {
    return "it has said nothing";
  }
}
