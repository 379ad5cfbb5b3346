// Our own URIs in Route, Path and Record-Route. RFC 3261 §16.6 step 4, RFC 3327, RFC 5658.
import { tagOf } from "@ims-lab/common/sip/dialog/dialog";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";
import type { Tokens } from "../bindings/token.ts";

/** Our Record-Route token for a request that makes, or may make, a dialog. */
export function dialogToken(tokens: Tokens, binding: string, { callId, from }: SipRequest): string {
  return tokens.ofDialog(binding, callId, tagOf(from));
}

/**
 * The binding that a Record-Route token names, within the dialog it was made for.
 * @param side who sends the request: the UE has made most dialogs, NOTIFYs come in them
 */
export function bindingOfDialog(
  tokens: Tokens,
  token: string,
  { callId, from, to }: SipRequest,
  side: "access" | "core",
): string | undefined {
  const [ours, others] = side === "access" ? [from, to] : [to, from];
  return tokens.bindingOf(token, callId, [tagOf(ours), tagOf(others)]);
}

/** Our Path value, and the Contact under which the S-CSCF subscribes: the core URI with a token. */
export function pathValue(token: string, at: CorePlace): string {
  const { before, behind } = aroundToken(at);
  return `${before}${token}${behind}`;
}

/** What stands around the token: the same in all Path values for one S-CSCF. */
export function aroundToken(at: CorePlace): { readonly before: string; readonly behind: string } {
  const scheme = at.transport === "tls" ? "sips" : "sip";
  return { before: `<${scheme}:`, behind: `@${formatHostPort(at)};lr>` };
}

type CorePlace = HostPort & { readonly transport: string };
