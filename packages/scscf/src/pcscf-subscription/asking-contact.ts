// The contact of a P-CSCF's document that asks for re-registration (Figure 5). RFC 3680 §5.1, docs/events.md.
import type { Reginfo, ReginfoContact } from "@ims-lab/common/ims/reginfo";
import { isSameContact } from "@ims-lab/common/ims/registered-contacts";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import type { Binding } from "../registration/binding.ts";

/**
 * The row whose URI is the binding's Contact (RFC 3261 §19.1.4), in an active registration of one of
 * its user's identities; with `callid`, that of the binding's last REGISTER. The contact's id is the P-CSCF's own.
 * @param impus canonical, see `aorOf`
 */
export function askingContact(
  document: Reginfo,
  binding: Binding,
  impus: readonly string[],
): ReginfoContact | undefined {
  return document.registrations
    .filter(({ aor, state }) => state === "active" && isOneOf(impus, aor))
    .flatMap(({ contacts }) => contacts)
    .find((row) => asks(row, binding) && isAt(row, binding.address.contact));
}

function asks({ state, event, callId = "" }: ReginfoContact, binding: Binding): boolean {
  const isOfNow = callId === "" || callId === binding.callId;
  return state === "active" && event === "shortened" && isOfNow;
}

function isAt({ uri }: ReginfoContact, contact: string): boolean {
  const listed = parseUri(uri);
  return listed !== undefined && isSameContact(contact, uri, listed);
}

function isOneOf(impus: readonly string[], aor: string): boolean {
  const uri = parseUri(aor);
  return uri !== undefined && impus.includes(aorOf(uri));
}

/** Names one asking: a document that repeats it asks nothing new. */
export function askingKey({ id, callId, cseq }: ReginfoContact, binding: Binding): string {
  return `${id} ${callId ?? binding.callId} ${cseq ?? binding.cseq}`;
}
