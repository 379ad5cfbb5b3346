// Authentication because of a chargeable request: what becomes of the request that fires the policy. TS 24.229 §5.4.1.6.
import type { AuthenticationPolicy } from "@ims-lab/common/ims/authentication-policy";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Binding } from "../registration/binding.ts";
import type { Reauthentications } from "../registration/reauthentications.ts";

/** What becomes of the request that fires the policy. */
export type RequestOutcome = "proceed" | "hold" | "reject";

export type PolicyVerdict =
  | { readonly kind: "proceed" }
  | { readonly kind: "reject" }
  /** Resolves with whether the caller has authenticated again in time. */
  | { readonly kind: "hold"; readonly authenticated: Promise<boolean> };

/** TS 24.229 §7.7.1: the caller's proxies wait three minutes at least; a held INVITE less. */
const LONGEST_HOLD_MS = 150_000;
const CAUSE = "policy:onMethods";

export class RequestPolicy {
  readonly #policy: AuthenticationPolicy;
  readonly #outcome: RequestOutcome;
  readonly #clock: Clock;
  readonly #reauthentications: Reauthentications;
  readonly #deadlineMs: number;

  constructor(options: {
    readonly policy: AuthenticationPolicy;
    readonly outcome: RequestOutcome;
    readonly clock: Clock;
    readonly reauthentications: Reauthentications;
    /** N, milliseconds. */
    readonly deadlineMs: number;
  }) {
    this.#policy = options.policy;
    this.#outcome = options.outcome;
    this.#clock = options.clock;
    this.#reauthentications = options.reauthentications;
    this.#deadlineMs = options.deadlineMs;
  }

  /** Whether it says anything of these requests. */
  concerns(method: string): boolean {
    return this.#policy.fires({ kind: "request", method }) !== undefined;
  }

  /** Whether it says anything at all. */
  get isEmpty(): boolean {
    return !this.#policy.concernsRequests;
  }

  /** For a request out of a dialog, sent by the device that holds `binding`. */
  judge(method: string, binding: Binding): PolicyVerdict {
    const outcome = this.#outcome;
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
