// Checks of a proxy before it forwards, in the order of RFC 3261 §16.3.
import { MaxForwards } from "../message/fields.ts";
import type { SipRequest } from "../message/message.ts";
import type { Refusal } from "../transaction/user.ts";
import { type IsOwn, isLoop } from "./loop.ts";

export interface RelayRules {
  readonly isOwn: IsOwn;
  /** Option tags that may stand in Proxy-Require; lower case. */
  readonly extensions: readonly string[];
}

/** Of a Request-URI that decoding has found well formed. */
const KNOWN_SCHEME = /^(?:sips?|tel):/i;

const DEFAULT_MAX_FORWARDS = 70;

/** Undefined when the request may be forwarded. Its syntax is checked before, in decoding. */
export function checkForRelay(request: SipRequest, rules: RelayRules): Refusal | undefined {
  if (!KNOWN_SCHEME.test(request.uri)) return { status: 416 };
  if (request.get(MaxForwards) === 0) return { status: 483 };
  if (isLoop(request, rules.isOwn)) return { status: 482 };
  return checkProxyRequire(request, rules.extensions);
}

function checkProxyRequire(request: SipRequest, known: readonly string[]): Refusal | undefined {
  // RFC 3261 §20.29, §8.2.2.3: not in a CANCEL or an ACK.
  if (request.method === "ACK" || request.method === "CANCEL") return undefined;
  if (!request.has("Proxy-Require")) return undefined;
  const unknown = request
    .texts("Proxy-Require")
    .filter((tag) => !known.includes(tag.toLowerCase()));
  if (unknown.length === 0) return undefined;
  return { status: 420, headers: [["Unsupported", unknown.join(", ")]] };
}

/** RFC 3261 §16.6 item 3. Changes `outgoing`. */
export function countHop(outgoing: SipRequest): void {
  const left = outgoing.get(MaxForwards);
  const next = left === undefined ? DEFAULT_MAX_FORWARDS : Math.max(left - 1, 0);
  outgoing.set("Max-Forwards", String(next));
}
