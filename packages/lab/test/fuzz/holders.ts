// Looks at both CSCFs again and again: no binding may change its IMPI or its flow without authentication.
import type { AccessBindingView, Page, RegistrationView } from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import { parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { isSip } from "@ims-lab/common/sip/message/uri";
import type { Faults } from "./faults.ts";
import { HTTP } from "./live-nodes.ts";
import { ask, HOST } from "./processes.ts";

const LOOK_EVERY_MS = 500;

interface Held {
  readonly flow: string;
  readonly authenticatedAt: number | null;
}

export class HolderWatch {
  readonly #clock: Clock;
  readonly #faults: Faults;
  /** The P-CSCF's bindings by IMPI and Contact, as they were last. */
  #held = new Map<string, Held>();
  readonly #looking: Promise<void>;
  #isOver = false;

  constructor(clock: Clock, faults: Faults) {
    this.#clock = clock;
    this.#faults = faults;
    this.#looking = this.#look();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      try {
        this.#compareAtPcscf(await list<AccessBindingView>(HTTP.pcscf));
        this.#comparePaths(await list<RegistrationView>(HTTP.scscf));
      } catch {
        // A node that does not answer now is the health check's business.
      }
      await new Promise<void>((resolve) => this.#clock.after(LOOK_EVERY_MS, resolve));
    }
  }

  #compareAtPcscf(bindings: readonly AccessBindingView[]): void {
    const held = new Map<string, Held>();
    const keys = bindings.map(({ impi, contact }) => `${impi} ${contact}`);
    for (const [at, { flow, authenticatedAt }] of bindings.entries()) {
      const key = keys[at] ?? "";
      // Damage makes several devices of one Contact: which is which does not show.
      if (keys.indexOf(key) !== keys.lastIndexOf(key)) continue;
      const before = this.#held.get(key);
      held.set(key, { flow, authenticatedAt });
      if (before === undefined || before.flow === flow) continue;
      if ((authenticatedAt ?? 0) <= (before.authenticatedAt ?? 0))
        this.#faults.found(`P-CSCF: ${key} went from ${before.flow} to ${flow} unauthenticated`);
    }
    this.#held = held;
  }

  #comparePaths(registrations: readonly RegistrationView[]): void {
    const holders = new Map<string, string>();
    for (const { impi, bindings } of registrations) {
      for (const { path } of bindings) {
        const user = userOf(path[0] ?? "");
        if (user === undefined) continue;
        const other = holders.get(user);
        if (other !== undefined && other !== impi)
          this.#faults.found(`S-CSCF: Path ${user} leads to ${other} and to ${impi}`);
        holders.set(user, impi);
      }
    }
  }
}

function userOf(path: string): string | undefined {
  const uri = parseNameAddr(path)?.uri;
  return isSip(uri) ? uri.user : undefined;
}

async function list<T>(port: number): Promise<readonly T[]> {
  const answer = await ask(`http://${HOST}:${port}/registrations?limit=1000`);
  return ((await answer.json()) as Page<T>).items;
}
