// A peek at a message, without decoding it: enough to turn it away. RFC 3261 §7, §8.2.7, §17.2.3.

import { isAnswer } from "../transport/unanswered-requests.ts";

/** How much of a message is looked at; what stands behind is not missed. */
const LOOK_OCTETS = 8192;

/** One message before it is decoded; each question is answered when it is asked first. */
export class Peek {
  readonly bytes: Buffer;
  #head: string | undefined;
  #method: string | undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The header section's beginning, start line included, as latin1 text. */
  get head(): string {
    this.#head ??= headOf(this.bytes);
    return this.#head;
  }

  /** Undefined for a response and for what is no SIP. */
  get method(): string | undefined {
    if (isAnswer(this.bytes)) return undefined;
    this.#method ??= methodOf(this.head) ?? "";
    return this.#method === "" ? undefined : this.#method;
  }

  get isEnding(): boolean {
    return isEnding(this.method ?? "");
  }

  /** Within a dialog, the end of something, or the answer to a challenge. */
  get isOngoing(): boolean {
    return isOngoing(this.method ?? "", this.head);
  }

  /** A response or work under way; a CANCEL must not overtake its INVITE. */
  get isUrgent(): boolean {
    return this.method === undefined || (this.method !== "CANCEL" && this.isOngoing);
  }

  /** The topmost Via; undefined when it cannot be read at a glance. */
  get via(): TopVia | undefined {
    return topViaOf(this.head);
  }

  /** Of the server transaction it belongs to (RFC 3261 §17.2.3), as far as it can be told. */
  get transactionKey(): string | undefined {
    const { via, method } = this;
    return via && method && `${via.branch} ${via.sentBy} ${method}`;
  }
}

function headOf(bytes: Buffer): string {
  const text = bytes.toString("latin1", 0, LOOK_OCTETS);
  const end = text.indexOf("\r\n\r\n");
  return end < 0 ? text : text.slice(0, end + 2);
}

function methodOf(head: string): string | undefined {
  const end = head.indexOf(" ");
  const method = head.slice(0, Math.max(end, 0));
  return /^[\w.!%*+`'~-]{1,32}$/.test(method) ? method : undefined;
}

/** Methods that end or confirm something: refusing them would only make more work. */
export function isEnding(method: string): boolean {
  return ENDING.has(method);
}

const ENDING: ReadonlySet<string> = new Set(["ACK", "CANCEL", "BYE", "PRACK"]);

function isOngoing(method: string, head: string): boolean {
  if (ENDING.has(method)) return true;
  if (method === "REGISTER") return /\r\nAuthorization[ \t]*:[^\r]*response="?[^\r",]/i.test(head);
  return /\r\n(?:To|t)[ \t]*:[^\r]*;[ \t]*tag=/i.test(head);
}

/** The topmost Via, as far as matching and answering need it. */
export interface TopVia {
  readonly branch: string;
  /** `host:port`, or `host:` without a port. */
  readonly sentBy: string;
  /** Where an answer over UDP goes; undefined: to the source port (RFC 3581 §4). */
  readonly port: number | undefined;
}

const VIA_NAME = /\r\n(?:Via|v)[ \t]*:/i;
/** Right behind the name: a Via below must not be read in the place of one that is written otherwise. */
const TOP_VIA = /^[ \t]*SIP\/2\.0\/\w+[ \t]+([!-+\--:=-~]+)([^\r,]*)/i;
const BRANCH = /;[ \t]*branch=([!-+\--:=-~]+)/i;
const RPORT = /;[ \t]*rport(?=[;= \t]|$)/i;

function topViaOf(head: string): TopVia | undefined {
  const name = VIA_NAME.exec(head);
  if (name === null) return undefined;
  const from = name.index + name[0].length;
  const lineEnd = head.indexOf("\r", from);
  const top = head.slice(from, lineEnd < 0 ? undefined : lineEnd);
  const [, place = "", params = ""] = TOP_VIA.exec(top) ?? [];
  const [, branch] = BRANCH.exec(params) ?? [];
  if (branch === undefined) return undefined;
  const [, named] = /:(\d{1,5})$/.exec(place) ?? [];
  const port = RPORT.test(params) ? undefined : Number(named ?? 5060);
  return { branch, sentBy: named === undefined ? `${place}:` : place, port };
}
