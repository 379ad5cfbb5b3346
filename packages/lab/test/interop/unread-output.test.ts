// Nobody reads what a process prints (`| head -1`, a reader that hangs, a launcher that was killed): it still ends.
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { labPorts } from "../../src/launcher/node-environments.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { plainEnvironment } from "./programs.ts";
import { mainOf } from "./running-lab.ts";

/** Ports of the lab without an offset, as distances from the lowest. */
const { access, core, serving, pcscfHttp, scscfHttp, ueHttp } = labPorts(0);
const LOWEST_PORT = core;
const LAB_PORTS = [core, access, serving, pcscfHttp, scscfHttp, ueHttp].map((p) => p - core);

const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...plainEnvironment(), ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.push(child);
  return child;
}

async function startNode(): Promise<{ node: ChildProcess; port: number }> {
  const [port = 0] = await freePorts(1);
  const node = start(mainOf("scscf"), [], {
    SCSCF_SIP_PORT: String(port),
    SCSCF_HTTP_PORT: "0",
    SCSCF_LOG_LEVEL: "trace",
  });
  let said = "";
  outputOf(node).on("data", (text: Buffer) => {
    said += text.toString();
  });
  await vi.waitFor(() => expect(said).toContain(`ready scscf sip=${LOOPBACK}:${port}`), 10_000);
  return { node, port };
}

/** Requests of no trusted peer, each of which makes a line in the log. */
async function refusals(count: number, port: number): Promise<void> {
  const stranger = createSocket("udp4");
  let answers = 0;
  stranger.on("message", () => {
    answers += 1;
  });
  for (let sent = 1; sent <= count; sent += 1) {
    stranger.send(register(sent), port, LOOPBACK);
    if (sent % 100 === 0) await vi.waitFor(() => expect(answers).toBe(sent), { interval: 1 });
  }
  stranger.close();
}

function register(number: number): string {
  const via = `Via: SIP/2.0/UDP ${LOOPBACK};rport;branch=z9hG4bK${number}`;
  const parties = "From: <sip:eve@ims.example>;tag=1\r\nTo: <sip:eve@ims.example>";
  const rest = `Call-ID: ${number}\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContent-Length: 0`;
  return `REGISTER sip:ims.example SIP/2.0\r\n${via}\r\n${parties}\r\n${rest}\r\n\r\n`;
}

function outputOf({ stdout }: ChildProcess): NonNullable<ChildProcess["stdout"]> {
  if (stdout === null) throw new Error("a child process without its standard output");
  return stdout;
}

async function endOf(child: ChildProcess): Promise<unknown> {
  child.kill("SIGTERM");
  const [code] = await once(child, "exit", { signal: AbortSignal.timeout(2_000) });
  return code;
}

describe("SIGTERM ends a node with 0 within two seconds", () => {
  test("when the reader of its output is gone", async () => {
    const { node } = await startNode();
    outputOf(node).destroy();
    expect(await endOf(node)).toBe(0);
  });

  test("when the reader of its output does not read", async () => {
    const { node, port } = await startNode();
    outputOf(node).pause();
    await refusals(4_000, port); // more lines than the pipe holds
    expect(await endOf(node)).toBe(0);
  });
});

test("a launcher whose reader is gone ends with 0 and takes its nodes along", async () => {
  const [lowest = 0] = await freePorts(1, LAB_PORTS);
  const launcher = start(mainOf("lab"), ["--port-offset", String(lowest - LOWEST_PORT)], {});
  let nodes: readonly string[] = [];
  outputOf(launcher).on("data", () => {
    if (nodes.length === 3) return; // what was on its way when the reader went
    nodes = childrenOf(launcher);
    if (nodes.length === 3) outputOf(launcher).destroy();
  });
  const [code] = await once(launcher, "exit", { signal: AbortSignal.timeout(30_000) });
  expect(code).toBe(0);
  expect(nodes).toHaveLength(3);
  expect(nodes.filter(isAlive)).toEqual([]);
});

test("a launcher that is killed takes its nodes along", async () => {
  const [lowest = 0] = await freePorts(1, LAB_PORTS);
  const launcher = start(mainOf("lab"), ["--port-offset", String(lowest - LOWEST_PORT)], {});
  outputOf(launcher).resume();
  const nodes = await vi.waitFor(
    () => {
      const pids = childrenOf(launcher);
      expect(pids).toHaveLength(3);
      return pids;
    },
    { timeout: 15_000, interval: 50 },
  );
  launcher.kill("SIGKILL");
  await vi.waitFor(() => expect(nodes.filter(isAlive)).toEqual([]), {
    timeout: 4_000,
    interval: 50,
  });
});

function childrenOf({ pid }: ChildProcess): readonly string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
}

function isAlive(pid: string): boolean {
  return existsSync(`/proc/${pid}`);
}
