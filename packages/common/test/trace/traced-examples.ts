// Messages as they were traced, over both families of addresses.
import type { TracedMessage } from "../../src/trace/traced-message.ts";

/** An OPTIONS as it was on the wire. */
export function traced(callId: string, body = ""): Buffer {
  return Buffer.from(
    [
      "OPTIONS sip:bob@example.com SIP/2.0",
      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK776asdhds",
      "Max-Forwards: 70",
      "To: <sip:bob@example.com>",
      "From: <sip:alice@example.com>;tag=1",
      `Call-ID: ${callId}`,
      "CSeq: 1 OPTIONS",
      `Content-Length: ${body.length}`,
      "",
      body,
    ].join("\r\n"),
  );
}

export const V4: TracedMessage = {
  at: 1_700_000_000_000.5,
  transport: "udp",
  from: { host: "192.0.2.1", port: 5060 },
  to: { host: "192.0.2.2", port: 6060 },
  bytes: traced("one"),
};
export const V6: TracedMessage = {
  ...V4,
  from: { host: "2001:db8::1", port: 5060 },
  to: { host: "2001:db8::2", port: 4060 },
  bytes: traced("odd length", "x"),
};
