// Staying in the way of a dialog: Record-Route with an entry for each side. RFC 3261 §16.6 item 4, RFC 5658.
import type { SipRequest, SipResponse } from "../message/message.ts";
import { parseNameAddr } from "../message/name-addr.ts";
import { formatHost, isSip, sameUri } from "../message/uri.ts";

/** One side of a proxy as peers on that side should reach it. */
export interface Side {
  readonly host: string;
  readonly port: number;
  readonly transport: string;
  /** User part: a token that this proxy will find in the Route of later requests. */
  readonly token?: string | undefined;
}

/**
 * `<sip:token@host:port;transport=udp;lr>`, for Record-Route, Path and Service-Route. A secured side
 * is `sips:`, since `transport=tls` is deprecated (RFC 3261 §26.2.2, RFC 7118 §5.4 for `ws`).
 */
export function routeValue({ host, port, transport, token }: Side): string {
  const user = token === undefined ? "" : `${token}@`;
  const place = `${user}${formatHost(host)}:${port}`;
  switch (transport.toLowerCase()) {
    case "tls":
      return `<sips:${place};lr>`;
    case "wss":
      return `<sips:${place};transport=ws;lr>`;
  }
  return `<sip:${place};transport=${transport.toLowerCase()};lr>`;
}

/** RFC 5658 §4: the side the request came in by, and above it the side it goes out by. */
export function recordBothSides(outgoing: SipRequest, incoming: Side, leaving: Side): void {
  outgoing.push("Record-Route", routeValue(incoming));
  outgoing.push("Record-Route", routeValue(leaving));
}

/**
 * What a request recorded stands in the response that makes its dialog, or later requests pass by:
 * RFC 3261 §12.1.1, TS 24.229 §5.2.6.4. Changes `response`; true when something was missing.
 * @param sent as it went to the next hop; @param above whether later hops record themselves, too: a UE does not
 */
export function restoreRecordRoute(
  sent: SipRequest,
  response: SipResponse,
  above: boolean,
): boolean {
  if (response.status <= 100 || response.status >= 300) return false;
  const recorded = sent.texts("Record-Route");
  const listed = response.texts("Record-Route");
  const rest = above ? listed.slice(0, Math.max(0, listed.length - recorded.length)) : [];
  const isWhole =
    listed.length === rest.length + recorded.length &&
    recorded.every((value, at) => isSameEntry(value, listed[rest.length + at]));
  if (isWhole) return false;
  const others = above
    ? listed.filter((value) => !recorded.some((own) => isSameEntry(own, value)))
    : [];
  response.set("Record-Route", [...others, ...recorded]);
  return true;
}

/** Some write it anew: what counts is that it leads to the same place, and loosely. */
function isSameEntry(recorded: string, listed: string | undefined): boolean {
  if (recorded === listed) return true;
  const [a, b] = [parseNameAddr(recorded)?.uri, parseNameAddr(listed ?? "")?.uri];
  if (!isSip(a) || !isSip(b) || !sameUri(a, b)) return false;
  return a.params.has("lr") === b.params.has("lr");
}
