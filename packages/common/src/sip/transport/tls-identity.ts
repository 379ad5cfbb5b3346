// The identity in a certificate. RFC 5922 §7.1 (names), §7.2 (comparing), §7.3 (checking a server).
import { isIP } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { isIp, parseIp } from "../../platform/ip-address.ts";
import type { TlsPeer } from "./transport.ts";

const NOBODY: TlsPeer = { names: [] };

/** SIP domains (and addresses) that a verified certificate stands for. */
export function tlsPeerOf(socket: TLSSocket): TlsPeer {
  if (!socket.authorized) return NOBODY;
  return { names: certificateNames(socket.getPeerCertificate()) };
}

/** RFC 5922 §7.1: sip: URIs count first, DNS names only without them, then the common name. */
export function certificateNames(certificate: Partial<PeerCertificate>): readonly string[] {
  const alternatives = alternativeNames(certificate.subjectaltname ?? "");
  const addresses = alternatives.filter(({ kind }) => kind === "IP Address").map(nameOf);
  const uris = alternatives.filter(({ kind }) => kind === "URI").map(({ name }) => sipDomain(name));
  const domains = uris.filter((domain) => domain !== undefined);
  if (domains.length > 0) return [...domains, ...addresses];
  const names = alternatives.filter(({ kind }) => kind === "DNS").map(nameOf);
  if (names.length > 0 || addresses.length > 0) return [...names, ...addresses];
  const common = certificate.subject?.CN;
  return typeof common === "string" ? [common.toLowerCase()] : [];
}

/** RFC 5922 §7.2: whole names, no wildcards; an address is compared as an address. */
export function isNamed(names: readonly string[], domain: string): boolean {
  const wanted = domain.toLowerCase();
  if (isIP(wanted) === 0) return names.includes(wanted);
  const address = parseIp(wanted)?.join();
  return names.some((name) => isIp(name) && parseIp(name)?.join() === address);
}

/** For `tls.connect`: undefined when the certificate is good for `domain`. */
export function checkIdentity(domain: string, certificate: PeerCertificate): Error | undefined {
  const names = certificateNames(certificate);
  if (isNamed(names, domain)) return undefined;
  const shown = names.join(", ") || "nobody";
  return Object.assign(new Error(`its certificate names ${shown}, not ${domain}`), {
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
  });
}

interface AlternativeName {
  readonly kind: string;
  readonly name: string;
}

/** Values that Node had to quote hold odd characters: they name nobody. */
function alternativeNames(text: string): readonly AlternativeName[] {
  const found: AlternativeName[] = [];
  for (const [, kind = "", name = ""] of text.matchAll(ALTERNATIVE)) {
    if (!name.startsWith('"')) found.push({ kind, name });
  }
  return found;
}
/** Begins at a name only: from each character of a long word it would look at the rest of it. */
const ALTERNATIVE = /(?<=^|, )([\w ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g;

function nameOf({ name }: AlternativeName): string {
  return name.toLowerCase();
}

/** Only a SIP URI without user part names a domain. */
function sipDomain(uri: string): string | undefined {
  return /^sips?:([^@;?:[\]]+|\[[^\]]+\])$/i.exec(uri)?.[1]?.toLowerCase();
}
