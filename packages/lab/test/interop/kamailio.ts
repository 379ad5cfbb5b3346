// Kamailio as a process, with a configuration of interop/kamailio.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startBackground } from "./background.ts";
import { run } from "./programs.ts";

const CONFIGS = fileURLToPath(new URL("../../../../interop/kamailio/", import.meta.url));

export interface Kamailio {
  /** Of the IMS P-CSCF: how many contacts it keeps. */
  records(): Promise<number>;
  /** All it has logged. */
  readonly output: string;
  stop(): Promise<void>;
}

/** Debian's empty tables: the IMS P-CSCF keeps its subscriptions in a copy of them. */
const TABLES = "/usr/share/kamailio/dbtext/kamailio";

/**
 * @param defines what `-A` gives to the configuration, such as `EDGE_PORT`
 * Its ports must be free: a second Kamailio on one port starts without a word (SO_REUSEADDR).
 */
export async function startKamailio(
  config: "edge" | "registrar" | "pcscf" | "reader",
  defines: Readonly<Record<string, number | string>>,
): Promise<Kamailio> {
  const folder = mkdtempSync("/tmp/ims-lab-kamailio-");
  const places = config === "pcscf" ? pcscfPlaces(folder) : {};
  const definitions = Object.entries({ ...defines, ...places }).flatMap(([name, value]) => [
    "-A",
    typeof value === "number" ? `${name}=${value}` : `${name}="${value}"`,
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
    records: async () => {
      const args = ["-s", `unix:${join(folder, "commands")}`, "ulpcscf.status"];
      const { stdout, stderr } = await run("kamcmd", args, { seconds: 5 });
      const [, count] = /Records: (\d+)/.exec(stdout) ?? [];
      if (count === undefined) throw new Error(`kamcmd: ${stdout}${stderr}`);
      return Number(count);
    },
    get output() {
      return program.output;
    },
    stop,
  };
}

function pcscfPlaces(folder: string): Record<string, string> {
  const tables = join(folder, "dbtext");
  cpSync(TABLES, tables, { recursive: true });
  return { TABLES: `text://${tables}`, COMMANDS: `unix:${join(folder, "commands")}` };
}
