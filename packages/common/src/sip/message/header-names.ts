// The header fields this project knows: spelling, compact form, list or single. RFC 3261 §7.3, §20.

import { isBlank, isToken } from "./scan.ts";

/** `list`: one line may hold several values, separated by commas. `once`: a second line is an error. */
type Shape = "list" | "once" | "lines";

const KNOWN: readonly (readonly [name: string, shape: Shape, compact?: string])[] = [
  ["Via", "list", "v"],
  ["From", "once", "f"],
  ["To", "once", "t"],
  ["Call-ID", "once", "i"],
  ["CSeq", "once"],
  ["Max-Forwards", "once"],
  ["Content-Length", "lines", "l"], // decode compares the lines itself
  ["Content-Type", "once", "c"],
  ["Content-Disposition", "once"],
  ["Contact", "list", "m"],
  ["Route", "list"],
  ["Record-Route", "list"],
  ["Path", "list"],
  ["Service-Route", "list"],
  ["Expires", "once"],
  ["Min-Expires", "once"],
  ["Event", "once", "o"],
  ["Subscription-State", "once"],
  ["Allow-Events", "list", "u"],
  ["Supported", "list", "k"],
  ["Require", "list"],
  ["Proxy-Require", "list"],
  ["Unsupported", "list"],
  ["Allow", "list"],
  ["Accept", "list"],
  ["Accept-Encoding", "list"],
  ["Accept-Language", "list"],
  ["Content-Encoding", "list", "e"],
  ["Content-Language", "list"],
  ["Authorization", "lines"],
  ["WWW-Authenticate", "lines"],
  ["Proxy-Authorization", "lines"],
  ["Proxy-Authenticate", "lines"],
  ["Authentication-Info", "lines"],
  ["Retry-After", "once"],
  ["Warning", "list"],
  ["Subject", "once", "s"],
  ["Refer-To", "once", "r"],
  ["Referred-By", "once", "b"],
  ["Session-Expires", "once", "x"],
  ["Accept-Contact", "list", "a"],
  ["Reject-Contact", "list", "j"],
  ["Request-Disposition", "list", "d"],
  ["Identity", "once", "y"],
  ["P-Asserted-Identity", "list"],
  ["P-Preferred-Identity", "list"],
  ["P-Associated-URI", "list"],
  ["P-Visited-Network-ID", "list"],
  ["P-Access-Network-Info", "list"],
  ["P-Charging-Vector", "once"],
  ["P-Charging-Function-Addresses", "once"],
  ["P-Called-Party-ID", "once"],
  ["P-Served-User", "lines"],
  ["P-User-Database", "lines"],
  ["P-Profile-Key", "lines"],
  ["P-Asserted-Service", "lines"],
  ["Remote-Party-ID", "lines"],
  ["Security-Client", "list"],
  ["Security-Server", "list"],
  ["Security-Verify", "list"],
  ["Privacy", "once"],
  ["Server", "once"],
  ["User-Agent", "once"],
  ["Date", "once"],
  ["Timestamp", "once"],
  ["Organization", "once"],
  ["MIME-Version", "once"],
];

/** One per header name; lines of the same header share it, so comparing identities is enough. */
export interface HeaderName {
  /** Canonical spelling of a known header, lower case of any other. */
  readonly name: string;
  readonly isList: boolean;
  /** A bit of its own for headers that may stand once only, 0 for others. */
  readonly onceBit: number;
  /** Counts the known headers from 1; 0 for any other. */
  readonly index: number;
}

const byName = new Map<string, HeaderName>();
/** By first letter and length, the spelling most peers send: found without making a string. */
const likely: (HeaderName[] | undefined)[] = Array.from({ length: 128 * 64 }, () => undefined);

const likelyKey = (code: number, length: number): number =>
  ((code | 32) & 127) * 64 + (length & 63);

let onceHeaders = 0;
for (const [at, [name, shape, compact]] of KNOWN.entries()) {
  const header = {
    name,
    isList: shape === "list",
    onceBit: shape === "once" ? 1 << onceHeaders++ : 0,
    index: at + 1,
  };
  byName.set(name, header).set(name.toLowerCase(), header);
  if (compact) byName.set(compact, header);
  const key = likelyKey(name.charCodeAt(0), name.length);
  likely[key] = [...(likely[key] ?? []), header];
}
if (onceHeaders > 31) throw new RangeError("more headers that stand once than a bit mask holds");

export function headerName(name: string): HeaderName {
  const known = byName.get(name) ?? byName.get(name.toLowerCase());
  return known ?? { name: name.toLowerCase(), isList: false, onceBit: 0, index: 0 };
}

/** The same for the name at `source[start, colon)`; undefined when that is no token. */
export function headerNameAt(source: string, start: number, colon: number): HeaderName | undefined {
  const length = colon - start;
  const candidates = likely[likelyKey(source.charCodeAt(start), length)];
  if (candidates !== undefined) {
    for (const header of candidates)
      if (header.name.length === length && source.startsWith(header.name, start)) return header;
  }
  // RFC 3261 §25.1, HCOLON: SP and HTAB may stand before the colon, nothing else that looks like a blank.
  let end = colon;
  while (isBlank(source.charCodeAt(end - 1))) end--;
  const name = source.slice(start, end);
  return isToken(name) ? headerName(name) : undefined;
}

/** Canonical spelling of a known name, lower case of any other. */
export function canonicalName(name: string): string {
  return byName.get(name)?.name ?? headerName(name).name;
}
