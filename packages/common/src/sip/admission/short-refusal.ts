// An answer cut from the request's own lines: no decoding, no state. RFC 3261 §8.2.6.2, §8.2.7, RFC 3581 §4.
import { reasonPhrase } from "../message/reason-phrases.ts";
import type { HostPort } from "../transport/transport.ts";

export interface ShortRefusal {
  readonly status: number;
  readonly retryAfterSeconds?: number | undefined;
  /** Equal for equal requests (RFC 3261 §8.2.7). */
  readonly tag: string;
}

/** What a response takes over, by every spelling (RFC 3261 §7.3.3); without one of them it is of no use. */
const COPIED: ReadonlyMap<string, string> = new Map([
  ["via", "via"],
  ["v", "via"],
  ["from", "from"],
  ["f", "from"],
  ["to", "to"],
  ["t", "to"],
  ["call-id", "call-id"],
  ["i", "call-id"],
  ["cseq", "cseq"],
]);
/** HCOLON: SP and HTAB before the colon, nothing else (RFC 3261 §25.1). */
const NAME = /^([A-Za-z-]+)[ \t]*:/;
const CONTROL = /[^\t\r\n -~\x80-\xff]|\r(?!\n)|(?<!\r)\n/;
const NEEDED = new Set(COPIED.values()).size;

/**
 * @param head see `headOf`
 * @param source where the request really came from
 * @returns undefined when the request cannot be answered from its head
 */
export function shortRefusal(
  head: string,
  source: HostPort,
  refusal: ShortRefusal,
): Buffer | undefined {
  const kept: string[] = [];
  const seen = new Set<string>();
  for (const line of head.split(/\r\n(?![ \t])/).slice(1)) {
    const name = COPIED.get(NAME.exec(line)?.[1]?.toLowerCase() ?? "");
    if (name === undefined) continue;
    if (CONTROL.test(line)) return undefined; // what is no header line is not repeated
    kept.push(edited(name, line, !seen.has(name), { source, tag: refusal.tag }));
    seen.add(name);
  }
  if (seen.size < NEEDED) return undefined;
  const { status, retryAfterSeconds } = refusal;
  const wait = retryAfterSeconds === undefined ? "" : `Retry-After: ${retryAfterSeconds}\r\n`;
  const lines = `${kept.join("\r\n")}\r\n${wait}Content-Length: 0\r\n\r\n`;
  return Buffer.from(`SIP/2.0 ${status} ${reasonPhrase(status)}\r\n${lines}`, "latin1");
}

function edited(
  name: string,
  line: string,
  isFirst: boolean,
  { source, tag }: { readonly source: HostPort; readonly tag: string },
): string {
  if (name === "via" && isFirst) return withSource(line, source);
  if (name === "to" && !/;[ \t]*tag=/i.test(line)) return `${line};tag=${tag}`;
  return line;
}

/** Into the topmost Via: RFC 3261 §18.2.1, RFC 3581 §4. */
function withSource(line: string, { host, port }: HostPort): string {
  const comma = line.indexOf(",");
  const top = comma < 0 ? line : line.slice(0, comma);
  const filled = top.replace(/;[ \t]*rport(?=[; \t\r]|$)/i, `;rport=${port}`);
  return `${filled};received=${host}${comma < 0 ? "" : line.slice(comma)}`;
}
