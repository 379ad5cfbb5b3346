// One SIP message as an observer may see it: bounded texts, no secrets. RFC 3261 §20; RFC 3310 §3.
import { hash } from "node:crypto";
import type {
  CredentialKind,
  ObservedContact,
  ObservedMessage,
} from "@ims-lab/common/admin-api/observed-messages";
import { credentialsOf, hasResponse, isMalformed, realmOf } from "@ims-lab/common/ims/credentials";
import { REGINFO_TYPE } from "@ims-lab/common/ims/events";
import { parseReginfo } from "@ims-lab/common/ims/reginfo";
import { isSameContact } from "@ims-lab/common/ims/registered-contacts";
import {
  Contact,
  ContentType,
  EventHeader,
  Expires,
  MinExpires,
  RetryAfter,
  SubscriptionState,
  WwwAuthenticate,
} from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipRequest } from "@ims-lab/common/sip/message/message";

/** Characters of any text that a peer wrote. */
const LONGEST_TEXT = 300;
const MOST_CONTACTS = 20;
const XML_DEPTH = 16;

type ReadCredentials = ReturnType<typeof credentialsOf>;
type Facts = Omit<ObservedMessage, "at" | "direction" | "isRepeated">;

/** @param contact of the request that a response answers */
export function observedFactsOf(message: SipMessage, contact: string | null): Facts {
  const isRegister = message.cseq.method === "REGISTER";
  const state = message.get(SubscriptionState);
  const asks = isRegister && message.kind === "request";
  const credentials = asks ? credentialsOf(message, realmOf(message)) : undefined;
  return {
    method: bounded(message.cseq.method),
    status: message.kind === "response" ? message.status : null,
    callId: bounded(message.callId),
    cseq: message.cseq.number,
    contact: isRegister && message.kind === "request" ? contactIn(message) : contact,
    expires: isRegister ? registerExpires(message, contact) : (message.get(Expires) ?? null),
    minExpires: message.get(MinExpires) ?? null,
    retryAfter: message.get(RetryAfter) ?? null,
    event: maybe(message.get(EventHeader)?.value),
    subscriptionState: maybe(state?.value),
    reason: maybe(state?.params.get("reason")),
    contacts: message.kind === "request" ? contactsIn(message) : [],
    credentials: asks ? credentialsIn(credentials) : null,
    nonce: nonceIn(message, credentials),
    userAgent: maybe(message.text("User-Agent")),
  };
}

/** The first Contact's URI. */
export function contactIn(message: SipMessage): string | null {
  const contact = message.get(Contact);
  return contact === undefined || contact === "*" ? null : bounded(contact.uriText);
}

/** RFC 3261 §10.2.1.1, §10.3 step 8: what the Contact says, else what the message says. */
function registerExpires(message: SipMessage, contact: string | null): number | null {
  const listed = message.all(Contact).filter((one) => one !== "*");
  const own =
    message.kind === "request" || contact === null
      ? listed[0]
      : listed.find(({ uriText, uri }) => isSameContact(contact, bounded(uriText), uri));
  const said = own?.params.get("expires");
  if (said !== undefined && /^\d{1,10}$/.test(said)) return Number(said);
  return message.get(Expires) ?? null;
}

function credentialsIn(read: ReadCredentials): CredentialKind {
  if (read === undefined) return "none";
  if (isMalformed(read)) return "malformed";
  if ((read.params.get("auts") ?? "") !== "") return "auts";
  if (hasResponse(read)) return "answer";
  return (read.params.get("nonce") ?? "") === "" ? "unanswered" : "rejection";
}

function nonceIn(message: SipMessage, read: ReadCredentials): string | null {
  const header =
    message.kind === "response" || read === undefined || isMalformed(read)
      ? message.get(WwwAuthenticate)
      : read;
  const nonce = header?.params.get("nonce") ?? "";
  return nonce === "" ? null : hash("sha256", nonce, "hex").slice(0, 16);
}

function contactsIn(request: SipRequest): readonly ObservedContact[] {
  if (request.get(ContentType)?.value.toLowerCase() !== REGINFO_TYPE) return [];
  const read = parseReginfo(request.body, XML_DEPTH);
  if ("problem" in read) return [];
  const all = read.reginfo.registrations.flatMap(({ contacts }) => contacts);
  return all.slice(0, MOST_CONTACTS).map(({ uri, state, event, expires }) => ({
    uri: bounded(uri),
    state,
    event,
    expires: expires ?? null,
  }));
}

/** A URI that was cut is no URI any more; it is shown, and equals itself. */
function bounded(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

function maybe(text: string | undefined): string | null {
  return text === undefined ? null : bounded(text);
}
