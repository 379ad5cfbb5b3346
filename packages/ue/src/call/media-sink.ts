// RTP sink for a UE's calls: a port that takes packets, counts them and sends none. RFC 3550 §11.
import type { HostPort, Transport } from "@ims-lab/common/sip/transport/transport";

export class MediaSink {
  readonly #transport: Transport;
  #packets = 0;
  #isOpen = false;

  /** @param transport of datagrams */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Binds once. Rejects with the system's error. */
  async open(): Promise<void> {
    if (this.#isOpen) return;
    this.#isOpen = true;
    await this.#transport.listen({
      onMessage: () => {
        this.#packets++;
      },
      onClosed: () => undefined,
      onRejected: () => undefined,
    });
  }

  get address(): HostPort {
    return this.#transport.local;
  }

  /** Since the start, of all calls. */
  get packets(): number {
    return this.#packets;
  }

  async close(): Promise<void> {
    if (this.#isOpen) await this.#transport.close();
  }
}
