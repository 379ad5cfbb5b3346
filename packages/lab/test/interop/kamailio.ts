// Kamailio as a process, with a configuration of interop/kamailio.

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startBackground } from "./background.ts";

const CONFIGS = fileURLToPath(new URL("../../../../interop/kamailio/", import.meta.url));

export interface Kamailio {
  /** All it has logged. */
  readonly output: string;
  stop(): Promise<void>;
}

/**
 * @param defines what `-A` gives to the configuration, such as `EDGE_PORT`
 * Its ports must be free: a second Kamailio on one port starts without a word (SO_REUSEADDR).
 */
export async function startKamailio(
  config: "edge" | "registrar" | "reader",
  defines: Readonly<Record<string, number>>,
): Promise<Kamailio> {
  const folder = mkdtempSync("/tmp/ims-lab-kamailio-");
  const definitions = Object.entries(defines).flatMap(([name, value]) => [
    "-A",
    `${name}=${value}`,
  ]);
  // In the foreground: the main process ends its children when it is ended.
  const args = ["-f", join(CONFIGS, `${config}.cfg`), "-DD", "-E", "-Y", folder, ...definitions];
  const program = startBackground("kamailio", args, { cwd: folder });
  const stop = async (): Promise<void> => {
    await program.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await program.says(/Listening on/);
  } catch (problem) {
    await stop();
    throw problem;
  }
  return {
    get output() {
      return program.output;
    },
    stop,
  };
}
