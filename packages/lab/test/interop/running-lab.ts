// S-CSCF and P-CSCF as processes on free ports, with their logs and admin interfaces.
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type {
  AccessBindingView,
  Page,
  ReauthenticateAnswer,
  RegistrationView,
} from "@ims-lab/common/admin-api/views";
import { expect, vi } from "vitest";
import type { Account } from "../../src/launcher/accounts.ts";
import { type ChildNode, startChild } from "../../src/launcher/child-node.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { plainEnvironment } from "./programs.ts";
import { shippedAccounts } from "./shipped-accounts.ts";

type Environment = Readonly<Record<string, string>>;
export type LogEvent = Readonly<Record<string, unknown>>;

interface LabPorts {
  readonly access: number;
  readonly core: number;
  readonly serving: number;
  readonly pcscfHttp: number;
  readonly scscfHttp: number;
}

export interface RunningLab {
  readonly ports: LabPorts;
  /** Every event of both nodes' logs until now. */
  readonly events: readonly LogEvent[];
  /** What the nodes wrote to standard error. */
  readonly complaints: readonly string[];
  /** Resolves when both processes are gone. */
  stop(): Promise<void>;
}

export function mainOf(node: "scscf" | "pcscf" | "ue" | "lab"): string {
  return fileURLToPath(new URL(`../../../${node}/src/main.ts`, import.meta.url));
}

/** No work is turned away while other processes keep this one waiting: these are no tests of overload. */
const TAKES_ALL = { LIMITS_MAX_WAIT_MS: "60000" };

/** Settings beside ports and addresses, as environment names; without them the node is not started. */
export async function startLab(settings: {
  readonly scscf?: Environment;
  readonly pcscf?: Environment;
}): Promise<RunningLab> {
  const [access = 0, core = 0, serving = 0, pcscfHttp = 0, scscfHttp = 0] = await freePorts(5);
  const events: LogEvent[] = [];
  const complaints: string[] = [];
  const start = (name: "scscf" | "pcscf", env: Environment): ChildNode =>
    startChild({
      name,
      program: mainOf(name),
      env: { ...plainEnvironment(), ...prefixed(name), ...env, ...settings[name] },
      onLine: (line, stream) => {
        if (stream === "log") events.push(JSON.parse(line) as LogEvent);
        else complaints.push(`${name}: ${line}`);
      },
    });
  const addresses = {
    scscf: {
      SCSCF_SIP_HOST: LOOPBACK,
      SCSCF_SIP_PORT: String(serving),
      SCSCF_HTTP_PORT: String(scscfHttp),
      SCSCF_TRUSTED_PEERS: `${LOOPBACK}:${core}`,
    },
    pcscf: {
      PCSCF_ACCESS_HOST: LOOPBACK,
      PCSCF_ACCESS_PORT: String(access),
      PCSCF_CORE_HOST: LOOPBACK,
      PCSCF_CORE_PORT: String(core),
      PCSCF_HTTP_PORT: String(pcscfHttp),
      PCSCF_SCSCF: `sip:${LOOPBACK}:${serving}`,
    },
  };
  const nodes = (["scscf", "pcscf"] as const)
    .filter((name) => settings[name] !== undefined)
    .map((name) => start(name, addresses[name]));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    await Promise.all(nodes.map(({ ready }) => ready));
  } catch (problem) {
    await stop();
    throw problem;
  }
  return {
    ports: { access, core, serving, pcscfHttp, scscfHttp },
    events,
    complaints,
    stop,
  };
}

function prefixed(name: string): Environment {
  const entries = Object.entries(TAKES_ALL);
  return Object.fromEntries(entries.map(([key, value]) => [`${name.toUpperCase()}_${key}`, value]));
}

export interface RunningUe {
  readonly impu: string;
  state(): Promise<UeState>;
  /** `call`, `hangup`, `hold`…; fails when the UE refuses. */
  command(name: string, body?: object): Promise<void>;
  stop(): Promise<void>;
}

/** What these tests read of `GET /state`. */
export interface UeState {
  readonly registration: { readonly state: string };
  readonly subscription: { readonly state: string } | null;
  readonly calls: readonly {
    readonly direction: string;
    readonly peer: string;
    readonly state: string;
    readonly why: string | null;
    readonly packets: number;
  }[];
  readonly messages: readonly { readonly direction: string; readonly text: string }[];
}

