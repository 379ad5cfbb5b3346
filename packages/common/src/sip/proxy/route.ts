// Routing by Route and Request-URI, loose and strict. RFC 3261 §16.4, §16.6 items 6 and 7.
import { isIp } from "../../platform/ip-address.ts";
import { Route } from "../message/fields.ts";
import type { SipRequest } from "../message/message.ts";
import { type NameAddr, parseNameAddr } from "../message/name-addr.ts";
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
  stripOwnMaddr(outgoing, isOwn);
  // RFC 5658 §4: both entries of a double Record-Route go at once.
  const before = ours.length;
  for (const { uri } of outgoing.all(Route)) {
    if (!isOwnUri(uri, isOwn)) break;
    ours.push(uri);
  }
  outgoing.drop("Route", ours.length - before);
  return ours;
}

/** True for a SIP URI that leads to one of our addresses. */
export function isOwnUri(uri: Uri | undefined, isOwn: IsOwn): uri is SipUri {
  return isSip(uri) && isOwn(placeOf(uri), portOf(uri));
}

/** RFC 3261 §16.4: the Request-URI is a Route entry of ours, put there by a strict router. */
export function isStrictlyRouted(request: SipRequest, isOwn: IsOwn): boolean {
  return targetBehind(request, isOwn) !== undefined;
}

/**
 * What a strict router has moved to the end of the Route. Many lose `;lr` on the way; then the target's own
 * lack of it tells the entry from a user at an address of ours behind a loose Route.
 */
function targetBehind(request: SipRequest, isOwn: IsOwn): NameAddr | undefined {
  const uri = request.requestUri;
  if (!isOwnUri(uri, isOwn) || !request.has("Route")) return undefined;
  const last = parseNameAddr(request.texts("Route").at(-1) ?? "");
  if (last === undefined || isOwnUri(last.uri, isOwn)) return undefined;
  return uri.params.has("lr") || !isLoose(last) ? last : undefined;
}

/** Gives our own entry back that stood in the Request-URI. */
function undoStrictRouting(outgoing: SipRequest, isOwn: IsOwn): SipUri | undefined {
  const target = targetBehind(outgoing, isOwn);
  if (target === undefined) return undefined;
  const uri = outgoing.requestUri;
  takeTarget(outgoing, target);
  return isSip(uri) ? uri : undefined;
}

/** The last Route entry becomes the Request-URI. */
export function takeTarget(outgoing: SipRequest, { uriText }: NameAddr): void {
  const routes = outgoing.texts("Route");
  outgoing.setUri(uriText);
  if (routes.length > 1) outgoing.set("Route", routes.slice(0, -1));
  else outgoing.remove("Route");
}

/** RFC 3261 §16.4: `maddr` has led here, so it has done its work, and so have port and transport. */
function stripOwnMaddr(outgoing: SipRequest, isOwn: IsOwn): void {
  const uri = outgoing.requestUri;
  if (!isSip(uri) || !uri.params.has("maddr")) return;
  if (!isOwnUri(uri, isOwn) || isOwn(uri.host, portOf(uri))) return;
  const { port: _port, ...rest } = uri;
  const params = uri.params.without("maddr").without("transport");
  outgoing.setUri(formatUri({ ...rest, params }));
}

/** Some put `;lr` behind the bracket. */
function isLoose({ uri, params }: NameAddr): boolean {
  return isSip(uri) && (uri.params.has("lr") || params.has("lr"));
}

/** The next hop's URI. Changes `outgoing` where that hop is a strict router (§16.6 item 6). */
export function takeNextHop(outgoing: SipRequest): Uri {
  const top = outgoing.get(Route);
  if (top === undefined) return outgoing.requestUri;
  if (isLoose(top)) return top.uri;
  outgoing.pop("Route");
  outgoing.append("Route", `<${outgoing.uri}>`);
  outgoing.setUri(formatUri(top.uri));
  return top.uri;
}

/** Undefined where we cannot go: no SIP URI, or a transport nobody has. */
export function destinationOf(uri: Uri): Destination | undefined {
  if (!isSip(uri)) return undefined;
  const transport = transportOf(uri);
  if (transport === null) return undefined;
  const to: Destination = { host: placeOf(uri), port: portOf(uri) };
  // RFC 3263 §4.1, §4.2: a port ends the search, a transport shortens it.
  const byService = uri.port === undefined && !uri.params.get("maddr");
  return {
    ...to,
    ...(transport !== undefined && { transport }),
    ...(byService && !isIp(to.host) && { byService }),
  };
}

/** RFC 3261 §19.1.1: `maddr` stands for the host. */
function placeOf({ host, params }: SipUri): string {
  return params.get("maddr") || host;
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
