// Counts of connections per source, and of those that have not said anything whole yet.
import { sourceOf } from "../../platform/ip-address.ts";

interface Counted {
  open: number;
  silent: number;
}

export class ConnectionCounts {
  readonly #bySource = new Map<string, Counted>();
  /** Flow ids of accepted connections before their first message. */
  readonly #silent = new Set<string>();

  of(host: string): Readonly<Counted> {
    return this.#bySource.get(sourceOf(host)) ?? NONE;
  }

  /** Flow id of the connection that has been silent longest. */
  get oldestSilent(): string | undefined {
    const [oldest] = this.#silent;
    return oldest;
  }

  accepted(host: string, flowId: string): void {
    const { open, silent } = this.of(host);
    this.#bySource.set(sourceOf(host), { open: open + 1, silent: silent + 1 });
    this.#silent.add(flowId);
  }

  /** Its first whole message has come. */
  heard(host: string, flowId: string): void {
    if (this.#silent.size === 0 || !this.#silent.delete(flowId)) return;
    const counted = this.#bySource.get(sourceOf(host));
    if (counted !== undefined) counted.silent--;
  }

  gone(host: string, flowId: string): void {
    this.heard(host, flowId);
    const source = sourceOf(host);
    const counted = this.#bySource.get(source);
    if (counted === undefined) return;
    counted.open--;
    if (counted.open === 0) this.#bySource.delete(source);
  }
}

const NONE: Readonly<Counted> = { open: 0, silent: 0 };
