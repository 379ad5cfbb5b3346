// What a registration document says about one of our bindings. RFC 3680 §5.1, TS 24.229 §5.2.3.
import type {
  Reginfo,
  ReginfoContact,
  ReginfoRegistration,
  ReginfoView,
} from "@ims-lab/common/ims/reginfo";
import { parseUri, sameUri } from "@ims-lab/common/sip/message/uri";
import type { Binding } from "../flows/binding.ts";

export type Word =
  | { readonly kind: "nothing" }
  | { readonly kind: "gone" }
  | { readonly kind: "shortened"; readonly expiresSeconds: number };

/**
 * One contact stands once per identity of the implicit set: gone is what is active under none. What
 * a partial document leaves out has not changed, so its rows alone can shorten. A NOTIFY may be
 * overtaken by the 200 of a later REGISTER, of which it says nothing.
 */
export function wordOnContact(view: ReginfoView, document: Reginfo, binding: Binding): Word {
  const { contact } = binding;
  const known = rowsOf(view.registrations.values(), contact);
  if (!known.some(isActive)) {
    if (known.length === 0) return { kind: document.state === "full" ? "gone" : "nothing" };
    return { kind: known.some((row) => isOfNow(row, binding)) ? "gone" : "nothing" };
  }
  const shortened = rowsOf(document.registrations, contact)
    .filter((row) => isActive(row) && row.event === "shortened" && isOfNow(row, binding))
    .map(({ expires = Number.POSITIVE_INFINITY }) => expires);
  const expiresSeconds = Math.min(...shortened);
  return Number.isFinite(expiresSeconds)
    ? { kind: "shortened", expiresSeconds }
    : { kind: "nothing" };
}

/** False for a row about an earlier REGISTER than the last one accepted here: another Call-ID, a lower CSeq. */
function isOfNow({ callId, cseq }: ReginfoContact, binding: Binding): boolean {
  if (callId === undefined) return true;
  return callId === binding.callId && (cseq === undefined || cseq >= binding.cseq);
}

function isActive({ state }: ReginfoContact): boolean {
  return state === "active";
}

function rowsOf(
  registrations: Iterable<ReginfoRegistration>,
  contact: string,
): readonly ReginfoContact[] {
  const own = parseUri(contact);
  const rows: ReginfoContact[] = [];
  if (own === undefined) return rows;
  for (const { contacts } of registrations) {
    for (const row of contacts) {
      const uri = parseUri(row.uri);
      if (uri !== undefined && sameUri(uri, own)) rows.push(row);
    }
  }
  return rows;
}
