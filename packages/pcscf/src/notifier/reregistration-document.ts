// The registration document for an S-CSCF about a binding: nothing asked, or "re-register it". docs/events.md, RFC 3680 §5.
import { formatReginfo, type ReginfoContact } from "@ims-lab/common/ims/reginfo";
import type { Rendering } from "@ims-lab/common/sip/event/notifier-agent";
import { type Binding, type BoundContact, contactsOf } from "../bindings/binding.ts";

/** What there is to say besides the binding itself. */
export interface ReregistrationState {
  /** Still registered here. */
  readonly active: boolean;
  /** Asked and not yet re-authenticated. */
  readonly asking: boolean;
  /** It has re-authenticated since it was asked. */
  readonly refreshed: boolean;
}

export interface ReregistrationDocument {
  readonly binding: Binding;
  readonly reregistration: ReregistrationState;
  readonly rendering: Rendering;
  /** Another one for another Contact URI (RFC 3680 §5.1.2). */
  contactIdOf(contact: string): string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The time a UE is given, as far as this node has a say. */
  readonly deadlineSeconds: number;
}

export function reregistrationDocument(document: ReregistrationDocument): string {
  const { binding, reregistration, rendering } = document;
  const state = reregistration.active ? "active" : "terminated";
  return formatReginfo({
    version: rendering.version,
    state: rendering.full ? "full" : "partial",
    registrations: [
      {
        aor: binding.impus[0] ?? "",
        id: `r${binding.token}`,
        state,
        contacts: contactsOf(binding).map((contact) => rowOf(document, contact)),
      },
    ],
  });
}

function rowOf(document: ReregistrationDocument, bound: BoundContact): ReginfoContact {
  const { reregistration, contactIdOf, now, deadlineSeconds } = document;
  const { contact: uri, callId, cseq } = bound;
  const same = { id: contactIdOf(uri), uri, callId, cseq };
  if (!reregistration.active)
    return { ...same, state: "terminated", event: "unregistered", expires: 0 };
  const left = Math.max(0, Math.ceil((bound.expiresAt - now) / 1000));
  if (reregistration.asking) {
    const expires = Math.min(left, deadlineSeconds);
    return { ...same, state: "active", event: "shortened", expires };
  }
  const event = reregistration.refreshed ? "refreshed" : "registered";
  return { ...same, state: "active", event, expires: left };
}
