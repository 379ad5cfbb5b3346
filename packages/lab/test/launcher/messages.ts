// Messages as the ladder gets them, for tests.
import { decode } from "@ims-lab/common/sip/message/decode";
import type { SipMessage } from "@ims-lab/common/sip/message/message";
import type { TransportName } from "@ims-lab/common/sip/transport/transport";
import type { ObservedMessage, Participant } from "../../src/launcher/message-correlator.ts";

export const DOMAIN = "ims.mnc001.mcc001.3gppnetwork.org";

export interface Told {
  readonly from?: Participant;
  readonly to?: Participant;
  /** The device's address. */
  readonly port?: number;
  readonly transport?: TransportName;
  readonly user?: string;
  readonly callId?: string;
  readonly method?: string;
  /** Makes it a response. */
  readonly status?: number;
  readonly reason?: string;
  readonly contact?: string;
  readonly at?: number;
  readonly toPort?: number;
  /** Of the To header, where it is not the user's. */
  readonly toUri?: string;
}

const NODE_PORTS: Readonly<Record<string, number>> = { "P-CSCF": 5060, "S-CSCF": 6060 };

export function observedMessage(told: Told): ObservedMessage {
  const { from = "stranger", to = "P-CSCF", port = 40_001, transport = "udp", at = 0 } = told;
  const portOf = (place: Participant): number => NODE_PORTS[place] ?? port;
  const hop = {
    from: { host: "127.0.0.1", port: portOf(from) },
    to: { host: "127.0.0.1", port: told.toPort ?? portOf(to) },
    transport,
  };
  return { at, from, to, message: message(told), hop };
}

function message(told: Told): SipMessage {
  const { user = "bob", callId = "c1", method = "REGISTER", status, reason = "x", contact } = told;
  const start =
    status === undefined ? `${method} sip:${DOMAIN} SIP/2.0` : `SIP/2.0 ${status} ${reason}`;
  const lines = [
    start,
    "Via: SIP/2.0/UDP a;branch=z9hG4bK1",
    `From: <sip:${user}@${DOMAIN}>;tag=1`,
    `To: <${told.toUri ?? `sip:${user}@${DOMAIN}`}>`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    ...(contact === undefined ? [] : [`Contact: ${contact}`]),
  ];
  const { message: decoded } = decode(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"));
  if (decoded === undefined) throw new Error(`malformed: ${start}`);
  return decoded;
}
