// The real source of a request, written into its topmost Via. RFC 3261 §18.2.1, RFC 3581 §4.
import type { SipRequest } from "../message/message.ts";
import type { ViaValue } from "../message/via.ts";
import type { Flow } from "../transport/transport.ts";

export function fillReceived(request: SipRequest, via: ViaValue, flow: Flow): void {
  const { host, port } = flow.remote;
  const asksForPort = via.rport !== undefined;
  if (!asksForPort && via.host === host && via.received === undefined) return;
  const text = request.topText("Via") ?? "";
  request.replaceTop("Via", filled(text, via, host, asksForPort ? String(port) : undefined));
}

function filled(text: string, via: ViaValue, host: string, port: string | undefined): string {
  // What our own nodes send, and most others: nothing to be replaced.
  if (port !== undefined && text.endsWith(";rport") && via.received === undefined)
    return `${text.slice(0, -6)};received=${host};rport=${port}`;
  const received = via.params.with("received", host);
  const params = port === undefined ? received : received.with("rport", port);
  // Everything before the parameters stays as the peer wrote it.
  return `${text.slice(0, text.length - via.params.toString().length)}${params}`;
}
