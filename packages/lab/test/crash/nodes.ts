// Both CSCFs as processes with SQLite stores, to be killed and started again.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page, RegistrationView } from "@ims-lab/common/admin-api/views";
import { type ChildNode, startChild } from "../../src/launcher/child-node.ts";
import { plainEnvironment } from "../interop/programs.ts";

export type KilledNode = "scscf" | "pcscf";

export interface CrashPorts {
  readonly access: number;
  readonly core: number;
  readonly serving: number;
  readonly pcscfHttp: number;
  readonly scscfHttp: number;
}

export const HOST = "127.0.0.1";

export class CrashNodes {
  readonly #folder: string;
  readonly #ports: CrashPorts;
  readonly #running = new Map<KilledNode, ChildNode>();

  constructor(folder: string, ports: CrashPorts) {
    this.#folder = folder;
    this.#ports = ports;
  }

  async start(node: KilledNode): Promise<void> {
    const child = startChild({
      name: node,
      program: fileURLToPath(new URL(`../../../${node}/src/main.ts`, import.meta.url)),
      env: { ...plainEnvironment(), ...this.#environment(node) },
      onLine: (line) => appendFileSync(join(this.#folder, `${node}.log`), `${line}\n`),
    });
    this.#running.set(node, child);
    await child.ready;
  }

  /** At once, in the middle of whatever it does. */
  async kill(node: KilledNode): Promise<void> {
    const child = this.#running.get(node);
    if (child?.pid === undefined) throw new Error(`${node} does not run`);
    process.kill(child.pid, "SIGKILL");
    await child.ended;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((child) => child.stop()));
  }

  async registration(impu: string): Promise<RegistrationView | undefined> {
    const answer = await fetch(`${this.#scscf()}/registrations/${encodeURIComponent(impu)}`);
    if (answer.status === 404) return undefined;
    return (await answer.json()) as RegistrationView;
  }

  /** IMPUs that the P-CSCF has a binding of. */
  async atPcscf(): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (let offset = 0; ; ) {
      const at = `http://${HOST}:${this.#ports.pcscfHttp}/registrations?limit=1000&offset=${offset}`;
      const { items, total } = (await (await fetch(at)).json()) as Page<{ impu: string }>;
      for (const { impu } of items) found.add(impu);
      offset += items.length;
      if (items.length === 0 || offset >= total) return found;
    }
  }

  /** Asks for a re-authentication; the answer of an S-CSCF that has just been killed is none. */
  async ask(impu: string): Promise<AskedReauthentication | undefined> {
    const path = `/registrations/${encodeURIComponent(impu)}/reauthenticate`;
    try {
      const answer = await fetch(this.#scscf() + path, { method: "POST" });
      if (answer.status !== 201) return undefined;
      const { items } = (await answer.json()) as { items: readonly { id: string }[] };
      const [item] = items;
      return item && { impu, id: item.id };
    } catch {
      return undefined;
    }
  }

  /** Undefined: it has ended, and the process that knew of its end as well. */
  async reauthentication(id: string): Promise<ReauthenticationState | undefined> {
    const answer = await fetch(`${this.#scscf()}/reauthentications/${id}`);
    return answer.status === 404 ? undefined : ((await answer.json()) as ReauthenticationState);
  }

  #scscf(): string {
    return `http://${HOST}:${this.#ports.scscfHttp}`;
  }

  #environment(node: KilledNode): Readonly<Record<string, string>> {
    const { access, core, serving, pcscfHttp, scscfHttp } = this.#ports;
    const file = `sqlite:${join(this.#folder, `${node}.db`)}`;
    if (node === "scscf")
      return {
        SCSCF_STORE: file,
        SCSCF_SIP_HOST: HOST,
        SCSCF_SIP_PORT: String(serving),
        SCSCF_HTTP_PORT: String(scscfHttp),
        SCSCF_TRUSTED_PEERS: `${HOST}:${core}`,
        SCSCF_LIMITS_MAX_WAIT_MS: "60000",
        // The devices refresh nothing, and a busy machine takes its time for all kills.
        SCSCF_SUBSCRIPTION_OPTIONAL_MAX_EXPIRES_SECONDS: "3600",
        SCSCF_REAUTHENTICATION_DEADLINE_SECONDS: "600",
      };
    return {
      PCSCF_STORE: file,
      PCSCF_ACCESS_HOST: HOST,
      PCSCF_ACCESS_PORT: String(access),
      PCSCF_CORE_HOST: HOST,
      PCSCF_CORE_PORT: String(core),
      PCSCF_HTTP_PORT: String(pcscfHttp),
      PCSCF_SCSCF: `sip:${HOST}:${serving}`,
      PCSCF_LIMITS_MAX_WAIT_MS: "60000",
    };
  }
}

export interface AskedReauthentication {
  readonly impu: string;
  readonly id: string;
}

/** What the test reads of `GET /reauthentications/{id}`. */
export interface ReauthenticationState {
  readonly progress: string;
  readonly end: string | null;
  readonly deadlineAt: number | null;
}
