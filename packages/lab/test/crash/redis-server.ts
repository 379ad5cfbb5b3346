// Debian's redis-server with an append-only file: stopped, killed, and started again from it.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import type { Clock } from "@ims-lab/common/platform/clock";
import { plainEnvironment } from "../interop/programs.ts";

export class RedisServer {
  readonly port: number;
  readonly #host: string;
  readonly #folder: string;
  readonly #clock: Clock;
  #child: ChildProcess | undefined;

  constructor(at: { readonly host: string; readonly port: number }, folder: string, clock: Clock) {
    this.port = at.port;
    this.#host = at.host;
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const durable = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];
    const place = ["--bind", this.#host, "--port", String(this.port), "--dir", this.#folder];
    const child = spawn("redis-server", [...place, ...durable], {
      stdio: "ignore",
      env: plainEnvironment(),
    });
    this.#child = child;
    let why = "";
    child.once("error", (problem) => {
      why = `redis-server (Debian: redis-server): ${problem.message}`;
    });
    for (let tries = 0; !this.#answers(); tries++) {
      if (why !== "" || tries > 200) throw new Error(why || "redis-server does not answer");
      await new Promise<void>((resolve) => void this.#clock.after(50, resolve));
    }
  }

  /** It is there, and says nothing, until `resume`. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  #answers(): boolean {
    try {
      const ping = ["-h", this.#host, "-p", String(this.port), "ping"];
      return execFileSync("redis-cli", ping, { encoding: "utf8", stdio: "pipe" }).trim() === "PONG";
    } catch {
      return false;
    }
  }
}
