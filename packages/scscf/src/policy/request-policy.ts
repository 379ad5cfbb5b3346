// Requests whose sender is to authenticate: they go on, wait for it, or end for want of it. TS 24.229 §5.4.3.2.
import type { ReauthenticationCause } from "@ims-lab/common/admin-api/views";
import type { FiredRule } from "@ims-lab/common/ims/authentication-policy";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse } from "@ims-lab/common/sip/message/message";
import type { Binding } from "../registration/binding.ts";
import type { Reauthentications } from "../registration/reauthentications.ts";
import type { PolicyInForce } from "./policy-in-force.ts";

export interface RequestPolicyOptions {
  readonly clock: Clock;
  readonly policy: PolicyInForce;
  readonly reauthentications: Reauthentications;
  /** N, milliseconds. */
  readonly deadlineMs: number;
  /** Other nodes see dialogs begin as well. */
  readonly isShared: boolean;
}

/** Ends a request, for this reason. */
export type RefuseForPolicy = (incoming: Incoming, detail: string) => void;

/** TS 24.229 §7.7.1: the caller's proxies wait three minutes at least; a held INVITE less. */
const LONGEST_HOLD_MS = 150_000;
/** Dialogs that began before the first rule about requests came are not known as such; so long they are believed. */
const DIALOGS_BEFORE_MS = 3_600_000;

export class RequestPolicy {
  readonly #options: RequestPolicyOptions;
  /** INVITEs that wait. */
  readonly #held = new WeakSet<Incoming>();
  /** When no rule concerned requests last, milliseconds since the epoch. */
  #emptyAt = Number.NEGATIVE_INFINITY;
  /** Dialogs that began later have been seen here. */
  #seenSince: number;

  constructor(options: RequestPolicyOptions) {
    this.#options = options;
    this.#seenSince = options.clock.now();
  }

  /** Whether a rule says anything of these requests. */
  concerns(method: string): boolean {
    return this.#options.policy.concernsRequests(method);
  }

  /** Whether no rule says anything of any request. */
  get isEmpty(): boolean {
    return !this.#options.policy.concernsRequests();
  }

  /** The policy is about to change. */
  changes(): void {
    if (!this.isEmpty) return;
    this.#emptyAt = this.#options.clock.now();
    this.#seenSince = this.#emptyAt;
  }

  /** Whether a dialog may have begun before any rule concerned requests. */
  get mayPredate(): boolean {
    return this.#options.clock.now() - this.#emptyAt < DIALOGS_BEFORE_MS;
  }

  /**
   * For a request that begins something: `onward` runs now, later, or not at all.
   * @param binding of the device that sent it
   */
  pass(incoming: Incoming, binding: Binding, onward: () => void, refuse: RefuseForPolicy): void {
    const fired = this.#fired(incoming, binding);
    if (fired === undefined) {
      onward();
      return;
    }
    const asked = this.#ask(binding, fired);
    if (fired.request === "reject") refuse(incoming, `policy ${fired.authenticate}`);
    else if (fired.request === "hold" && asked !== undefined)
      this.#hold(incoming, asked.id, onward, refuse);
    else onward();
  }

  /**
   * For a request within a dialog that nobody here has seen begin. Where the sender's dialogs may be older than the rules,
   * or than this process, he is asked, and refused only when he has had the time of a held INVITE to authenticate and has not.
   */
  passInDialog(
    incoming: Incoming,
    binding: Binding,
    onward: () => void,
    refuse: RefuseForPolicy,
  ): void {
    const { isShared, clock } = this.#options;
    if (!isShared && binding.registeredAt >= this.#seenSince) {
      this.pass(incoming, binding, onward, refuse);
      return;
    }
    const fired = this.#fired(incoming, binding);
    if (fired === undefined) {
      onward();
      return;
    }
    const since = askedAt(binding, fired);
    this.#ask(binding, fired);
    const isLate = since !== undefined && clock.now() - since >= this.#patienceMs;
    if (isLate && fired.request !== "proceed") refuse(incoming, `policy ${fired.authenticate}`);
    else onward();
  }

  #fired(incoming: Incoming, binding: Binding): FiredRule | undefined {
    const { policy } = this.#options;
    const { method } = incoming.request;
    return policy.concernsRequests(method)
      ? policy.evaluate(binding, { kind: "request", method })
      : undefined;
  }

  /** Once by each rule: every further request would make the list of its askers longer. */
  #ask(binding: Binding, fired: FiredRule): { readonly id: string } | undefined {
    if (askedAt(binding, fired) !== undefined) return binding.reauthentication;
    return this.#options.reauthentications.ask([binding], causeOf(fired))[0];
  }

  /** A CANCEL of an INVITE that waits. False: none does. */
  cancel(incoming: Incoming): boolean {
    const { cancels } = incoming;
    if (cancels === undefined || !this.#held.delete(cancels)) return false;
    incoming.respond(newResponse(incoming.request, 200));
    cancels.respond(newResponse(cancels.request, 487));
    return true;
  }

  #hold(incoming: Incoming, id: string, onward: () => void, refuse: RefuseForPolicy): void {
    incoming.respond(newResponse(incoming.request, 100));
    this.#held.add(incoming);
    void this.#isAuthenticated(id).then((isDone) => {
      if (!this.#held.delete(incoming)) return; // cancelled meanwhile
      if (isDone) onward();
      else refuse(incoming, "not in time");
    });
  }

  get #patienceMs(): number {
    return Math.min(this.#options.deadlineMs, LONGEST_HOLD_MS);
  }

  /** Whether this re-authentication succeeds in time. */
  async #isAuthenticated(id: string): Promise<boolean> {
    const { reauthentications } = this.#options;
    await reauthentications.wait([id], this.#patienceMs);
    const outcome = reauthentications.get(id);
    return outcome?.progress === "ended" && outcome.end === "reauthenticated";
  }
}

/** When this rule asked for the re-authentication that runs; undefined: it has not. */
function askedAt({ reauthentication }: Binding, fired: FiredRule): number | undefined {
  const cause = causeOf(fired);
  return reauthentication?.askers.find((asker) => asker.cause === cause)?.at;
}

function causeOf({ authenticate }: FiredRule): ReauthenticationCause {
  return `policy:${authenticate}`;
}
