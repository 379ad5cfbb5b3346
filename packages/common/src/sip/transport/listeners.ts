// The transports of one side of a node, made from its settings; certificates are read here, once. RFC 3261 §18.
import { readFileSync } from "node:fs";
import type { Clock } from "../../platform/clock.ts";
import { SettingError } from "../../platform/config/error.ts";
import { logRateLimit } from "../../platform/log-rate-limit.ts";
import type { Logger } from "../../platform/logger.ts";
import type { TlsSettings, WebSocketSettings } from "../../platform/secured-settings.ts";
import type { StreamLimits } from "./stream-limits.ts";
import { tcpTransport } from "./tcp.ts";
import { type TlsOptions, tlsTransport } from "./tls.ts";
import { settingOf, tlsAdvice } from "./tls-advice.ts";
import { checkTlsFiles, type TlsFiles } from "./tls-files.ts";
import type { TlsTrouble } from "./tls-trouble.ts";
import { formatHostPort, type HostPort, type Transport, type TransportName } from "./transport.ts";
import { udpTransport } from "./udp.ts";
import { webSocketTransport } from "./ws.ts";

export interface SideSettings extends HostPort {
  readonly udpBatching?: boolean;
  readonly tls?: TlsSettings;
  readonly ws?: WebSocketSettings;
}

export interface ListenerTools {
  /** Where the settings stand: "access". */
  readonly side: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: Partial<StreamLimits>;
}

const SAY_AGAIN_MS = 600_000;
const DAY_MS = 86_400_000;

/** UDP and TCP first. Throws SettingError for files that cannot be used. */
export function transportsOf(settings: SideSettings, tools: ListenerTools): readonly Transport[] {
  const { host, port, udpBatching = false, tls, ws } = settings;
  const { clock, limits = {} } = tools;
  const transports: Transport[] = [
    udpTransport({ host, port, ...(udpBatching && { batching: { clock } }) }),
    tcpTransport({ ...limits, host, port, clock }),
  ];
  const secured = tls === undefined ? undefined : tlsOptionsOf(tls, tools);
  if (secured !== undefined && tls?.port !== undefined) {
    transports.push(tlsTransport({ ...limits, host, port: tls.port, clock }, secured));
  }
  if (ws?.port !== undefined) {
    const { origins } = ws;
    transports.push(webSocketTransport({ ...limits, host, port: ws.port, clock, origins }));
  }
  if (ws?.securePort !== undefined && secured !== undefined) {
    const at = { ...limits, host, port: ws.securePort, clock, origins: ws.origins };
    transports.push(webSocketTransport(at, secured));
  }
  return transports;
}

export interface ClientTools {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tls: Pick<TlsSettings, "key" | "cert" | "ca">;
  readonly limits?: Partial<StreamLimits>;
}

/** One transport of a user agent; within TLS and over WebSocket it is only called back on its connections. */
export function transportOf(name: TransportName, at: HostPort, tools: ClientTools): Transport {
  const { clock, log, tls, limits = {} } = tools;
  const options = { ...limits, host: at.host, port: at.port, clock };
  const secured = (): TlsOptions => {
    const settings = { ...tls, port: 0, requestClientCertificate: false };
    return tlsOptionsOf(settings, { side: "", clock, log }) as TlsOptions;
  };
  switch (name) {
    case "udp":
      return udpTransport(at);
    case "tcp":
      return tcpTransport(options);
    case "tls":
      return tlsTransport(options, secured(), false);
    case "ws":
      return webSocketTransport({ ...options, listens: false });
    case "wss":
      return webSocketTransport({ ...options, listens: false }, secured());
  }
}

/** Undefined when nothing of TLS is set. */
function tlsOptionsOf(
  settings: TlsSettings,
  tools: Omit<ListenerTools, "limits">,
): TlsOptions | undefined {
  const { requestClientCertificate } = settings;
  const { key, cert, ca, port } = settings;
  if ([key, cert, ca, port].every((value) => value === undefined)) return undefined;
  const { side, clock, log } = tools;
  const checked = checkTlsFiles(filesOf(settings, side));
  if (checked.kind === "refused") {
    const { file, allowed } = checked;
    throw new SettingError(settingOf(side, file), settings[file], allowed);
  }
  const { credentials, validUntil } = checked;
  if (validUntil !== undefined && validUntil < clock.now() + 14 * DAY_MS) {
    const days = Math.floor((validUntil - clock.now()) / DAY_MS);
    const what = days < 0 ? "it has expired: replace it" : "replace it soon";
    log.warn("tls.certificate-ends", { setting: settingOf(side, "cert"), file: cert, days, what });
  }
  const mayLog = logRateLimit(clock, SAY_AGAIN_MS);
  const onTrouble = (trouble: TlsTrouble): void => {
    const { peer, side: who, kind, why } = trouble;
    // A peer may try from many ports; what we connect to has one.
    const from = who === "they" ? peer.host : formatHostPort(peer);
    if (!mayLog(`${who} ${from} ${kind}`)) return;
    log.warn("tls.handshake-failed", {
      peer: formatHostPort(peer),
      connected: who === "they" ? "to us" : "by us",
      why,
      ...tlsAdvice(trouble, side),
    });
  };
  return { ...credentials, requestClientCertificate, onTrouble };
}

function filesOf(settings: TlsSettings, side: string): TlsFiles {
  const files: { -readonly [Name in keyof TlsFiles]: TlsFiles[Name] } = {};
  for (const name of ["key", "cert", "ca"] as const) {
    const path = settings[name];
    if (path === undefined) continue;
    try {
      files[name] = readFileSync(path, "utf8");
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      throw new SettingError(settingOf(side, name), path, `a PEM file that can be read (${code})`);
    }
  }
  return files;
}

/** For the `ready` line: "127.0.0.1:5060 tls:5061". */
export function shownAddresses(
  local: readonly (HostPort & { readonly transport: string })[],
): string {
  const [first] = local;
  if (first === undefined) return "";
  const others = local
    .filter(({ transport, port }) => !["udp", "tcp"].includes(transport) && port !== 0)
    .map(({ transport, port }) => ` ${transport}:${port}`);
  return formatHostPort(first) + others.join("");
}
