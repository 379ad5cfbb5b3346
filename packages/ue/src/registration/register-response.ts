// Response to a REGISTER as input of the registration machine. RFC 3261 §10.2.4-8, RFC 3608, RFC 7315 §4.1.
import {
  Contact,
  Expires,
  MinExpires,
  PAssociatedUri,
  RetryAfter,
  WwwAuthenticate,
} from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { NameAddr } from "@ims-lab/common/sip/message/name-addr";
import { parseUri, sameUri, type Uri } from "@ims-lab/common/sip/message/uri";
import type { Identity } from "../user-agent/identity.ts";
import type { Credentials } from "./credentials.ts";
import type { Acceptance, OutcomeInput } from "./state.ts";

/** Undefined for a provisional response. */
export function outcomeOf(
  request: SipRequest,
  response: SipResponse,
  identity: Identity,
  credentials: Credentials,
): OutcomeInput | undefined {
  const { status, reason } = response;
  if (status < 200) return undefined;
  if (status < 300)
    return { kind: "accepted", acceptance: acceptanceOf(request, response, identity) };
  if (status === 401) {
    const toAuthorize = { method: request.method, uri: request.uri };
    const answer = credentials.answer(response.all(WwwAuthenticate), toAuthorize);
    return { kind: "challenged", answer };
  }
  const minExpiresSeconds = response.get(MinExpires);
  if (status === 423 && minExpiresSeconds !== undefined) {
    return { kind: "too-brief", minExpiresSeconds };
  }
  const retryAfterSeconds = response.get(RetryAfter);
  return { kind: "refused", status, reason, retryAfterSeconds };
}

function acceptanceOf(request: SipRequest, response: SipResponse, identity: Identity): Acceptance {
  return {
    expiresSeconds: grantedSeconds(request, response, identity),
    serviceRoute: response.texts("Service-Route"),
    associatedUris: response.all(PAssociatedUri).map((value) => value.uriText),
  };
}

/**
 * RFC 3261 §10.2.4: the parameter of the own contact, else Expires, else what was asked. 0: it is not bound, be it
 * that no Contact is ours, or that ours has ended.
 */
function grantedSeconds(request: SipRequest, response: SipResponse, identity: Identity): number {
  const rows = response.all(Contact).flatMap((value) => (value === "*" ? [] : [value]));
  const own = rows.filter((contact) => isOwn(contact, identity));
  const usual = response.get(Expires) ?? request.get(Expires) ?? 0;
  return Math.max(0, ...own.map((contact) => secondsOf(contact) ?? usual));
}

function secondsOf({ params }: NameAddr): number | undefined {
  const text = params.get("expires");
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** A network may add parameters to a Contact, `transport=udp` among them, which is the default. */
function isOwn(contact: NameAddr, identity: Identity): boolean {
  const uri = parseUri(identity.contactUri);
  return uri !== undefined && sameUri(withoutUdp(contact.uri), withoutUdp(uri));
}

function withoutUdp(uri: Uri): Uri {
  if (uri.scheme !== "sip" || uri.params.get("transport")?.toLowerCase() !== "udp") return uri;
  return { ...uri, params: uri.params.without("transport") };
}
