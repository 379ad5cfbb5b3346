// What the answer to a REGISTER says to the registration. RFC 3261 §10.2.4-8, RFC 3608, RFC 7315 §4.1.
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
import { parseUri, sameUri } from "@ims-lab/common/sip/message/uri";
import type { Credentials } from "./credentials.ts";
import type { Identity } from "./register-request.ts";
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

/** RFC 3261 §10.2.4: the parameter of the own contact, else Expires, else what was asked. */
function grantedSeconds(request: SipRequest, response: SipResponse, identity: Identity): number {
  const contacts = response.all(Contact).filter((value) => value !== "*");
  const own = contacts.find((contact) => isOwn(contact, identity));
  if (own === undefined && contacts.length > 0) return 0;
  const parameter = Number.parseInt(own?.params.get("expires") ?? "", 10);
  if (Number.isSafeInteger(parameter)) return parameter;
  return response.get(Expires) ?? request.get(Expires) ?? 0;
}

function isOwn(contact: NameAddr, identity: Identity): boolean {
  const uri = parseUri(identity.contactUri);
  return uri !== undefined && sameUri(contact.uri, uri);
}
