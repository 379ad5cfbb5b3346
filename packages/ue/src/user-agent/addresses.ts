// The URIs a UE is reached by and goes out by. RFC 3261 §8.1.1.8, RFC 5630 §5.1.1; TS 24.229 §5.1.2A.1.1.
import { formatHost } from "@ims-lab/common/sip/message/uri";
import { isSecured } from "@ims-lab/common/sip/proxy/secured";
import type { HostPort, TransportName } from "@ims-lab/common/sip/transport/transport";

/** Where something is reached, and how. */
export interface TransportAddress extends HostPort {
  readonly transport: TransportName;
}

/** `transport=tls` is never written (RFC 5630 §5.1.1): TLS runs over TCP, and `sips:` says the rest. */
const PARAMETER: Readonly<Record<TransportName, string>> = {
  udp: "",
  tcp: ";transport=tcp",
  tls: ";transport=tcp",
  ws: ";transport=ws",
  wss: ";transport=ws",
};

/** A UE with a `sips:` identity is reached by `sips:`; another one by `sip:`, over TLS as well. */
function schemeOf(impu: string): "sip" | "sips" {
  return isSecured(impu) ? "sips" : "sip";
}

export function contactUri(impu: string, user: string, at: TransportAddress): string {
  return `${schemeOf(impu)}:${user}@${formatHost(at.host)}:${at.port}${PARAMETER[at.transport]}`;
}

/** TS 24.229 §5.1.2A.1.1: the P-CSCF comes first in the preloaded Route. */
export function proxyRoute(impu: string, { host, port, transport }: TransportAddress): string {
  return `<${schemeOf(impu)}:${formatHost(host)}:${port}${PARAMETER[transport]};lr>`;
}

/** Request-URI of REGISTER, and the digest's uri: the home domain without a user. */
export function registrarUri(impu: string, domain: string): string {
  return `${schemeOf(impu)}:${domain}`;
}

/** RFC 5630 §5.1.1: what is called by `sips:` is called by a `sips:` identity, or not at all. */
export function mayCall(impu: string, target: string): boolean {
  return !isSecured(target) || isSecured(impu);
}
