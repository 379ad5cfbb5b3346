// Settings of the listeners beside UDP and TCP: TLS and WebSocket, each with a port of its own.
import type { Impossible } from "./config.ts";
import { flag, optional, port, type SchemaOf, text, texts } from "./settings.ts";

export interface TlsSettings {
  /** Absent: no listener; connections to others are possible all the same. */
  readonly port: number | undefined;
  /** Paths of PEM files. */
  readonly key: string | undefined;
  readonly cert: string | undefined;
  readonly ca: string | undefined;
  readonly requestClientCertificate: boolean;
}

export interface WebSocketSettings {
  readonly port: number | undefined;
  /** Within TLS, with the certificate of `tls`. */
  readonly securePort: number | undefined;
  readonly origins: readonly string[];
}

export function tlsSettings(usualPort: number): SchemaOf<TlsSettings> {
  return {
    port: optional(port({ doc: `TLS port, usually ${usualPort}; not set: none.`, default: 0 })),
    key: optional(text({ doc: "Private key, a PEM file.", default: "-" })),
    cert: optional(text({ doc: "Certificate and its chain, a PEM file.", default: "-" })),
    ca: optional(
      text({ doc: "Authorities to believe, a PEM file; not set: Node's own.", default: "-" }),
    ),
    requestClientCertificate: flag({
      doc: "Take only peers with a certificate of these authorities.",
      default: false,
    }),
  };
}

export function webSocketSettings(): SchemaOf<WebSocketSettings> {
  return {
    port: optional(port({ doc: "Port for SIP over WebSocket; not set: none.", default: 0 })),
    securePort: optional(
      port({ doc: "The same within TLS (wss), with tls.cert; not set: none.", default: 0 }),
    ),
    origins: texts({
      doc: "Web pages that may connect, such as https://phone.example; empty: any.",
      allowed: "a list of origins, each scheme://host[:port]",
      accepts: (written) => /^[a-z][a-z\d+.-]*:\/\/[^/\s]+$/i.test(written),
      default: [],
    }),
  };
}

/** @param side where the settings stand: "access" */
export function impossibleTls(
  side: string,
  tls: TlsSettings,
  webSocket?: WebSocketSettings,
): readonly Impossible[] {
  const found: Impossible[] = [];
  const listens = tls.port !== undefined || webSocket?.securePort !== undefined;
  for (const file of ["key", "cert"] as const) {
    const other = file === "key" ? tls.cert : tls.key;
    if (tls[file] !== undefined || (!listens && other === undefined)) continue;
    const why = listens ? `a TLS port of ${side} is set` : "the other of key and cert is set";
    found.push({ key: `${side}.tls.${file}`, allowed: `a PEM file, since ${why}` });
  }
  return found;
}