/** A user's UEs are one device that is switched off and on, not many. */
function instanceOf(impi: string): string {
  const hex = createHash("sha256").update(impi).digest("hex");
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The project's own UE, registered by `pcscf`, and subscribed unless told not to. */
export async function startUe(options: {
  /** Port of the first hop. */
  readonly pcscf: number;
  /** Instead of the SIM; then it does not subscribe. */
  readonly password?: string;
  /** Instead of the AKA user. */
  readonly account?: Account;
  /** Seconds that it registers for. */
  readonly expires?: number;
  /** UDP unless named. */
  readonly transport?: "tcp" | "tls" | "wss";
  /** `core` unless named. */
  readonly stack?: "npm-sip";
  /** Whose certificates it believes. */
  readonly ca?: string;
}): Promise<RunningUe> {
  const [http = 0] = await freePorts(1);
  const { k, op } = shippedAccounts().aka;
  const { impi, impu } = options.account ?? shippedAccounts().aka;
  const { transport, stack, ca, expires } = options;
  const scheme = transport === "tls" || transport === "wss" ? "sips" : "sip";
  const credentials: Environment =
    options.password === undefined
      ? { UE_USER_K: k, UE_USER_OP: op }
      : { UE_USER_PASSWORD: options.password, UE_SUBSCRIPTION_EVENT: "none" };
  const said: string[] = [];
  const node = startChild({
    name: "ue",
    program: mainOf("ue"),
    env: {
      ...plainEnvironment(),
      UE_PCSCF: `${scheme}:${LOOPBACK}:${options.pcscf}`,
      UE_TRANSPORT: transport,
      UE_REGISTRATION_EXPIRES_SECONDS: expires === undefined ? undefined : String(expires),
      UE_STACK: stack,
      UE_TLS_CA: ca,
      UE_SIP_HOST: LOOPBACK,
      UE_HTTP_PORT: String(http),
      UE_USER_IMPI: impi,
      UE_USER_IMPU: impu,
      UE_USER_INSTANCE: instanceOf(impi),
      ...credentials,
    },
    onLine: (line) => said.push(line),
  });
  const at = `http://${LOOPBACK}:${http}`;
  const state = async (): Promise<UeState> => {
    const { items } = (await (await fetch(`${at}/state`)).json()) as Page<UeState>;
    const [first] = items;
    if (first === undefined) throw new Error("no UE");
    return first;
  };
  try {
    await node.ready;
    await vi.waitFor(
      async () => {
        const { registration, subscription } = await state();
        expect(registration.state, said.join("\n")).toBe("registered");
        if (options.password === undefined) expect(subscription?.state).toBe("active");
      },
      { timeout: 10_000, interval: 50 },
    );
  } catch (problem) {
    await node.stop();
    throw problem;
  }
  return {
    impu,
    state,
    command: async (name, body = {}) => {
      const headers = { "content-type": "application/json" };
      const request = { method: "POST", headers, body: JSON.stringify(body) };
      const answer = await fetch(`${at}/${name}`, request);
      if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    },
    stop: () => node.stop(),
  };
}

/** The admin interfaces, as far as these tests need them. */
export class LabAdmin {
  readonly #scscf: string;
  readonly #pcscf: string;

  constructor({ ports }: RunningLab) {
    this.#scscf = `http://${LOOPBACK}:${ports.scscfHttp}`;
    this.#pcscf = `http://${LOOPBACK}:${ports.pcscfHttp}`;
  }

  /** Undefined when the S-CSCF says 404, or knows the user as not registered. */
  async registration(impu: string): Promise<RegistrationView | undefined> {
    const answer = await fetch(`${this.#scscf}/registrations/${encodeURIComponent(impu)}`);
    if (answer.status === 404) return undefined;
    const view = (await answer.json()) as RegistrationView;
    return view.state === "registered" ? view : undefined;
  }

  /** How many registrations the S-CSCF has. */
  async registered(): Promise<number> {
    const page = (await (await fetch(`${this.#scscf}/registrations`)).json()) as Page<unknown>;
    return page.total;
  }

  /** What the P-CSCF keeps of this user. */
  async accessBindings(impu: string): Promise<readonly AccessBindingView[]> {
    const answer = await fetch(`${this.#pcscf}/registrations?limit=1000`);
    const { items } = (await answer.json()) as Page<AccessBindingView>;
    return items.filter((item) => item.impu === impu);
  }

  /** Asks the S-CSCF and waits at most `seconds` for the end. */
  async reauthenticate(
    impu: string,
    seconds: number,
  ): Promise<{ status: number; answer: ReauthenticateAnswer }> {
    const path = `/registrations/${encodeURIComponent(impu)}/reauthenticate?wait=${seconds}`;
    const answer = await fetch(this.#scscf + path, { method: "POST" });
    return { status: answer.status, answer: (await answer.json()) as ReauthenticateAnswer };
  }

  /** De-registration by the network. */
  async deregister(impu: string, cause: "expired" | "deactivated" | "rejected"): Promise<void> {
    const path = `/registrations/${encodeURIComponent(impu)}?cause=${cause}`;
    const answer = await fetch(this.#scscf + path, { method: "DELETE" });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  }

  /** Waits until the user's own subscription is there, then asks for its re-authentication. */
  async reauthenticateOnceSubscribed(impu: string, seconds: number): Promise<string[]> {
    await vi.waitFor(
      async () => {
        const [binding] = (await this.registration(impu))?.bindings ?? [];
        expect(binding?.subscription, `${impu} has no subscription`).toBeTruthy();
      },
      { timeout: 10_000, interval: 20 },
    );
    const { answer } = await this.reauthenticate(impu, seconds);
    return answer.items.map(({ end, progress }) => end ?? `still ${progress}`);
  }

  /** Waits until neither node knows the user. */
  async untilGone(impu: string, milliseconds: number): Promise<void> {
    await vi.waitFor(
      async () => {
        expect(await this.registration(impu), "registered at the S-CSCF").toBeUndefined();
        expect(await this.accessBindings(impu), "kept by the P-CSCF").toEqual([]);
      },
      { timeout: milliseconds, interval: 50 },
    );
  }
}
