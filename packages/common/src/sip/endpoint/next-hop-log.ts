// A next hop that cannot be reached is named once, with the setting that leads there and what to do. RFC 3263 §4.3.
import { type LogRateLimit, logRateLimit } from "../../platform/log-rate-limit.ts";
import type { RequestFailure } from "../transaction/user.ts";
import { type Flow, formatHostPort, type HostPort, isSecure } from "../transport/transport.ts";
import type { EndpointOptions } from "./options.ts";

const SAY_AGAIN_MS = 600_000;

export class NextHopLog {
  readonly #options: EndpointOptions;
  readonly #rateLimit: LogRateLimit;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#rateLimit = logRateLimit(options.clock, SAY_AGAIN_MS);
  }

  /** The name leads nowhere. */
  unresolved(hop: HostPort, why: string): void {
    const { log, name, settingOf } = this.#options;
    if (log === undefined || !this.#rateLimit(`${hop.host} ${why}`)) return;
    const setting = settingOf?.(hop);
    const fix = setting === undefined ? "" : `correct ${setting}, or `;
    const next = `${fix}see that the DNS knows the name`;
    log.warn("peer.unresolved", { endpoint: name, host: hop.host, why, setting, next });
  }

  /**
   * A request got no answer there. Devices come and go: only hops of the settings are named.
   * @param heard whether the hop has said 100, as RFC 4320 §4.1 has a proxy do that waits itself
   */
  failed({ transport, remote }: Flow, why: RequestFailure, heard: boolean): void {
    const next = NEXT[why];
    const { log, name, settingOf } = this.#options;
    if (log === undefined || next === undefined) return;
    const setting = settingOf?.(remote);
    const peer = `${transport}:${formatHostPort(remote)}`;
    if (setting === undefined || !this.#rateLimit(`${peer} ${heard}`)) return;
    if (heard) {
      log.warn("request.unanswered", { endpoint: name, peer, why, next: BEHIND });
      return;
    }
    const tls = isSecure(transport) ? ", or see tls.handshake-failed" : "";
    const todo = `${next}: start what should be there, or correct ${setting}${tls}`;
    log.warn("peer.unreachable", { endpoint: name, peer, why, setting, next: todo });
  }
}

const BEHIND =
  "this peer is there, it has said 100: the one it passed the request on to does not answer";

/** The rest says nothing about whether the peer is there. */
const NEXT: Readonly<Partial<Record<RequestFailure, string>>> = {
  timeout: "nobody answers",
  refused: "nobody listens, or no route leads there",
};
