// Origin of a request: trusted or not, and what is left of the request when it is not. TS 24.229 §4.4.
import type { Credentials } from "@ims-lab/common/ims/credentials";
import { type TrustedPeer, trustedPeerOf } from "@ims-lab/common/platform/cidr";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { type Flow, formatHostPort, isSecure } from "@ims-lab/common/sip/transport/transport";

export interface TrustSettings {
  readonly trustedPeers: readonly TrustedPeer[];
  /** Trusted peers whose `yes` and `auth-done` count. */
  readonly mayAssert: readonly TrustedPeer[];
  /** Takes REGISTERs of devices that come without a P-CSCF. */
  readonly allowDirect: boolean;
}

/** What a request may claim, given who sent it. */
export interface RequestOrigin {
  readonly trusted: boolean;
  readonly mayAssert: boolean;
  /** Path values of a trusted peer, topmost first. */
  readonly path: readonly string[];
  /** Where it came from: transport, address, port. */
  readonly source: string;
  /** `host:port` by which the sender knows us. */
  readonly self: string;
  /** `sips` where it came within TLS, so that what follows does too. */
  readonly scheme: "sip" | "sips";
  /** It came over a connection: its source address is no mere claim. */
  readonly isConnected: boolean;
}

/** A REGISTER's, with what a trusted peer says of how its credentials came to it. */
export interface RegisterOrigin extends RequestOrigin {
  /** `integrity-protected`, in lower case. */
  readonly integrity: string | undefined;
}

export function withIntegrity(
  origin: RequestOrigin,
  credentials: Credentials | undefined,
): RegisterOrigin {
  const said = origin.trusted ? credentials?.params.get("integrity-protected") : undefined;
  const { trusted, mayAssert, path, source, self, scheme, isConnected } = origin;
  const integrity = said?.toLowerCase();
  return { trusted, mayAssert, path, source, self, scheme, isConnected, integrity };
}

export function originOf(
  settings: TrustSettings,
  request: SipRequest,
  flow: Flow,
  self: string,
): RequestOrigin {
  const scheme = isSecure(flow.transport) ? "sips" : "sip";
  const source = `${flow.transport}:${formatHostPort(flow.remote)}`;
  const trusted = isPeerOf(settings.trustedPeers, request, flow);
  return {
    trusted,
    mayAssert: trusted && isPeerOf(settings.mayAssert, request, flow),
    path: trusted ? request.texts("Path") : NO_PATH,
    source,
    self,
    scheme,
    isConnected: flow.transport !== "udp",
  };
}

const NO_PATH: readonly string[] = [];

/**
 * A connection that the peer opened has a port of the system's choice: there its Via says which
 * listening port it stands for. Any process of the peer's machine could say so.
 */
function isPeerOf(peers: readonly TrustedPeer[], request: SipRequest, flow: Flow): boolean {
  const { host, port } = flow.remote;
  if (peers.length === 0) return false;
  const names = flow.tls?.names;
  if (trustedPeerOf(peers, host, port, names) !== undefined) return true;
  if (flow.transport === "udp") return false;
  const claimed = request.get(Via)?.port ?? 5060;
  return trustedPeerOf(peers, host, claimed, names) !== undefined;
}

/** The sender vouches that this IMPI and Contact last authenticated over this very association. */
export function isProtected({ trusted, mayAssert, integrity }: RegisterOrigin): boolean {
  if (!trusted) return false;
  return (
    integrity === "ip-assoc-yes" || integrity === "tls-yes" || (integrity === "yes" && mayAssert)
  );
}

/** The sender has authenticated the user itself. */
export function isAuthenticatedByPeer({ trusted, mayAssert, integrity }: RegisterOrigin): boolean {
  return trusted && mayAssert && integrity === "auth-done";
}

/** `192.0.2.7:5060/udp`. @param sender who handed it to us; `source` as in `udp:192.0.2.7:5060` */
export function deviceSource(
  request: SipRequest,
  sender: { readonly trusted: boolean; readonly source: string },
): string {
  const vias = sender.trusted ? request.all(Via) : [];
  const lowest = vias.length > 1 ? vias.at(-1) : undefined;
  if (lowest === undefined) return asPeer(sender.source);
  const { received, rport, host, port = 5060, transport } = lowest;
  const from = formatHostPort({ host: received ?? host, port: rport || port });
  return `${from}/${transport.toLowerCase()}`;
}

function asPeer(source: string): string {
  const end = source.indexOf(":");
  return `${source.slice(end + 1)}/${source.slice(0, end)}`;
}
