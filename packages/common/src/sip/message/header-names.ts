// The header fields this project knows: spelling, compact form, list or single. RFC 3261 §7.3, §20.

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

const canonicalOf = new Map<string, string>();
const shapeOf = new Map<string, Shape>();
/** By first letter and length, the spelling most peers send: found without making a string. */
const likely = new Map<number, string[]>();

const likelyKey = (code: number, length: number): number => (code | 32) * 64 + length;

for (const [name, shape, compact] of KNOWN) {
  canonicalOf.set(name.toLowerCase(), name);
  shapeOf.set(name, shape);
  if (compact) canonicalOf.set(compact, name);
  const key = likelyKey(name.charCodeAt(0), name.length);
  likely.set(key, [...(likely.get(key) ?? []), name]);
}

/** Canonical spelling of a known name, lower case of any other. */
export function canonicalName(name: string): string {
  if (shapeOf.has(name)) return name;
  const lower = name.toLowerCase();
  return canonicalOf.get(lower) ?? lower;
}

/** The same for the name at `source[start, end)`. */
export function canonicalNameAt(source: string, start: number, end: number): string {
  const candidates = likely.get(likelyKey(source.charCodeAt(start), end - start));
  if (candidates !== undefined) {
    for (const name of candidates) if (source.startsWith(name, start)) return name;
  }
  return canonicalName(source.slice(start, end));
}

export function isListHeader(canonical: string): boolean {
  return shapeOf.get(canonical) === "list";
}

export function mayStandOnce(canonical: string): boolean {
  return shapeOf.get(canonical) === "once";
}
