// What a subscriber makes of a sequence of reginfo documents. RFC 3680 §5.2.
import type {
  Reginfo,
  ReginfoRegistration,
  ReginfoUpdate,
  ReginfoView,
} from "./reginfo-document.ts";

/** `view` is undefined before the first document of a subscription. */
export function applyReginfo(view: ReginfoView | undefined, document: Reginfo): ReginfoUpdate {
  if (view !== undefined && document.version <= view.version) return { kind: "stale", view };
  const missing =
    view === undefined ? document.state === "partial" : document.version > view.version + 1;
  const registrations = new Map(document.state === "full" ? [] : view?.registrations);
  for (const registration of document.registrations)
    registrations.set(registration.id, merged(registrations.get(registration.id), registration));
  const next: ReginfoView = { version: document.version, registrations };
  return { kind: missing ? "gap" : "applied", view: next };
}

/** A partial document carries changed contacts only; rows are found by id. */
function merged(
  known: ReginfoRegistration | undefined,
  changed: ReginfoRegistration,
): ReginfoRegistration {
  if (known === undefined) return changed;
  const contacts = new Map(known.contacts.map((contact) => [contact.id, contact]));
  for (const contact of changed.contacts) contacts.set(contact.id, contact);
  return { ...changed, contacts: [...contacts.values()] };
}
