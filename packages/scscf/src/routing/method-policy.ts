// Authentication before a chargeable request: the rule `onMethods`.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Binding } from "../registration/binding.ts";
import type { Reauthentications } from "../registration/reauthentications.ts";

export interface MethodPolicySettings {
  readonly onMethods: readonly string[];
  /** What becomes of the request that fires the rule. */
  readonly outcome: "proceed" | "hold" | "reject";
}

export type PolicyVerdict =
  | { readonly kind: "proceed" }
  | { readonly kind: "reject" }
  /** Resolves with whether the caller has authenticated again in time. */
  | { readonly kind: "hold"; readonly authenticated: Promise<boolean> };

/** TS 24.229 §7.7.1: the caller's proxies wait three minutes at least; a held INVITE less. */
const LONGEST_HOLD_MS = 150_000;
const CAUSE = "policy:onMethods";

export class MethodPolicy {
  readonly #settings: MethodPolicySettings;
  readonly #clock: Clock;
  readonly #reauthentications: Reauthentications;
  readonly #deadlineMs: number;

  constructor(options: {
    readonly settings: MethodPolicySettings;
    readonly clock: Clock;
    readonly reauthentications: Reauthentications;
    /** N, milliseconds. */
    readonly deadlineMs: number;
  }) {
    this.#settings = options.settings;
    this.#clock = options.clock;
    this.#reauthentications = options.reauthentications;
    this.#deadlineMs = options.deadlineMs;
  }

  /** Whether it says anything of these requests. */
  concerns(method: string): boolean {
    return this.#settings.onMethods.includes(method);
  }

  /** Whether it says anything at all. */
  get isEmpty(): boolean {
    return this.#settings.onMethods.length === 0;
  }

  /** For a request out of a dialog, sent by the device that holds `binding`. */
  judge(method: string, binding: Binding): PolicyVerdict {
    const { outcome } = this.#settings;
    if (!this.concerns(method)) return { kind: "proceed" };
    // Who was rejected and has authenticated since may call; else nobody ever could.
    if (outcome === "reject" && this.#isFresh(binding)) return { kind: "proceed" };
    const [asked] = this.#reauthentications.ask([binding], CAUSE);
    if (outcome === "reject") return { kind: "reject" };
    if (outcome === "proceed" || method !== "INVITE" || asked === undefined)
      return { kind: "proceed" };
    return { kind: "hold", authenticated: this.#wait(asked.id) };
  }

  /** Authenticated again, by whatever asking, no longer than N ago; the first time does not count. */
  #isFresh({ authenticatedAt, registeredAt, reauthentication }: Binding): boolean {
    if (reauthentication !== undefined || authenticatedAt <= registeredAt) return false;
    return this.#clock.now() - authenticatedAt <= this.#deadlineMs;
  }

  async #wait(id: string): Promise<boolean> {
    await this.#reauthentications.wait([id], Math.min(this.#deadlineMs, LONGEST_HOLD_MS));
    const outcome = this.#reauthentications.get(id);
    return outcome?.progress === "ended" && outcome.end === "reauthenticated";
  }
}
