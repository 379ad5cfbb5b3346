// SIPp as many users that register at a given rate, and what it has to say about it.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "../machine/child.ts";
import { DOMAIN, PASSWORD } from "../nodes/users.ts";
import type { Bench, Server } from "./server.ts";

const PROGRAM = "/usr/bin/sipp";
const SCENARIO = fileURLToPath(new URL("./register.xml", import.meta.url));

export function isSippInstalled(): boolean {
  return existsSync(PROGRAM);
}

export interface Load {
  readonly rate: number;
  readonly seconds: number;
}

export interface LoadReport {
  readonly completed: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** Milliseconds from the first REGISTER to the 200; undefined when none completed. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

/** One line per user: name and credentials, as SIPp wants them in a file. */
export function writeUsers({ folder }: Bench, users: number): void {
  const lines = ["SEQUENTIAL"];
  for (let user = 1; user <= users; user++) {
    const name = `load${user}`;
    lines.push(`${name};[authentication username=${name}@${DOMAIN} password=${PASSWORD}]`);
  }
  writeFileSync(join(folder, "users.csv"), `${lines.join("\n")}\n`);
}

let runs = 0;

/** Ends by itself after `rate * seconds` registrations, at the latest 30 s after the last has begun. */
export async function runSipp(bench: Bench, server: Server, load: Load): Promise<LoadReport> {
  const name = `sipp-${++runs}`;
  const file = (suffix: string): string => join(bench.folder, `${name}.${suffix}`);
  const { rate, seconds } = load;
  const child = startChild(
    "/usr/bin/env",
    [
      "-C",
      bench.folder, // SIPp writes its response times into the working directory
      PROGRAM,
      ...["-sf", SCENARIO, "-inf", join(bench.folder, "users.csv"), "-auth_uri", DOMAIN],
      ...["-i", "127.0.0.1", "-p", String(bench.portBase + 7), "-t", "u1"],
      ...["-r", String(rate), "-m", String(rate * seconds), "-l", String(rate * 4)],
      ...["-timeout", String(seconds + 30), "-buff_size", "4000000", "-nostdin"],
      ...["-trace_stat", "-stf", file("stat.csv"), "-fd", "1"],
      ...["-trace_rtt", "-rtt_freq", "500"],
      `127.0.0.1:${server.port}`,
    ],
    { output: file("log") },
  );
  await child.ended;
  const counts = lastCounts(readFileSync(file("stat.csv"), "utf8"));
  const times = responseTimes(bench.folder, child.pid);
  return {
    completed: counts("SuccessfulCall(C)"),
    failed: counts("FailedCall(C)"),
    retransmissions: counts("Retransmissions(C)"),
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}

function lastCounts(csv: string): (column: string) => number {
  const lines = csv.trim().split("\n");
  const names = (lines[0] ?? "").split(";");
  const values = (lines.at(-1) ?? "").split(";");
  return (column) => {
    const at = names.indexOf(column);
    if (at < 0) throw new Error(`SIPp's statistics have no column ${column}`);
    return Number(values[at]);
  };
}

function responseTimes(folder: string, pid: number): number[] {
  const name = readdirSync(folder).find((each) => each.endsWith(`_${pid}_rtt.csv`));
  if (name === undefined) return [];
  const lines = readFileSync(join(folder, name), "utf8").trim().split("\n").slice(1);
  return lines.map((line) => Number(line.split(";")[1])).sort((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
