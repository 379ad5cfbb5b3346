// Requests whose sender is to authenticate: they go on, wait for it, or end for want of it. TS 24.229 §5.4.3.2.
import {
  type AuthenticationRule,
  concernsRequests,
  evaluate,
} from "@ims-lab/common/ims/authentication-policy";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse } from "@ims-lab/common/sip/message/message";
import type { Binding } from "../registration/binding.ts";
import type { Reauthentications } from "../registration/reauthentications.ts";
import { factsOf } from "./rules.ts";

export interface RequestPolicyOptions {
  readonly rules: readonly AuthenticationRule[];
  readonly clock: Clock;
  readonly reauthentications: Reauthentications;
  /** N, milliseconds. */
  readonly deadlineMs: number;
}

/** Ends a request, for this reason. */
export type RefuseForPolicy = (incoming: Incoming, detail: string) => void;

/** TS 24.229 §7.7.1: the caller's proxies wait three minutes at least; a held INVITE less. */
const LONGEST_HOLD_MS = 150_000;

export class RequestPolicy {
  readonly #options: RequestPolicyOptions;
  /** INVITEs that wait. */
  readonly #held = new WeakSet<Incoming>();

  constructor(options: RequestPolicyOptions) {
    this.#options = options;
  }

  /** Whether a rule says anything of these requests. */
  concerns(method: string): boolean {
    return concernsRequests(this.#options.rules, method);
  }

  /** Whether no rule says anything of any request. */
  get isEmpty(): boolean {
    return !concernsRequests(this.#options.rules);
  }

  /**
   * For a request out of a dialog: `onward` runs now, later, or not at all.
   * @param binding of the device that sent it
   */
  pass(incoming: Incoming, binding: Binding, onward: () => void, refuse: RefuseForPolicy): void {
    const { rules, clock, reauthentications } = this.#options;
    const { method } = incoming.request;
    const fired = evaluate(rules, { kind: "request", method }, factsOf(binding, clock.now()));
    if (fired === undefined) {
      onward();
      return;
    }
    const [asked] = reauthentications.ask([binding], `policy:${fired.authenticate}`);
    if (fired.request === "reject") refuse(incoming, `policy ${fired.authenticate}`);
    else if (fired.request === "hold" && asked !== undefined)
      this.#hold(incoming, asked.id, onward, refuse);
    else onward();
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

  /** Whether this re-authentication succeeds in time. */
  async #isAuthenticated(id: string): Promise<boolean> {
    const { reauthentications, deadlineMs } = this.#options;
    await reauthentications.wait([id], Math.min(deadlineMs, LONGEST_HOLD_MS));
    const outcome = reauthentications.get(id);
    return outcome?.progress === "ended" && outcome.end === "reauthenticated";
  }
}
