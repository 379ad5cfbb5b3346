// Drop patterns: the datagrams of a direction that a simulated network loses.
import type { HostPort } from "../sip/transport/transport.ts";

/** `index` counts the datagrams of the rule's direction from 0. True: it is lost. */
export type DropPattern = (index: number, bytes: Buffer, from: HostPort, to: HostPort) => boolean;

/** The first datagram is lost, its retransmission is not. */
export const first: DropPattern = (index) => index === 0;

export function firstN(count: number): DropPattern {
  return (index) => index < count;
}

/** The nth, 2nth, 3nth … datagram. */
export function everyNth(n: number): DropPattern {
  return (index) => index % n === n - 1;
}

/** Which packets a rule is about: those whose ends match everything given. */
export interface Direction {
  readonly from?: Partial<HostPort>;
  readonly to?: Partial<HostPort>;
}

export function goes(direction: Direction, from: HostPort, to: HostPort): boolean {
  return isAt(direction.from, from) && isAt(direction.to, to);
}

function isAt(wanted: Partial<HostPort> | undefined, end: HostPort): boolean {
  return (
    (wanted?.host === undefined || wanted.host === end.host) &&
    (wanted?.port === undefined || wanted.port === end.port)
  );
}
