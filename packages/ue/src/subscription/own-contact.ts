// The UE's own contact in a reginfo document, as input of the registration machine. RFC 3680 §4.7, TS 24.229 §5.1.1.5.2, §5.1.1.7.

import { OWN_PACKAGE, type RegistrationPackage } from "@ims-lab/common/ims/events";
import type {
  Reginfo,
  ReginfoContact,
  ReginfoRegistration,
  ReginfoView,
} from "@ims-lab/common/ims/reginfo";
import { aorOf, parseUri, sameUri } from "@ims-lab/common/sip/message/uri";
import type { RegistrationInput } from "../registration/state.ts";

export interface OwnBinding {
  readonly impu: string;
  readonly contactUri: string;
  /** Of the REGISTER that made it. */
  readonly callId: string;
}

/**
 * At most one input: every registration of the implicit set repeats the same about the contact.
 * `view` is what is known with this document: a contact has ended when it is active under no identity.
 */
export function registrationInputOf(
  reginfo: Reginfo,
  view: ReginfoView,
  own: OwnBinding,
  event: RegistrationPackage,
): RegistrationInput | undefined {
  for (const registration of ownFirst(reginfo.registrations, own.impu)) {
    const input = inputOfRegistration(registration, own, event);
    if (input?.kind === "contact-ended" && isActiveIn(view, own)) continue;
    if (input !== undefined) return input;
  }
  return undefined;
}

/** Whether the document shows the own contact, and asks for nothing. */
export function isSettledIn({ registrations }: Reginfo, own: OwnBinding): boolean {
  const contacts = registrations.flatMap((registration) => registration.contacts);
  const active = contacts.filter(
    (contact) => contact.state === "active" && isOwnContact(contact, own),
  );
  return active.length > 0 && active.every(({ event }) => event !== "shortened");
}

function isActiveIn({ registrations }: ReginfoView, own: OwnBinding): boolean {
  return [...registrations.values()].some(({ contacts }) =>
    contacts.some((contact) => contact.state === "active" && isOwnContact(contact, own)),
  );
}

function ownFirst(
  registrations: readonly ReginfoRegistration[],
  impu: string,
): readonly ReginfoRegistration[] {
  const own = registrations.find((registration) => isSameAor(registration.aor, impu));
  return own === undefined ? registrations : [own];
}

function isSameAor(a: string, b: string): boolean {
  const uriA = parseUri(a);
  const uriB = parseUri(b);
  return uriA !== undefined && uriB !== undefined && aorOf(uriA) === aorOf(uriB);
}

function inputOfRegistration(
  registration: ReginfoRegistration,
  own: OwnBinding,
  event: RegistrationPackage,
): RegistrationInput | undefined {
  const contacts = registration.contacts.filter((contact) => isOwnContact(contact, own));
  const active = contacts.find((contact) => contact.state === "active");
  if (active?.event === "shortened") return triggerOf(active, event);
  if (active !== undefined) return undefined;
  const ended = contacts.find(
    (contact) => contact.callId === undefined || contact.callId === own.callId,
  );
  if (ended !== undefined) {
    return {
      kind: "contact-ended",
      event: ended.event,
      retryAfterSeconds: ended.retryAfter,
    };
  }
  // RFC 3680 §5.3: it may leave out the contacts that went with it; a row about an older REGISTER is another matter.
  const isLeftOut = registration.state === "terminated" && contacts.length === 0;
  if (!isLeftOut || !isSameAor(registration.aor, own.impu)) return undefined;
  return { kind: "contact-ended", event: "expired", retryAfterSeconds: undefined };
}

function isOwnContact(contact: ReginfoContact, own: OwnBinding): boolean {
  const theirs = parseUri(contact.uri);
  const ours = parseUri(own.contactUri);
  return theirs !== undefined && ours !== undefined && sameUri(theirs, ours);
}

/** docs/events.md: the own package asks at once, `reg` through the expiry. */
function triggerOf(contact: ReginfoContact, event: RegistrationPackage): RegistrationInput {
  return {
    kind: "triggered",
    trigger: {
      urgency: event === OWN_PACKAGE ? "at-once" : "by-expiry",
      contactId: contact.id,
      callId: contact.callId,
      cseq: contact.cseq,
      expiresSeconds: contact.expires,
    },
  };
}
