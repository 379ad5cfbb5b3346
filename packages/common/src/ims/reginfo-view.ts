// A subscriber's view of a sequence of reginfo documents. RFC 3680 §5.2.
import type {
  Reginfo,
  ReginfoContact,
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

/**
 * A partial document carries changed contacts only; rows are found by id, the last one counts. What an
 * earlier document ended is forgotten, so that a long subscription does not gather it.
 */
function merged(
  known: ReginfoRegistration | undefined,
  changed: ReginfoRegistration,
): ReginfoRegistration {
  const active = known?.contacts.filter(({ state }) => state === "active") ?? [];
  const left = changed.state === "active" ? active : active.map(ended);
  const contacts = new Map(left.map((contact) => [contact.id, contact]));
  for (const contact of changed.contacts) contacts.set(contact.id, contact);
  return { ...changed, contacts: [...contacts.values()] };
}

/**
 * §5.3: a registration that is not active has no active contact, whether its rows say so or are left out.
 * The REGISTER that the former row named may not be the last one.
 */
function ended({ id, uri }: ReginfoContact): ReginfoContact {
  return { id, uri, state: "terminated", event: "expired" };
}
