// Our own URIs in Route, Path and Record-Route. RFC 3261 §16.6 step 4, RFC 3327, RFC 5658.
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";

/** RFC 3261 §16.6 step 4, RFC 6665 §4.3: what makes or may make a dialog. */
const RECORD_ROUTED: ReadonlySet<string> = new Set(["INVITE", "SUBSCRIBE", "NOTIFY", "REFER"]);

export function isRecordRouted(method: string): boolean {
  return RECORD_ROUTED.has(method);
}

/** Our Path value, and the Contact under which the S-CSCF subscribes: the core URI with a token. */
export function pathValue(token: string, at: HostPort & { readonly transport: string }): string {
  const scheme = at.transport === "tls" ? "sips" : "sip";
  return `<${scheme}:${token}@${formatHostPort(at)};lr>`;
}
