// Where a request goes by its Route and Request-URI, loose and strict. RFC 3261 §16.4, §16.6 items 6 and 7.
import { isIp } from "../../platform/ip-address.ts";
import { Route } from "../message/fields.ts";
import type { SipRequest } from "../message/message.ts";
import { formatUri, isSip, type SipUri, type Uri } from "../message/uri.ts";
import type { Destination, NamedDestination } from "../transaction/user.ts";
import type { IsOwn } from "./loop.ts";

/**
 * Takes our own entries off the route and undoes what a strict router did. Changes `outgoing`.
 * Returns the entries that were ours, topmost first: they may hold our tokens.
 */
export function takeOwnRoutes(outgoing: SipRequest, isOwn: IsOwn): readonly SipUri[] {
  const ours: SipUri[] = [];
  const strict = undoStrictRouting(outgoing, isOwn);
  if (strict !== undefined) ours.push(strict);
  // RFC 5658 §4: both entries of a double Record-Route go at once.
  const before = ours.length;
  for (const { uri } of outgoing.all(Route)) {
    if (!isOwnUri(uri, isOwn)) break;
    ours.push(uri);
  }
  outgoing.drop("Route", ours.length - before);
  return ours;
}

function ownTop(request: SipRequest, isOwn: IsOwn): SipUri | undefined {
  const uri = request.get(Route)?.uri;
  return isOwnUri(uri, isOwn) ? uri : undefined;
}

/** True for a SIP URI at one of our addresses. */
export function isOwnUri(uri: Uri | undefined, isOwn: IsOwn): uri is SipUri {
  return isSip(uri) && isOwn(uri.host, portOf(uri));
}

/** §16.4: our Record-Route entry stands in the Request-URI, the target is the last Route entry. */
function undoStrictRouting(outgoing: SipRequest, isOwn: IsOwn): SipUri | undefined {
  const uri = outgoing.requestUri;
  if (!isOwnUri(uri, isOwn) || !uri.params.has("lr") || !outgoing.has("Route")) return undefined;
  if (ownTop(outgoing, isOwn) !== undefined) return undefined; // a loose router sent it
  const routes = outgoing.texts("Route");
  const target = outgoing.all(Route).at(-1);
  if (target === undefined) return undefined;
  outgoing.setUri(target.uriText);
  if (routes.length > 1) outgoing.set("Route", routes.slice(0, -1));
  else outgoing.remove("Route");
  return uri;
}

/** The next hop's URI. Changes `outgoing` where that hop is a strict router (§16.6 item 6). */
export function takeNextHop(outgoing: SipRequest): Uri {
  const top = outgoing.get(Route);
  if (top === undefined) return outgoing.requestUri;
  if (isSip(top.uri) && top.uri.params.has("lr")) return top.uri;
  outgoing.pop("Route");
  outgoing.append("Route", `<${outgoing.uri}>`);
  outgoing.setUri(formatUri(top.uri));
  return top.uri;
}

/** Undefined where we cannot go: no SIP URI, or a transport nobody has. */
export function destinationOf(uri: Uri): Destination | undefined {
  if (!isSip(uri)) return undefined;
  const maddr = uri.params.get("maddr") || undefined;
  const transport = transportOf(uri);
  if (transport === null) return undefined;
  const to: Destination = { host: maddr ?? uri.host, port: portOf(uri) };
  // RFC 3263 §4.1, §4.2: a port ends the search, a transport shortens it.
  const byService = uri.port === undefined && maddr === undefined;
  return {
    ...to,
    ...(transport !== undefined && { transport }),
    ...(byService && !isIp(to.host) && { byService }),
  };
}

/** RFC 3261 §26.2.2: sips is TLS; `transport=tls` is written by others only. Null: unknown. */
function transportOf({ scheme, params }: SipUri): TransportName | undefined | null {
  const named = params.get("transport")?.toLowerCase() ?? "";
  if (scheme === "sips") return SECURED[named] ?? null;
  if (named === "") return undefined;
  return NAMED[named] ?? null;
}
type TransportName = NonNullable<NamedDestination["transport"]>;
const NAMED: Readonly<Record<string, TransportName>> = {
  udp: "udp",
  tcp: "tcp",
  tls: "tls",
  ws: "ws",
};
const SECURED: Readonly<Record<string, TransportName>> = {
  "": "tls",
  tcp: "tls",
  tls: "tls",
  ws: "wss",
};

function portOf(uri: SipUri): number {
  if (uri.port !== undefined) return uri.port;
  const transport = uri.params.get("transport")?.toLowerCase();
  // RFC 7118 §5.4 with RFC 6455 §3; RFC 3261 §19.1.2.
  if (transport === "ws") return uri.scheme === "sips" ? 443 : 80;
  return uri.scheme === "sips" || transport === "tls" ? 5061 : 5060;
}
