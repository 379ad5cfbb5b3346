// The same for TCP: what passes is a stream, so chunks of it are harmed, and connections cut off.
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Random } from "@ims-lab/common/platform/random";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import { DamageSource } from "./damage-source.ts";
import type { Faults } from "./faults.ts";
import { damage } from "./live-mutations.ts";
import { mutate, pick } from "./mutate.ts";

export interface StreamWireOptions {
  readonly seed: number;
  readonly faults: Faults;
  readonly front: HostPort;
  readonly server: HostPort & { readonly name: string };
  readonly clientName: string;
}

export class StreamWire {
  readonly source: DamageSource;
  readonly #options: StreamWireOptions;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: StreamWireOptions) {
    this.#options = options;
    this.source = new DamageSource(options.seed);
    this.#listener = createServer((client) => this.#join(client));
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options.front;
    this.#listener.listen({ host, port });
    await once(this.#listener, "listening");
  }

  /** Half a message may be on its way: only new connections are sound. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.#listener.close(() => resolve()));
  }

  #join(client: Socket): void {
    const { server, clientName } = this.#options;
    const upstream = connect({ host: server.host, port: server.port });
    this.#pass(client, upstream, server.name);
    this.#pass(upstream, client, clientName);
  }

  #pass(from: Socket, to: Socket, name: string): void {
    const { source } = this;
    const { faults } = this.#options;
    this.#sockets.add(from);
    from.on("error", () => undefined);
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.on("data", (chunk) => {
      for (const piece of source.strikes() ? harmed(chunk, source, to) : [chunk]) {
        faults.reached(name, piece);
        to.write(piece);
      }
      source.remember(chunk);
    });
  }
}

type Harm = (chunk: Buffer, others: readonly Buffer[], random: Random) => readonly Buffer[];

const HARMS: readonly Harm[] = [
  (chunk, others, random) => [damage(chunk, others, random)],
  (chunk, others, random) => [damage(chunk, others, random), chunk],
  (chunk, _others, random) => [mutate(chunk, random)],
  (chunk) => [chunk, chunk],
  (chunk, others, random) => [chunk, pick([chunk, ...others], random)],
  // octet by octet: sound, only slow
  (chunk) => [...chunk].map((octet) => Buffer.from([octet])),
];

function harmed(chunk: Buffer, { random, passed }: DamageSource, to: Socket): readonly Buffer[] {
  if (random.fraction() < 0.1) {
    to.end(chunk.subarray(0, Math.floor(random.fraction() * chunk.length)));
    return [];
  }
  return pick(HARMS, random)(chunk, passed, random);
}
