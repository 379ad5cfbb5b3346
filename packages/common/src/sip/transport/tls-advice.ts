// Advice for a person whose TLS handshake failed: the setting, and what it must be. RFC 5922.
import type { TlsTrouble, TlsTroubleKind } from "./tls-trouble.ts";

interface Advice {
  readonly setting: string;
  readonly what: string;
}

/** @param side where the settings stand: "access"; empty for a node with one side */
export function tlsAdvice({ side: who, kind }: TlsTrouble, side: string): Advice {
  const { setting, what } = (who === "we" ? TO_SERVERS : TO_CLIENTS)[kind];
  return { setting: settingOf(side, setting), what };
}

/** A node with one side has its TLS settings at the top. */
export function settingOf(side: string, name: string): string {
  return side === "" ? `tls.${name}` : `${side}.tls.${name}`;
}

const OTHER: Advice = {
  setting: "cert",
  what: "both ends must share a version (TLS 1.2 or 1.3) and a kind of key; the peer may have left for it does not believe this certificate",
};
const DISBELIEVED: Advice = {
  setting: "cert",
  what: "the peer must believe the authority that signed this certificate, which must be valid and name this node as the peer calls it",
};
const EXPIRED: Advice = {
  setting: "ca",
  what: "renew the peer's certificate, or set the clock of whichever machine has it wrong",
};

/** We connected: the peer is a server. */
const TO_SERVERS: Readonly<Record<TlsTroubleKind, Advice>> = {
  plain: {
    setting: "ca",
    what: "no TLS is spoken at that port: name the peer's TLS port in the sips: URI, or make it a sip: URI",
  },
  expired: EXPIRED,
  authority: {
    setting: "ca",
    what: "put the authority that signed the peer's certificate into this file, the ones in between into the peer's chain",
  },
  name: {
    setting: "ca",
    what: "the peer's certificate must name the host of the sips: URI we connect to (RFC 5922 §7.3): change either",
  },
  "no-certificate": OTHER,
  disbelieved: DISBELIEVED,
  other: OTHER,
};

/** The peer connected. */
const TO_CLIENTS: Readonly<Record<TlsTroubleKind, Advice>> = {
  plain: {
    setting: "port",
    what: "the peer speaks without TLS at this port: point it at the port for TCP, or switch TLS on there",
  },
  expired: EXPIRED,
  authority: {
    setting: "ca",
    what: "put the authority that signed the peer's certificate into this file",
  },
  name: OTHER,
  "no-certificate": {
    setting: "requestClientCertificate",
    what: "give the peer a certificate of an authority in tls.ca, or do not ask for one",
  },
  disbelieved: DISBELIEVED,
  other: OTHER,
};
