// Peers that took no TCP connection, remembered so that not each large request waits for it.
import type { Clock } from "../platform/clock.ts";
import type { HostPort } from "./transport/transport.ts";

const REMEMBERED_MS = 600_000;
const MOST = 10_000;

export class RefusingPeers {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(peer: HostPort): boolean {
    const until = this.#until.get(keyOf(peer));
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#until.delete(keyOf(peer));
    return false;
  }

  /** Returns false when the peer was remembered already. */
  add(peer: HostPort): boolean {
    const known = this.has(peer);
    if (this.#until.size >= MOST) this.#until.clear();
    this.#until.set(keyOf(peer), this.#clock.now() + REMEMBERED_MS);
    return !known;
  }
}

function keyOf({ host, port }: HostPort): string {
  return `${host} ${port}`;
}
