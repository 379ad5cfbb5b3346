// Path values: name-addrs that lead to a registered device. RFC 3327 §4, §5.3.
import { parseNameAddr } from "../sip/message/name-addr.ts";
import { isSip, type SipUri } from "../sip/message/uri.ts";

/** The URI of a Path, Route or Service-Route value; undefined where it is no SIP URI. */
export function sipUriOfPath(value: string): SipUri | undefined {
  const uri = parseNameAddr(value)?.uri;
  return isSip(uri) ? uri : undefined;
}

/** The URI as it is written, which is used unchanged; the whole value where it cannot be read. */
export function uriTextOfPath(value: string): string {
  return parseNameAddr(value)?.uriText ?? value;
}

/** The proxy's `host:port`, IPv6 without brackets: to compare, not to show; undefined where the value is no SIP URI. */
export function placeOfPath(value: string): string | undefined {
  const uri = sipUriOfPath(value);
  return uri && placeOf(uri);
}

export function placeOf({ host, port = 5060 }: SipUri): string {
  return `${host}:${port}`;
}
