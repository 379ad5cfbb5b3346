// Other people's programs that these tests run: where they are, or what to install.
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Program → Debian package. */
const PACKAGES = {
  sipp: "sip-tester",
  tshark: "tshark",
  dumpcap: "wireshark-common",
  xmllint: "libxml2-utils",
  baresip: "baresip-core",
  "linphone-daemon": "linphone-cli",
  kamailio: "kamailio",
  kamcmd: "kamailio",
  openssl: "openssl",
  "redis-server": "redis-server",
} as const;

export type Program = keyof typeof PACKAGES;

/** Throws, naming all packages to install, when a program is not on the path: nothing is skipped. */
export function requirePrograms(programs: readonly Program[], path: string = searchPath()): void {
  const missing = programs.filter((program) => !isInstalled(program, path));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => PACKAGES[program]))].join(" ");
  throw new Error(
    `${missing.join(", ")} not found: install it with "apt-get install ${packages}" (Debian)`,
  );
}

function isInstalled(program: Program, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What programs started here get of this process's environment: no settings of nodes but that each starts anew. */
export function plainEnvironment(): Record<string, string> {
  const stores = { SCSCF_STORE: "memory", PCSCF_STORE: "memory" };
  return { PATH: searchPath(), HOME: "/tmp", LC_ALL: "C", ...stores };
}

function searchPath(): string {
  // biome-ignore lint/style/noProcessEnv: the place where this environment is read for the tests
  return process.env["PATH"] ?? "";
}

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, at most `seconds`; never rejects because of its exit code. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly seconds: number; readonly cwd?: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Finished> {
  const { seconds, cwd = ".", env = plainEnvironment() } = options;
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { cwd, env, timeout: seconds * 1000, killSignal: "SIGKILL", maxBuffer: 256 * 2 ** 20 },
      (error, stdout, stderr) => {
        if (error === null) resolve({ exitCode: 0, stdout, stderr });
        else if (typeof error.code === "number") resolve({ exitCode: error.code, stdout, stderr });
        else reject(new Error(`${program} ${args.join(" ")}: ${error.message}\n${stderr}`));
      },
    );
  });
}
