// A node's traces by setting: HEP3 to a collector, a capture file.
import type { Logger } from "../platform/logger.ts";
import { optional, type SchemaOf, text, textThat } from "../platform/settings.ts";
import type { Interceptor } from "../sip/endpoint/interceptors.ts";
import { parseHostPort } from "../sip/message/uri.ts";
import { hepSender } from "./hep-socket.ts";
import { pcapFile } from "./pcap-file.ts";
import type { TraceSink } from "./traced-message.ts";

export interface TraceSettings {
  /** `host:port` of a HEP3 collector. */
  readonly hep: string | undefined;
  /** Path of a capture file, overwritten at start. */
  readonly pcap: string | undefined;
}

export const traceSettings: SchemaOf<TraceSettings> = {
  hep: optional(
    textThat({
      doc: "Send every SIP message as HEP3 to this collector (Homer, sngrep -L).",
      allowed: "host:port",
      accepts: (written) => parseHostPort(written)?.port !== undefined,
      default: "",
    }),
  ),
  pcap: optional(text({ doc: "Write every SIP message to this capture file.", default: "" })),
};

export interface NodeTrace {
  /** For the endpoints; none when nothing is traced, so that it costs nothing. */
  readonly interceptors: readonly Interceptor[];
  close(): Promise<void>;
}

/** @param node the name under which a collector shows it; @param captureId tells agents apart */
export function openTrace(
  settings: TraceSettings,
  { node, captureId, log }: { node: string; captureId: number; log: Logger },
): NodeTrace {
  const sinks: TraceSink[] = [];
  const collector = settings.hep === undefined ? undefined : parseHostPort(settings.hep);
  if (collector?.port !== undefined) {
    const { host, port } = collector;
    sinks.push(hepSender({ collector: { host, port }, captureId, node }));
  }
  if (settings.pcap !== undefined) {
    const path = settings.pcap;
    sinks.push(pcapFile(path, (error) => log.warn("trace.pcap-failed", { path, error })));
  }
  return {
    interceptors: sinks.length === 0 ? [] : [tracing(sinks, node)],
    close: closeAll(sinks),
  };
}

/** Every message goes on as it is. @param node the name under which it is shown */
function tracing(sinks: readonly TraceSink[], node: string): Interceptor {
  return (message, next) => {
    const { direction, bytes, flow, at } = message;
    const [from, to] = direction === "in" ? [flow.remote, flow.local] : [flow.local, flow.remote];
    for (const sink of sinks) sink.trace({ at, transport: flow.transport, from, to, bytes, node });
    next(message);
  };
}

function closeAll(sinks: readonly TraceSink[]): () => Promise<void> {
  return async () => {
    await Promise.all(sinks.map((sink) => sink.close()));
  };
}
