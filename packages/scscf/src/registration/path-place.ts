// Where a Path leads: the P-CSCF's host and port. RFC 3327 §5.3.
import { isSip, parseUri, type SipUri } from "@ims-lab/common/sip/message/uri";

/** A Path value is a name-addr; the URI in it is used unchanged. */
export function uriOfPath(value: string): string {
  return /<([^<>]*)>/.exec(value)?.[1] ?? value;
}

/** `host:port`; undefined where the value is no SIP URI. */
export function placeOfPath(value: string): string | undefined {
  const uri = parseUri(uriOfPath(value));
  return isSip(uri) ? placeOf(uri) : undefined;
}

export function placeOf({ host, port = 5060 }: SipUri): string {
  return `${host}:${port}`;
}
