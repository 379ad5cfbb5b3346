// Peers that took no connection or did not serve, remembered so that not each request waits for it.
import type { Clock } from "../../platform/clock.ts";
import type { HostPort } from "../transport/transport.ts";

const REMEMBERED_MS = 600_000;
const MOST = 10_000;

export class TargetBlocklist {
  readonly #clock: Clock;
  readonly #rememberedMs: number;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock, rememberedMs: number = REMEMBERED_MS) {
    this.#clock = clock;
    this.#rememberedMs = rememberedMs;
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
    this.#until.set(keyOf(peer), this.#clock.now() + this.#rememberedMs);
    return !known;
  }
}

function keyOf({ host, port }: HostPort): string {
  return `${host} ${port}`;
}
