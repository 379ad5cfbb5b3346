// What matters in a message, in a few words: the part of a ladder line behind method or status.
import {
  Authorization,
  Contact,
  EventHeader,
  Expires,
  SubscriptionState,
  WwwAuthenticate,
} from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";

/** `REGISTER sip:ims.example` or `401 Unauthorized (REGISTER)`. */
export function headline(message: SipMessage): string {
  if (message.kind === "request") return `${message.method} ${message.uri}`;
  return `${message.status} ${message.reason} (${message.cseq.method})`;
}

export function highlights(message: SipMessage): string {
  const found = message.kind === "request" ? ofRequest(message) : ofResponse(message);
  return found.filter((part) => part !== undefined).join(", ");
}

type Parts = (string | undefined)[];

function ofRequest(request: SipRequest): Parts {
  switch (request.method) {
    case "REGISTER":
      return [expiresOf(request), credentials(request)];
    case "SUBSCRIBE":
      return [eventOf(request), expiresOf(request)];
    case "NOTIFY":
      return [eventOf(request), subscriptionState(request), contactEvent(request)];
  }
  return [];
}

function ofResponse(response: SipResponse): Parts {
  const challenge = response.get(WwwAuthenticate);
  if (challenge !== undefined) {
    const keys = challenge.params.has("ck") ? "with ik, ck" : "without keys";
    return [challenge.params.get("algorithm") ?? "MD5", keys];
  }
  return response.status === 200 ? [expiresOf(response)] : [];
}

function expiresOf(message: SipMessage): string | undefined {
  const contact = message.get(Contact);
  const ofContact = contact === "*" ? undefined : contact?.params.get("expires");
  const expires = ofContact ?? message.get(Expires)?.toString();
  return expires === undefined ? undefined : `expires ${expires}`;
}

function credentials(request: SipRequest): string {
  const params = request.get(Authorization)?.params;
  const association = params?.get("integrity-protected");
  const kind = params?.get("auts") ? "auts" : params?.get("response") ? "answer" : "no answer";
  return association === undefined ? kind : `${kind}, integrity-protected=${association}`;
}

function eventOf(message: SipMessage): string | undefined {
  const name = message.get(EventHeader)?.value;
  return name === undefined ? undefined : `event ${name}`;
}

function subscriptionState(request: SipRequest): string | undefined {
  return request.get(SubscriptionState)?.value;
}

/** The contact events of a reginfo body, in order, each once. */
function contactEvent(request: SipRequest): string | undefined {
  const events = request.body.toString("latin1").matchAll(/<contact\b[^>]*\bevent="(\w+)"/g);
  const names = [...new Set([...events].map(([, name]) => name))];
  return names.length === 0 ? undefined : `contact ${names.join(", ")}`;
}
