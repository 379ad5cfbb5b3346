// Checks of a user agent server before it acts on a request, in the order of RFC 3261 §8.2.

import { acceptsType } from "../message/accept.ts";
import { readBody } from "../message/bodies.ts";
import type { SipRequest } from "../message/message.ts";
import { isSip } from "../message/uri.ts";
import type { Refusal } from "../transaction/user.ts";

export interface UasAbilities {
  /** Methods that are served here. */
  readonly methods: readonly string[];
  /** Option tags understood in Require; lower case. */
  readonly extensions: readonly string[];
  /** Body types understood, `type/subtype` in lower case; absent: any. */
  readonly bodies?: readonly string[];
  /** Whether a Request-URI with `tel:` can be meant for us. */
  readonly tel?: boolean;
}

/** RFC 3261 and its extensions: a method of these is known, if not allowed (405 and not 501). */
const KNOWN_METHODS: ReadonlySet<string> = new Set(
  "ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE UPDATE".split(
    " ",
  ),
);

/** The first thing wrong with the request; undefined when it can be acted on. */
export function checkAsUas(request: SipRequest, abilities: UasAbilities): Refusal | undefined {
  return (
    checkMethod(request, abilities) ??
    checkScheme(request, abilities) ??
    checkRequire(request, abilities) ??
    checkBody(request, abilities)
  );
}

/** §8.2.1: 405 for a method that is known and not served, 501 for an unknown one. */
function checkMethod({ method }: SipRequest, abilities: UasAbilities): Refusal | undefined {
  const { methods } = abilities;
  if (methods.includes(method)) return undefined;
  return {
    status: KNOWN_METHODS.has(method) ? 405 : 501,
    headers: [["Allow", methods.join(", ")]],
  };
}

/** §8.2.2.1. */
function checkScheme(request: SipRequest, { tel = false }: UasAbilities): Refusal | undefined {
  const uri = request.requestUri;
  return isSip(uri) || (tel && uri.scheme === "tel") ? undefined : { status: 416 };
}

/** §8.2.2.3: CANCEL and the ACK of a failure carry no Require. */
function checkRequire(request: SipRequest, abilities: UasAbilities): Refusal | undefined {
  if (request.method === "CANCEL" || request.method === "ACK") return undefined;
  if (!request.has("Require")) return undefined;
  const unknown = request
    .texts("Require")
    .filter((tag) => !abilities.extensions.includes(tag.toLowerCase()));
  if (unknown.length === 0) return undefined;
  return { status: 420, headers: [["Unsupported", unknown.join(", ")]] };
}

/** §8.2.3. */
function checkBody(request: SipRequest, { bodies }: UasAbilities): Refusal | undefined {
  if (bodies === undefined) return undefined;
  const reading = readBody(request, { types: bodies });
  return reading.kind === "refused" ? reading.refusal : undefined;
}

/** §20.1, §21.4.7: 406 when what we would answer with is not among what the peer takes. */
export function checkAccept(request: SipRequest, offered: string): Refusal | undefined {
  if (acceptsType(request, offered)) return undefined;
  return { status: 406, headers: [["Accept", offered]] };
}

/** §10.3 step 5: what is registered must be a SIP or tel address of record. */
export function checkRegisterTo(request: SipRequest): Refusal | undefined {
  const { uri } = request.to;
  if (isSip(uri) || uri.scheme === "tel") return undefined;
  return { status: 400, reason: "To is no address of record" };
}
