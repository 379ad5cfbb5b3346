// A port that is free now, for a stack that cannot ask the system for one.
import type { Transport } from "@ims-lab/common/sip/transport/transport";

/** Binds `probe` (made with port 0), looks, and lets go: another process may still be quicker. */
export async function freePort(probe: Transport): Promise<number> {
  await probe.listen({
    onMessage: () => undefined,
    onClosed: () => undefined,
    onRejected: () => undefined,
  });
  const { port } = probe.local;
  await probe.close();
  return port;
}
