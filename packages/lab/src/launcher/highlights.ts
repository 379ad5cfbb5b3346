// The head of a ladder line and the telling values of its message.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import {
  Authorization,
  Contact,
  EventHeader,
  Expires,
  SubscriptionState,
  WwwAuthenticate,
} from "@ims-lab/common/sip/message/fields";
import type { SipMessage, SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";

/** How much room there is. */
export type Detail = "full" | "short";

/** `REGISTER sip:ims.example` or `401 Unauthorized (REGISTER)`; in short without URI and reason. */
export function headline(message: SipMessage, detail: Detail = "full"): string {
  if (message.kind === "request")
    return detail === "full" ? `${message.method} ${message.uri}` : message.method;
  const reason = detail === "full" ? ` ${message.reason}` : "";
  return `${message.status}${reason} (${message.cseq.method})`;
}

export function highlights(message: SipMessage, detail: Detail = "full"): string {
  const found =
    message.kind === "request" ? ofRequest(message, detail) : ofResponse(message, detail);
  return found.filter((part) => part !== undefined).join(", ");
}

type Parts = (string | undefined)[];

/** What matters most stands first: the rest may be cut. */
function ofRequest(request: SipRequest, detail: Detail): Parts {
  switch (request.method) {
    case "REGISTER":
      return [credentials(request, detail), expiresOf(request)];
    case "SUBSCRIBE":
      return [eventOf(request, detail), expiresOf(request)];
    case "NOTIFY":
      return detail === "full"
        ? [eventOf(request, detail), subscriptionState(request), contactEvent(request)]
        : [contactEvent(request) ?? subscriptionState(request), eventOf(request, detail)];
  }
  return [];
}

function ofResponse(response: SipResponse, detail: Detail): Parts {
  const challenge = response.get(WwwAuthenticate);
  if (challenge !== undefined) {
    const keys = challenge.params.has("ck") ? "with ik, ck" : "without keys";
    const isStale = challenge.params.get("stale")?.toLowerCase() === "true";
    const { algorithm, stale } = {
      algorithm: challenge.params.get("algorithm") ?? "MD5",
      stale: isStale ? "stale" : undefined,
    };
    return [algorithm, stale, detail === "full" ? keys : undefined];
  }
  return response.status === 200 ? [expiresOf(response)] : [];
}

function expiresOf(message: SipMessage): string | undefined {
  const contact = message.get(Contact);
  const ofContact = contact === "*" ? undefined : contact?.params.get("expires");
  const expires = ofContact ?? message.get(Expires)?.toString();
  return expires === undefined ? undefined : `expires ${expires}`;
}

function credentials(request: SipRequest, detail: Detail): string {
  const params = request.get(Authorization)?.params;
  const association = params?.get("integrity-protected");
  const kind = params?.get("auts") ? "auts" : params?.get("response") ? "answer" : "no answer";
  if (association === undefined) return kind;
  return `${kind}, ${detail === "full" ? "integrity-protected=" : ""}${association}`;
}

function eventOf(message: SipMessage, detail: Detail): string | undefined {
  const name = message.get(EventHeader)?.value;
  if (name === undefined) return undefined;
  return `event ${detail === "short" && name === OWN_PACKAGE ? "own" : name}`;
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
