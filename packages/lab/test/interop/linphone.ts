// linphone as a process, with the configuration of interop/linphone, and its commands over a socket.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";
import { startBackground } from "./background.ts";

const SHIPPED = fileURLToPath(new URL("../../../../interop/linphone/linphonerc", import.meta.url));
const PATIENCE = { timeout: 10_000, interval: 50 };

export interface Linphone {
  /** SIP as linphone logs it, and all else. */
  readonly log: string;
  /** A command and what it says to it; fails when it says no. */
  command(line: string): Promise<string>;
  /** Waits until its current call is in this state. */
  callIs(state: string): Promise<void>;
  /** Waits until its log has this. */
  logs(wanted: RegExp): Promise<void>;
  /** It de-registers when it ends. */
  stop(): Promise<void>;
}

export async function startLinphone(options: {
  /** Port of the first hop. */
  readonly proxy: number;
  readonly transport: "udp" | "tcp" | "tls";
  /** Seconds that it registers for. */
  readonly interval: number;
  /** False: as somebody without an outbound proxy has it, who puts the P-CSCF in as registrar alone. */
  readonly outboundProxy?: boolean;
}): Promise<Linphone> {
  const { proxy, transport, interval, outboundProxy = true } = options;
  const folder = mkdtempSync("/tmp/ims-lab-linphone-");
  // Its databases: it registers before it has made the folder.
  mkdirSync(join(folder, ".local/share/linphone"), { recursive: true });
  const config = readFileSync(SHIPPED, "utf8")
    .replaceAll("127.0.0.1:5060;transport=udp", `127.0.0.1:${proxy};transport=${transport}`)
    .replace("reg_expires=300", `reg_expires=${interval}`)
    .replace(/^reg_route=.*\n/m, outboundProxy ? "$&" : "");
  writeFileSync(join(folder, "linphonerc"), config);
  const logFile = join(folder, "log");
  const name = `${basename(folder)}-commands`;
  const program = startBackground(
    "linphone-daemon",
    ["--pipe", name, "--log", logFile, "--config", join(folder, "linphonerc"), "--auto-answer"],
    { cwd: folder, env: { HOME: folder } },
  );
  const log = (): string => readFileSync(logFile, "utf8");
  const end = async (): Promise<void> => {
    await program.stop("SIGKILL"); // it takes its time otherwise
    rmSync(folder, { recursive: true, force: true });
    rmSync(`/tmp/${name}`, { force: true });
  };
  const commands = await commandsOf(`/tmp/${name}`).catch(async (problem: unknown) => {
    await end();
    throw problem;
  });
  const command = commands.ask;
  let isOver = false;
  return {
    get log() {
      return log();
    },
    command,
    callIs: (state) =>
      vi.waitFor(
        async () => expect(await command("call-status")).toContain(`State: ${state}`),
        PATIENCE,
      ),
    logs: (wanted) => vi.waitFor(() => expect(log(), program.output).toMatch(wanted), PATIENCE),
    stop: async () => {
      if (isOver) return;
      isOver = true;
      // Ended by a signal it stays registered.
      await command("unregister ALL").catch(() => undefined);
      await vi.waitFor(() => expect(log()).toMatch(/LinphoneRegistrationCleared/), PATIENCE);
      commands.close();
      await end();
    },
  };
}

interface Commands {
  ask(line: string): Promise<string>;
  close(): void;
}

/** One connection for all: it takes one command at a time, and an answer ends with an empty line. */
async function commandsOf(path: string): Promise<Commands> {
  const socket = await vi.waitFor(() => connected(path), PATIENCE);
  let text = "";
  socket.on("error", () => undefined); // it ends: its tests say so
  socket.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  let last: Promise<unknown> = Promise.resolve();
  const send = async (line: string): Promise<string> => {
    text = "";
    socket.write(`${line}\n`);
    await vi.waitFor(() => expect(text, line).toMatch(/^Status: .*\n/), PATIENCE);
    if (!text.startsWith("Status: Ok")) throw new Error(`${line}: ${text}`);
    return text;
  };
  return {
    ask: (line) => {
      const answer = last.then(() => send(line));
      last = answer.catch(() => undefined);
      return answer;
    },
    close: () => socket.destroy(),
  };
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once("error", reject);
  });
}
