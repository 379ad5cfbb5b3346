// Parts that an endpoint is built from: transports, time, chance, addresses and its observers.
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import type { AdmissionOptions } from "../admission/admission.ts";
import type { RequestQueue } from "../admission/request-queue.ts";
import type { Resolver } from "../dns/resolver.ts";
import type { MessageLimits } from "../message/head-reader.ts";
import type { TimerSettings } from "../transaction/timers.ts";
import type { HostPort, Transport } from "../transport/transport.ts";
import type { AnyInterceptor } from "./interceptors.ts";

/** An address of ours as some peers must use it; the first rule that fits a peer holds. */
export interface AdvertiseRule {
  /** Whether the peer at this literal address is meant; absent: every peer. */
  readonly forPeers?: (host: string) => boolean;
  readonly host: string;
  /** 0 stands for the port that is listened on. */
  readonly port: number;
  /** The host is several nodes' name, whose ports may differ: it is ours at any port. */
  readonly isShared?: true;
}

/** What is counted; `label` names the method, status class or reason. */
export type EndpointEvent =
  | "request-in"
  | "request-out"
  | "response-in"
  | "response-out"
  | "retransmission-in"
  | "retransmission-out"
  | "rejected" // answered without a transaction, by reason
  | "dropped" // not answered at all, by reason
  | "limited" // above a limit, by its name; what is answered to it counts as rejected too
  | "request-failed" // no final response will come, by reason
  | "size-switch"; // requests above the limit: tcp, fallback, remembered

export interface EndpointCounters {
  count(event: EndpointEvent, label: string): void;
}

/** What somebody sent that is no SIP, or no valid SIP. */
export interface Unreadable {
  /** As `peerOf` names it. */
  readonly source: string;
  /** One plain sentence. */
  readonly why: string;
  /** What it was answered; undefined when it cannot be. */
  readonly status: number | undefined;
  /** Whom it seems to be about. */
  readonly impu: string | undefined;
}

export interface EndpointOptions {
  readonly name: string;
  /** At most one of each kind; UDP and TCP listen on one port. */
  readonly transports: readonly Transport[];
  readonly clock: Clock;
  readonly random: Random;
  readonly advertise?: readonly AdvertiseRule[];
  readonly resolver?: Resolver;
  readonly timers?: Partial<TimerSettings>;
  /** Larger requests go over TCP, but to loopback (RFC 3261 §18.1.1); 0 = never. Default 1300. */
  readonly udpMtuBytes?: number;
  /** Server transactions above this number are refused with 503. Default 500 000. */
  readonly maxTransactions?: number;
  /** Of server transactions without a final answer, how many one holder may have. Default: all. */
  readonly maxPendingPerHolder?: number;
  /** The same for the octets of their requests. Default 512 MiB. */
  readonly maxTransactionBytes?: number;
  /** Longer requests are not sent: peers are taken to have the limit that we have. Default 65 535. */
  readonly maxMessageBytes?: number;
  /** Told to peers with each 503 of this endpoint: from this to twice this, at random. Default 5. */
  readonly retryAfterSeconds?: number;
  /** Lines and line lengths of one message. Default: no limit. */
  readonly messageLimits?: MessageLimits;
  /** Turns messages away before they are decoded. Default: takes everything. */
  readonly admission?: AdmissionOptions;
  /** Where messages wait while the process is behind. Default: each is handled as it arrives. */
  readonly queue?: RequestQueue;
  /** The setting that names this next hop; undefined: no setting does, such as for a device. */
  readonly settingOf?: (hop: HostPort) => string | undefined;
  readonly log?: Logger;
  /** Told of what came and cannot be read. */
  readonly onUnreadable?: (message: Unreadable) => void;
  readonly counters?: EndpointCounters;
  /** Around every message on the wire, the first one outermost. */
  readonly interceptors?: readonly AnyInterceptor[];
}
