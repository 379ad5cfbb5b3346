// baresip as a process, with the configuration of interop/baresip, and its commands over TCP.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";
import { startBackground } from "./background.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";

const SHIPPED = fileURLToPath(new URL("../../../../interop/baresip/", import.meta.url));

type BaresipEvent = Readonly<Record<string, unknown>>;

export interface Baresip {
  readonly port: number;
  /** Every event it has told until now. */
  readonly events: readonly BaresipEvent[];
  /** SIP as baresip prints it, and all else it said. */
  readonly output: string;
  command(name: string, params?: string): void;
  /** Waits for the 200 to its first REGISTER. */
  registered(): Promise<void>;
  /** Waits for an event of this type, beyond the first `after` ones. */
  told(
    type: string,
    options?: { readonly seconds?: number; readonly after?: number },
  ): Promise<void>;
  /** It de-registers when it ends. */
  stop(): Promise<void>;
}

export async function startBaresip(options: {
  /** Port of the first hop. */
  readonly proxy: number;
  readonly transport?: "udp" | "tcp";
  /** Instead of the lab's. */
  readonly password?: string;
  /** Seconds between its REGISTERs, about. */
  readonly interval?: number;
}): Promise<Baresip> {
  const { transport = "udp", interval = 60, password } = options;
  const [port = 0, control = 0] = await freePorts(2);
  const folder = mkdtempSync("/tmp/ims-lab-baresip-");
  const shipped = (file: string): string => readFileSync(join(SHIPPED, file), "utf8");
  const config = shipped("config").replace(":5091", `:${port}`).replace(":4444", `:${control}`);
  writeFileSync(join(folder, "config"), config);
  const accounts = shipped("accounts")
    .replace(":5060", `:${options.proxy}`)
    .replaceAll("transport=udp", `transport=${transport}`)
    .replace("regint=60", `regint=${interval}`)
    .replace(/auth_pass=[^;]*/, password === undefined ? "$&" : `auth_pass=${password}`);
  writeFileSync(join(folder, "accounts"), accounts);
  writeFileSync(join(folder, "contacts"), "");
  for (const sound of ["ring", "ringback"])
    copyFileSync(`/usr/share/baresip/${sound}.wav`, join(folder, `${sound}.wav`));
  const program = startBackground("baresip", ["-f", folder, "-s"], { cwd: folder });
  const end = async (): Promise<void> => {
    await program.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await program.says("baresip is ready");
    const line = await controlOf(control);
    return {
      port,
      events: line.events,
      get output() {
        return program.output;
      },
      command: line.command,
      // No event tells of it when it came before the connection for events.
      registered: () => program.says(/ 200 OK \(.*\) \[\d+ binding/),
      told: (type, { seconds = 10, after = 0 } = {}) =>
        vi.waitFor(
          () => {
            const found = line.events.filter((event) => event["type"] === type);
            expect(found.length, `${type}: ${program.output}`).toBeGreaterThan(after);
          },
          { timeout: seconds * 1000, interval: 20 },
        ),
      stop: async () => {
        line.close();
        await end();
      },
    };
  } catch (problem) {
    await end();
    throw problem;
  }
}

interface Control {
  readonly events: readonly BaresipEvent[];
  command(name: string, params?: string): void;
  close(): void;
}

/** ctrl_tcp: JSON in netstrings (`12:{"event":…},`), both ways. */
async function controlOf(port: number): Promise<Control> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const connection = connect(port, LOOPBACK, () => resolve(connection));
    connection.once("error", reject);
  });
  const events: BaresipEvent[] = [];
  let rest = Buffer.alloc(0);
  socket.on("error", () => undefined); // baresip ends: its tests say so
  socket.on("data", (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const colon = rest.indexOf(":");
      const length = Number(rest.toString("latin1", 0, Math.max(colon, 0)));
      if (colon < 0 || rest.length < colon + length + 2) return;
      const text = rest.toString("utf8", colon + 1, colon + 1 + length);
      rest = rest.subarray(colon + length + 2);
      events.push(JSON.parse(text) as BaresipEvent);
    }
  });
  const command = (name: string, params = ""): void => {
    const text = JSON.stringify({ command: name, params });
    socket.write(`${Buffer.byteLength(text)}:${text},`);
  };
  return { events, command, close: () => socket.destroy() };
}
