// Where a request set out: behind a P-CSCF that we trust its lowest Via says so. RFC 3261 §18.2.1, RFC 3581 §4.
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";

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
