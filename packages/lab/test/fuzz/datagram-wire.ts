// A wire between a server and its clients that harms datagrams both ways; each side takes it for the other by its address.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Clock } from "@ims-lab/common/platform/clock";
import { formatHostPort, type HostPort } from "@ims-lab/common/sip/transport/transport";
import { SIP_CORPUS } from "./corpus.ts";
import { DamageSource } from "./damage-source.ts";
import { type Delivery, fateOf } from "./fate.ts";
import type { Faults } from "./faults.ts";

export interface DatagramWireOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly faults: Faults;
  /** Where clients send to, as if it was the server. */
  readonly front: HostPort;
  readonly server: HostPort & { readonly name: string };
  /** Clients that the server must find at a port of theirs; others get any. */
  readonly known: readonly { readonly client: HostPort; readonly port: number }[];
  readonly clientName: string;
}

/** The same client and how the server sees it. */
interface Back {
  readonly client: HostPort;
  readonly socket: Socket;
}

export class DatagramWire {
  readonly source: DamageSource;
  readonly #options: DatagramWireOptions;
  readonly #front: Socket = createSocket("udp4");
  readonly #backs = new Map<string, Promise<Back>>();

  constructor(options: DatagramWireOptions) {
    this.#options = options;
    this.source = new DamageSource(options.seed);
  }

  async listen(): Promise<void> {
    const { front, known } = this.#options;
    await bound(this.#front, front.host, front.port);
    this.#front.on("message", (bytes, { address, port }) => {
      void this.#upwards(bytes, { host: address, port });
    });
    for (const { client, port } of known) await this.#back(client, port);
  }

  async close(): Promise<void> {
    this.#front.close();
    for (const back of await Promise.all(this.#backs.values())) back.socket.close();
  }

  async #upwards(bytes: Buffer, client: HostPort): Promise<void> {
    const { server, faults } = this.#options;
    const { socket } = await this.#back(client, 0);
    this.#carry(bytes, (one) => {
      faults.reached(server.name, one);
      socket.send(one, server.port, server.host);
    });
  }

  #downwards(bytes: Buffer, client: HostPort): void {
    const { clientName, faults } = this.#options;
    this.#carry(bytes, (one) => {
      faults.reached(clientName, one);
      this.#front.send(one, client.port, client.host);
    });
  }

  #carry(bytes: Buffer, send: (bytes: Buffer) => void): void {
    const { source } = this;
    const { clock } = this.#options;
    for (const { bytes: one, afterMs } of this.#fate(bytes)) {
      // What does not fit a datagram is lost, as it would be anywhere.
      if (one.length > LARGEST_DATAGRAM) continue;
      if (afterMs === 0) send(one);
      else clock.after(afterMs, () => send(one));
    }
    source.remember(bytes);
  }

  #fate(bytes: Buffer): readonly Delivery[] {
    const { source } = this;
    if (!source.strikes()) return [{ bytes, afterMs: 0 }];
    return fateOf(bytes, { others: source.passed, corpus: SIP_CORPUS }, source.random);
  }

  #back(client: HostPort, port: number): Promise<Back> {
    const key = formatHostPort(client);
    const known = this.#backs.get(key);
    if (known !== undefined) return known;
    const opened = this.#open(client, port);
    this.#backs.set(key, opened);
    return opened;
  }

  async #open(client: HostPort, port: number): Promise<Back> {
    const socket = createSocket("udp4");
    await bound(socket, this.#options.front.host, port);
    socket.on("message", (bytes) => this.#downwards(bytes, client));
    return { client, socket };
  }
}

const LARGEST_DATAGRAM = 65_507;

async function bound(socket: Socket, address: string, port: number): Promise<void> {
  socket.bind({ address, port, exclusive: true });
  await once(socket, "listening");
  socket.on("error", () => undefined); // an earlier datagram found nobody
}
