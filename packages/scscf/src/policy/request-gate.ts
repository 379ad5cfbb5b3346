// Requests that wait for their caller's authentication, or end for want of it. TS 24.229 §5.4.3.2.
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse } from "@ims-lab/common/sip/message/message";
import type { Binding } from "../registration/binding.ts";
import type { RequestPolicy } from "./request-policy.ts";

export class RequestGate {
  readonly #policy: RequestPolicy;
  readonly #refuse: (incoming: Incoming, why: string) => void;
  /** INVITEs that wait. */
  readonly #held = new WeakSet<Incoming>();

  constructor(policy: RequestPolicy, refuse: (incoming: Incoming, why: string) => void) {
    this.#policy = policy;
    this.#refuse = refuse;
  }

  /** `onward` runs now, later, or not at all. @param binding of the device that sent it */
  pass(incoming: Incoming, binding: Binding, onward: () => void): void {
    const verdict = this.#policy.judge(incoming.request.method, binding);
    switch (verdict.kind) {
      case "proceed":
        onward();
        return;
      case "reject":
        this.#refuse(incoming, "policy onMethods");
        return;
      case "hold":
        this.#hold(incoming, verdict.authenticated, onward);
        return;
    }
  }

  /** A CANCEL of an INVITE that waits. False: none does. */
  cancel(incoming: Incoming): boolean {
    const { cancels } = incoming;
    if (cancels === undefined || !this.#held.delete(cancels)) return false;
    incoming.respond(newResponse(incoming.request, 200));
    cancels.respond(newResponse(cancels.request, 487));
    return true;
  }

  #hold(incoming: Incoming, authenticated: Promise<boolean>, onward: () => void): void {
    incoming.respond(newResponse(incoming.request, 100));
    this.#held.add(incoming);
    void authenticated.then((isDone) => {
      if (!this.#held.delete(incoming)) return; // cancelled meanwhile
      if (isDone) onward();
      else this.#refuse(incoming, "not in time");
    });
  }
}
