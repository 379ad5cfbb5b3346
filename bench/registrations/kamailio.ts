// Kamailio as relay and registrar, where it is installed: the peer the figures stand beside.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "../machine/child.ts";
import { whenBound } from "../machine/ports.ts";
import type { Bench, Server } from "./server.ts";

const PROGRAM = "/usr/sbin/kamailio";
const MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/";
const START_SECONDS = 10;

export function kamailioPorts({ portBase }: Bench): {
  readonly relay: number;
  readonly registrar: number;
} {
  return { relay: portBase + 5, registrar: portBase + 6 };
}

export function isKamailioInstalled(): boolean {
  return existsSync(PROGRAM) && existsSync(MODULES);
}

/** Debian's default allocators cost two to four times as much as tlsf and fm. */
const COMMON = ["-x", "tlsf", "-X", "fm", "-DD", "-E", "-m", "1024", "-M", "16"];

export async function startKamailio(bench: Bench): Promise<Server> {
  const ports = kamailioPorts(bench);
  const config = (name: string): string =>
    fileURLToPath(new URL(`../kamailio/${name}.cfg`, import.meta.url));
  const start = (name: string, defines: readonly string[]): ReturnType<typeof startChild> => {
    const folder = join(bench.folder, `kamailio-${name}`);
    mkdirSync(folder);
    const own = ["-f", config(name), "-P", join(folder, "pid"), "-Y", folder];
    const defined = defines.flatMap((each) => ["-A", each]);
    return startChild(PROGRAM, [...COMMON, ...own, ...defined], {
      output: join(bench.folder, `kamailio-${name}.log`),
    });
  };
  const registrar = start("registrar", [`PORT=${ports.registrar}`, "WITH_PATH"]);
  const relay = start("relay", [`PORT=${ports.relay}`, `NEXT="sip:127.0.0.1:${ports.registrar}"`]);
  for (const port of [ports.registrar, ports.relay])
    await whenBound(port, START_SECONDS, "Kamailio");
  return { name: "Kamailio", port: ports.relay, processes: [relay, registrar] };
}
