// The holder of a binding, who stays the same whatever a 200 says. TS 24.229 §5.2.2.1.
import { PAssociatedUri } from "@ims-lab/common/sip/message/fields";
import type { SipResponse } from "@ims-lab/common/sip/message/message";
import { aorOf } from "@ims-lab/common/sip/message/uri";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import { associationOf, type Binding, isRegistered } from "./binding.ts";

export interface HolderClaim {
  /** Whom its credentials name. */
  readonly impi: string;
  /** To, as `aorOf` files it. */
  readonly aor: string;
  readonly flow: Flow;
  /** It answered a challenge, or came over the association that did. */
  readonly isProven: boolean;
  readonly response: SipResponse;
  /** What its token names now. */
  readonly before: Binding | undefined;
  /** Those that have its identity among theirs; asked only where the 200 does not say whose it is. */
  ofIdentity(): readonly Binding[];
}

/** Why a 200 must change nothing here, in one line; undefined when it may. */
export function handsOver(accepted: HolderClaim): string | undefined {
  const { impi, aor, flow, response, before } = accepted;
  if (before !== undefined && before.impi !== impi)
    return `the binding is ${before.impi}'s, ${impi} has authenticated`;
  if (before?.source !== undefined && !accepted.isProven && before.source !== associationOf(flow))
    return `${impi} has authenticated over ${before.source}, and not over ${associationOf(flow)}`;
  if (before?.aor === aor) return undefined;
  const values = response.all(PAssociatedUri);
  if (values.length === 0) {
    // No S-CSCF has said whose identity this is: then it is whose it was.
    const holder = accepted.ofIdentity().find((binding) => binding.impi !== impi);
    return holder && `${aor} is ${holder.impi}'s, and no P-Associated-URI gives it to ${impi}`;
  }
  if (before === undefined) return undefined;
  const associated = values.map(({ uri }) => aorOf(uri));
  if (associated.some((one) => isRegistered(before, one))) return undefined;
  return `${impi} has ${before.impus.join(" ")}, the 200 says ${associated.join(" ")}`;
}
