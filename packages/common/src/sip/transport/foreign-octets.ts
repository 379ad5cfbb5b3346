// Octets at a SIP port that are another protocol's: what a person is told who has taken the wrong port.

/** One clause; undefined for what may well be meant as SIP. */
export function foreignProtocol(octets: Buffer): string | undefined {
  const [first = 0, second = 0] = octets;
  // A ClientHello (RFC 8446 §5.1, RFC 9147 §4).
  if (first === 0x16 && second === 0x03)
    return "a TLS handshake came to a port without TLS: TLS has a port of its own";
  if (first === 0x16 && second === 0xfe) return "DTLS came to the port of SIP over UDP";
  if (first >> 6 === 2) return "RTP or RTCP came to a SIP port"; // RFC 3550 §5.1: version 2
  const start = octets.toString("latin1", 0, 200);
  if (/^[A-Z]{3,7} \S+ HTTP\/\d/.test(start))
    return "HTTP came to a SIP port: WebSocket and the admin interface have ports of their own";
  return undefined;
}
