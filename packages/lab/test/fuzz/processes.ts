// The nodes that are fuzzed, as processes on ports of their own; their health and memory.
import { readFileSync } from "node:fs";
import { systemClock } from "@ims-lab/common/platform/clock";
import { shippedAccounts } from "../../src/launcher/accounts.ts";
import { type ChildNode, startChild } from "../../src/launcher/child-node.ts";

export const HOST = "127.0.0.1";
/** Far from the lab's own ports. */
const PORTS = {
  access: 35_060,
  core: 34_060,
  serving: 36_060,
  ue: 39_063,
  pcscfHttp: 39_061,
  scscfHttp: 39_062,
};

export interface FuzzedNodes {
  /** Where SIP is thrown at: P-CSCF access and core, S-CSCF. */
  readonly sip: readonly { readonly name: string; readonly port: number }[];
  readonly http: readonly { readonly name: string; readonly port: number }[];
  /** Rejects with the node's name and code when one ends. */
  readonly died: Promise<never>;
  /** Resident octets of P-CSCF and S-CSCF. */
  memory(): number;
  /** Throws, saying what is wrong, when a node is not healthy or the known user cannot register. */
  check(): Promise<void>;
  stop(): Promise<void>;
}

export async function startNodes(): Promise<FuzzedNodes> {
  const nodes: ChildNode[] = [];
  const start = async (
    name: "scscf" | "pcscf" | "ue",
    env: Record<string, string>,
  ): Promise<void> => {
    const program = new URL(`../../../${name}/src/main.ts`, import.meta.url).pathname;
    const node = startChild({
      name,
      program,
      // biome-ignore lint/style/noProcessEnv: the program's own environment ends here
      env: { PATH: process.env["PATH"], ...env, [`${name.toUpperCase()}_LOG_LEVEL`]: "error" },
      onLine: (line) => process.stderr.write(`${name}: ${line}\n`),
    });
    nodes.push(node);
    await node.ready;
  };
  await start("scscf", {
    SCSCF_SIP_PORT: String(PORTS.serving),
    SCSCF_HTTP_PORT: String(PORTS.scscfHttp),
    SCSCF_TRUSTED_PEERS: `${HOST}:${PORTS.core}`,
  });
  await start("pcscf", {
    PCSCF_ACCESS_HOST: HOST,
    PCSCF_ACCESS_PORT: String(PORTS.access),
    PCSCF_CORE_PORT: String(PORTS.core),
    PCSCF_HTTP_PORT: String(PORTS.pcscfHttp),
    PCSCF_SCSCF: `sip:${HOST}:${PORTS.serving}`,
  });
  const { impi, impu, password } = shippedAccounts().softphone;
  await start("ue", {
    UE_PCSCF: `sip:${HOST}:${PORTS.access}`,
    UE_HTTP_PORT: String(PORTS.ue),
    UE_USER_IMPI: impi,
    UE_USER_IMPU: impu,
    UE_USER_PASSWORD: password,
  });
  const [scscf, pcscf] = nodes;
  const died = Promise.race(
    nodes.map(async ({ name, ended }): Promise<never> => {
      throw new Error(`${name} ended with code ${await ended}`);
    }),
  );
  died.catch(() => undefined); // heard where it is raced
  return {
    sip: [
      { name: "P-CSCF access", port: PORTS.access },
      { name: "P-CSCF core", port: PORTS.core },
      { name: "S-CSCF", port: PORTS.serving },
    ],
    http: [
      { name: "S-CSCF", port: PORTS.scscfHttp },
      { name: "P-CSCF", port: PORTS.pcscfHttp },
    ],
    died,
    memory: () => residentOctets(scscf?.pid) + residentOctets(pcscf?.pid),
    check,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

function residentOctets(pid: number | undefined): number {
  const pages = readFileSync(`/proc/${pid ?? "self"}/statm`, "utf8").split(" ")[1];
  return Number(pages) * 4096;
}

const clock = systemClock();

async function check(): Promise<void> {
  for (const port of [PORTS.scscfHttp, PORTS.pcscfHttp]) {
    const { ok, status } = await fetch(`http://${HOST}:${port}/healthz`);
    if (!ok) throw new Error(`/healthz on port ${port} answered ${status}`);
  }
  const before = await registeredAt();
  await fetch(`http://${HOST}:${PORTS.ue}/register`, { method: "POST" });
  for (let tries = 0; tries < 100; tries++) {
    if ((await registeredAt()) > before) return;
    await new Promise<void>((resolve) => clock.after(50, resolve));
  }
  throw new Error("a known user could not register within five seconds");
}

/** When the S-CSCF last accepted a REGISTER of the known user, 0 when it is not registered. */
async function registeredAt(): Promise<number> {
  const impu = encodeURIComponent(shippedAccounts().softphone.impu);
  const answer = await fetch(`http://${HOST}:${PORTS.scscfHttp}/registrations/${impu}`);
  if (!answer.ok) return 0;
  const { bindings } = (await answer.json()) as {
    bindings: { cseq: number; registeredAt: number }[];
  };
  return Math.max(0, ...bindings.map(({ cseq, registeredAt: at }) => at + cseq));
}
