// Forwarding of the nodes' traces to a HEP3 collector of the user's own.
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import { hepSender } from "@ims-lab/common/trace/hep-socket";
import type { TraceSink } from "@ims-lab/common/trace/traced-message";

/** The nodes' own HEP capture agent ids. */
const CAPTURE_IDS: Readonly<Record<string, number>> = { ue: 3, pcscf: 2002, scscf: 2003 };

export function hepForwarder(collector: HostPort | undefined): TraceSink {
  if (collector === undefined) return { trace: () => undefined, close: () => Promise.resolve() };
  const senders = new Map<string, TraceSink>();
  for (const [node, captureId] of Object.entries(CAPTURE_IDS))
    senders.set(node, hepSender({ collector, captureId, node }));
  return {
    trace: (message) => senders.get(message.node ?? "")?.trace(message),
    async close() {
      await Promise.all([...senders.values()].map((sender) => sender.close()));
    },
  };
}
