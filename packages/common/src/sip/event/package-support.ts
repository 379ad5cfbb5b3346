// Support of event packages by peers: one that refuses a package is asked once and left alone. RFC 6665 §4.1.2.1.
import type { Ending } from "./subscriber-state.ts";

/** These say that the peer lacks the package or the method, whoever the subscription is about (§8.3.2; RFC 3261 §21.4.6, §21.5.2). */
const LACKS_IT: ReadonlySet<number> = new Set([405, 489, 501]);
const MAX_PEERS = 1000;

interface Peer {
  standing: "unknown" | "serves" | "refuses";
  /** Key of the subscription that finds out. */
  probe: string | undefined;
  /** What waits for it, by key. */
  readonly waiting: Map<string, () => void>;
}

/** Kept in memory, so that a node asks anew when it has been restarted, with other settings or the same. */
export class PackageSupport {
  readonly #peers = new Map<string, Peer>();

  refuses(peer: string): boolean {
    return this.#peers.get(peer)?.standing === "refuses";
  }

  /** Subscribes now, or when the first subscription at this peer has shown that it can be had; else never. */
  ask(name: string, key: string, subscribe: () => void): void {
    const peer = this.#peerOf(name);
    if (peer.standing === "refuses") return;
    if (peer.standing === "unknown") {
      if (peer.probe !== undefined && peer.probe !== key) {
        peer.waiting.set(key, subscribe);
        return;
      }
      peer.probe = key;
    }
    subscribe();
  }

  /** A NOTIFY has come. */
  serves(name: string): void {
    const peer = this.#peerOf(name);
    peer.standing = "serves";
    peer.probe = undefined;
    const waiting = [...peer.waiting.values()];
    peer.waiting.clear();
    for (const subscribe of waiting) subscribe();
  }

  /** True when it follows that this peer need not be asked again for anybody. */
  ended(name: string, key: string, why: Ending["why"], isTransient: boolean): boolean {
    const peer = this.#peerOf(name);
    if (isRefusal(why, isTransient, peer.standing === "serves")) {
      const isNews = peer.standing !== "refuses";
      Object.assign(peer, { standing: "refuses", probe: undefined });
      peer.waiting.clear();
      return isNews;
    }
    this.forget(name, key);
    return false;
  }

  /** What this key stands for has gone; if the others waited for it, the next one finds out. */
  forget(name: string, key: string): void {
    const peer = this.#peers.get(name);
    peer?.waiting.delete(key);
    if (peer?.probe !== key) return;
    peer.probe = undefined;
    const [next] = peer.waiting;
    if (next === undefined) return;
    peer.waiting.delete(next[0]);
    this.ask(name, ...next);
  }

  #peerOf(name: string): Peer {
    const known = this.#peers.get(name);
    if (known !== undefined) return known;
    const [oldest] = this.#peers.keys();
    if (oldest !== undefined && this.#peers.size >= MAX_PEERS) this.#peers.delete(oldest);
    const peer: Peer = { standing: "unknown", probe: undefined, waiting: new Map() };
    this.#peers.set(name, peer);
    return peer;
  }
}

/** The peer lacks it, whoever was asked about. */
export function lacksPackage(why: Ending["why"]): boolean {
  return why.kind === "refused" && LACKS_IT.has(why.status);
}

/** Whoever has served the package before, or lists it in Allow-Events, means the one user (404, 403 …) or the moment. */
function isRefusal(why: Ending["why"], isTransient: boolean, hasServed: boolean): boolean {
  switch (why.kind) {
    case "refused":
      if (lacksPackage(why)) return true;
      return !isTransient && !hasServed && why.isServed !== true;
    case "unreachable":
      return why.failure === "timeout" && !hasServed;
    case "no-notify":
      return !hasServed;
    case "terminated":
    case "expired":
    case "left":
      return false;
  }
}
