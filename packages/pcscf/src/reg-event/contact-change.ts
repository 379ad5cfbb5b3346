// A registration document's news of one of our bindings. RFC 3680 §5.1, TS 24.229 §5.2.3.

import type {
  Reginfo,
  ReginfoContact,
  ReginfoRegistration,
  ReginfoView,
} from "@ims-lab/common/ims/reginfo";
import { isSameContact } from "@ims-lab/common/ims/registered-contacts";
import { parseUri } from "@ims-lab/common/sip/message/uri";
import type { BoundContact } from "../bindings/binding.ts";

export type ContactChange =
  | { readonly kind: "nothing" }
  /** `isDated`: by a row that names the very REGISTER that was accepted last. */
  | { readonly kind: "gone"; readonly isDated: boolean }
  | { readonly kind: "shortened"; readonly expiresSeconds: number };

const NOTHING: ContactChange = { kind: "nothing" };

/**
 * One contact stands once per identity of the implicit set: gone is what is active under none. What
 * a partial document leaves out has not changed, so its rows alone can shorten. A NOTIFY may be
 * overtaken by the 200 of a later REGISTER, of which it says nothing.
 */
export function contactChange(
  view: ReginfoView,
  document: Reginfo,
  contact: BoundContact,
): ContactChange {
  const known = rowsOf(view.registrations.values(), contact);
  if (!known.some(isActive)) {
    if (known.length === 0)
      return document.state === "full" ? { kind: "gone", isDated: false } : NOTHING;
    if (!known.some((row) => isOfNow(row, contact))) return NOTHING;
    const isDated = known.some((row) => row.callId !== undefined && isOfNow(row, contact));
    return { kind: "gone", isDated };
  }
  const shortened = rowsOf(document.registrations, contact)
    .filter((row) => isActive(row) && row.event === "shortened" && isOfNow(row, contact))
    .map(({ expires = Number.POSITIVE_INFINITY }) => expires);
  const expiresSeconds = Math.min(...shortened);
  return Number.isFinite(expiresSeconds) ? { kind: "shortened", expiresSeconds } : NOTHING;
}

/** False for a row about an earlier REGISTER than the last one accepted here: another Call-ID, a lower CSeq. */
function isOfNow({ callId, cseq }: ReginfoContact, binding: BoundContact): boolean {
  if (callId === undefined) return true;
  return callId === binding.callId && (cseq === undefined || cseq >= binding.cseq);
}

function isActive({ state }: ReginfoContact): boolean {
  return state === "active";
}

function rowsOf(
  registrations: Iterable<ReginfoRegistration>,
  { contact, listed = contact }: BoundContact,
): readonly ReginfoContact[] {
  const rows: ReginfoContact[] = [];
  for (const { contacts } of registrations) {
    for (const row of contacts) {
      const uri = parseUri(row.uri);
      if (uri === undefined) continue;
      if (isSameContact(contact, row.uri, uri) || isSameContact(listed, row.uri, uri))
        rows.push(row);
    }
  }
  return rows;
}
