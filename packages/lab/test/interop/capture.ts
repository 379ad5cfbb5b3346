// A capture of all SIP on the loopback interface, by Wireshark's dumpcap.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { plainEnvironment } from "./programs.ts";

export interface Capture {
  /** pcapng. */
  readonly file: string;
  /** A port on which only `mark` sends. */
  readonly markPort: number;
  /** Sends a datagram to the mark port and waits until it, and so all before it, is in the file. */
  mark(payload: string): Promise<void>;
  /** Ends dumpcap; the file stays until `remove`. */
  stop(): Promise<void>;
  remove(): void;
}

/** Resolves when packets are really being written. */
export async function startCapture(ports: readonly number[]): Promise<Capture> {
  const [markPort = 0] = await freePorts(1);
  const folder = mkdtempSync("/tmp/ims-lab-capture-");
  const file = join(folder, "lo.pcapng");
  const filter = [...ports, markPort].map((port) => `port ${port}`).join(" or ");
  const dumpcap = spawn("dumpcap", ["-q", "-i", "lo", "-B", "64", "-f", filter, "-w", file], {
    env: plainEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  dumpcap.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => {
    dumpcap.once("error", () => resolve());
    dumpcap.once("close", () => resolve());
  });
  const isWritten = (payload: string): void => {
    expect(dumpcap.exitCode, `dumpcap ended, it needs the right to capture: ${said}`).toBeNull();
    expect(readFileSync(file).includes(payload), `${payload} not captured: ${said}`).toBe(true);
  };
  const mark = async (payload: string): Promise<void> => {
    await send(payload, markPort);
    await vi.waitFor(() => isWritten(payload), { timeout: 10_000, interval: 50 });
  };
  const stop = async (): Promise<void> => {
    dumpcap.kill("SIGINT");
    await ended;
  };
  const remove = (): void => rmSync(folder, { recursive: true });
  try {
    // What is sent before dumpcap listens is lost: send until one gets through.
    await vi.waitFor(
      async () => {
        await send("first mark", markPort);
        isWritten("first mark");
      },
      { timeout: 15_000, interval: 100 },
    );
  } catch (problem) {
    await stop();
    remove();
    throw problem;
  }
  return { file, markPort, mark, stop, remove };
}

function send(payload: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.send(payload, port, LOOPBACK, (error) => {
      socket.close();
      if (error === null) resolve();
      else reject(error);
    });
  });
}
