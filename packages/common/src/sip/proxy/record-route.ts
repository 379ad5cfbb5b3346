// Staying in the way of a dialog: Record-Route with an entry for each side. RFC 3261 §16.6 item 4, RFC 5658.
import type { SipRequest } from "../message/message.ts";
import { formatHost } from "../message/uri.ts";

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
