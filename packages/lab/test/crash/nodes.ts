// The CSCFs as processes with durable stores, to be killed and started again.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page, RegistrationView } from "@ims-lab/common/admin-api/views";
import { type ChildNode, startChild } from "../../src/launcher/child-node.ts";
import { plainEnvironment } from "../interop/programs.ts";

/** `scscf2`: the other node of a cluster. */
export type KilledNode = "scscf" | "scscf2" | "pcscf";

export interface CrashPorts {
  readonly access: number;
  readonly core: number;
  readonly serving: number;
  readonly serving2: number;
  readonly pcscfHttp: number;
  readonly scscfHttp: number;
  readonly scscf2Http: number;
}

export interface CrashNodesOptions {
  /** For logs and databases. */
  readonly folder: string;
  readonly ports: CrashPorts;
  /** Port of the redis-server that both kinds of node keep their state in; undefined: each has a file. */
  readonly redis: number | undefined;
  readonly cluster: boolean;
}

export const HOST = "127.0.0.1";
const CLUSTER_NAME = "scscf.crash.example";

export class CrashNodes {
  readonly #options: CrashNodesOptions;
  readonly #running = new Map<KilledNode, ChildNode>();
  /** Events of the logs by node, until they are taken. */
  readonly #events = new Map<KilledNode, string[]>();

  constructor(options: CrashNodesOptions) {
    this.#options = options;
  }

  /** All that this lab has. */
  get names(): readonly KilledNode[] {
    return this.#options.cluster ? ["scscf", "scscf2", "pcscf"] : ["scscf", "pcscf"];
  }

  async start(node: KilledNode): Promise<void> {
    const program = node === "pcscf" ? "pcscf" : "scscf";
    const child = startChild({
      name: node,
      program: fileURLToPath(new URL(`../../../${program}/src/main.ts`, import.meta.url)),
      env: { ...plainEnvironment(), ...this.#environment(node) },
      onLine: (line) => this.#logged(node, line),
    });
    this.#running.set(node, child);
    await child.ready;
  }

  /** At once, in the middle of whatever it does. */
  async kill(node: KilledNode): Promise<void> {
    const child = this.#running.get(node);
    if (child?.pid === undefined) throw new Error(`${node} does not run`);
    this.#running.delete(node);
    process.kill(child.pid, "SIGKILL");
    await child.ended;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((child) => child.stop()));
  }

  /** Events that its log has got since the last time. */
  eventsOf(node: KilledNode): readonly string[] {
    const events = this.#events.get(node) ?? [];
    this.#events.delete(node);
    return events;
  }

  /** By IMPU, what the S-CSCFs that run have of it. */
  async atScscf(): Promise<ReadonlyMap<string, RegistrationView>> {
    const found = new Map<string, RegistrationView>();
    for (const at of this.#scscfs())
      for (const view of await allOf<RegistrationView>(at))
        if (view.bindings.length > 0) found.set(view.impu, view);
    return found;
  }

  /** IMPUs that the P-CSCF has a binding of. */
  async atPcscf(): Promise<ReadonlySet<string>> {
    const at = `http://${HOST}:${this.#options.ports.pcscfHttp}`;
    return new Set((await allOf<{ impu: string }>(at)).map(({ impu }) => impu));
  }

  /** Asks for a re-authentication; the answer of an S-CSCF that has just been killed is none. */
  async ask(impu: string): Promise<AskedReauthentication | undefined> {
    const path = `/registrations/${encodeURIComponent(impu)}/reauthenticate`;
    for (const at of this.#scscfs()) {
      try {
        const answer = await fetch(at + path, { method: "POST" });
        if (answer.status !== 201) continue;
        const { items } = (await answer.json()) as { items: readonly { id: string }[] };
        const [item] = items;
        return item && { impu, id: item.id };
      } catch {
        // It has been killed meanwhile.
      }
    }
    return undefined;
  }

  /** Undefined: it has ended, and the process that knew of its end as well. */
  async reauthentication(id: string): Promise<ReauthenticationState | undefined> {
    for (const at of this.#scscfs()) {
      const answer = await fetch(`${at}/reauthentications/${id}`);
      if (answer.status !== 404) return (await answer.json()) as ReauthenticationState;
    }
    return undefined;
  }

  #scscfs(): readonly string[] {
    const { scscfHttp, scscf2Http } = this.#options.ports;
    const ports = { scscf: scscfHttp, scscf2: scscf2Http };
    return (["scscf", "scscf2"] as const)
      .filter((node) => this.#running.has(node))
      .map((node) => `http://${HOST}:${ports[node]}`);
  }

  #logged(node: KilledNode, line: string): void {
    appendFileSync(join(this.#options.folder, `${node}.log`), `${line}\n`);
    const event = /"event":"([\w.-]+)"\}$/.exec(line)?.[1];
    if (event === undefined) return;
    const events = this.#events.get(node);
    if (events === undefined) this.#events.set(node, [event]);
    else events.push(event);
  }

  #storeOf(node: KilledNode): string {
    const { redis, folder } = this.#options;
    return redis === undefined
      ? `sqlite:${join(folder, `${node}.db`)}`
      : `redis://${HOST}:${redis}`;
  }

  #environment(node: KilledNode): Readonly<Record<string, string>> {
    const { ports, cluster } = this.#options;
    const { access, core, serving, serving2, pcscfHttp, scscfHttp, scscf2Http } = ports;
    if (node === "pcscf")
      return {
        PCSCF_STORE: this.#storeOf(node),
        PCSCF_ACCESS_HOST: HOST,
        PCSCF_ACCESS_PORT: String(access),
        PCSCF_CORE_HOST: HOST,
        PCSCF_CORE_PORT: String(core),
        PCSCF_HTTP_PORT: String(pcscfHttp),
        PCSCF_SCSCF: [serving, ...(cluster ? [serving2] : [])]
          .map((port) => `sip:${HOST}:${port}`)
          .join(","),
        PCSCF_LIMITS_MAX_WAIT_MS: "60000",
        ...(cluster && { PCSCF_CLUSTER_NAME: CLUSTER_NAME }),
      };
    return {
      SCSCF_STORE: this.#storeOf(node),
      SCSCF_SIP_HOST: HOST,
      SCSCF_SIP_PORT: String(node === "scscf" ? serving : serving2),
      SCSCF_HTTP_PORT: String(node === "scscf" ? scscfHttp : scscf2Http),
      SCSCF_TRUSTED_PEERS: `${HOST}:${core}`,
      SCSCF_LIMITS_MAX_WAIT_MS: "60000",
      // The devices refresh nothing, and a busy machine takes its time for all kills.
      SCSCF_SUBSCRIPTION_OPTIONAL_MAX_EXPIRES_SECONDS: "3600",
      SCSCF_REAUTHENTICATION_DEADLINE_SECONDS: "600",
      ...(cluster && { SCSCF_CLUSTER_NAME: CLUSTER_NAME }),
    };
  }
}

async function allOf<T>(node: string): Promise<readonly T[]> {
  const found: T[] = [];
  for (;;) {
    const answer = await fetch(`${node}/registrations?limit=1000&offset=${found.length}`);
    const { items, total } = (await answer.json()) as Page<T>;
    found.push(...items);
    if (items.length === 0 || found.length >= total) return found;
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
