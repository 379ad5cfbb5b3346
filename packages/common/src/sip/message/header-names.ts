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
  /** The name in lower case, four octets each; the last word begins four octets before the end. None of an unknown header. */
  readonly words: readonly number[];
}

const byName = new Map<string, HeaderName>();

/** A spelling of a name in lower case, and the next one with its hash. */
interface Spelling {
  readonly header: HeaderName;
  readonly codes: readonly number[];
  readonly next: Spelling | undefined;
}

const HASHES = 512;
/** Found by its octets, without making a string. */
const spellings: (Spelling | undefined)[] = Array.from({ length: HASHES }, () => undefined);

function addSpelling(header: HeaderName, name: string): void {
  const codes = [...name.toLowerCase()].map((each) => each.charCodeAt(0));
  const hash = codes.reduce(nextHash, 0) & (HASHES - 1);
  byName.set(name, header).set(name.toLowerCase(), header);
  spellings[hash] = { header, codes, next: spellings[hash] };
}

/** By the first and the fourth octet of what most peers send: the name in any case, a colon, a blank. */
const likely: HeaderName[][] = Array.from({ length: 32 * 32 }, () => []);
const COLON = 58;
const WORD = 4;
const LOWER_WORD = 0x20202020;

function likelyKey(first: number, fourth: number): number {
  return (first & 31) * 32 + (fourth & 31);
}

/** The known header whose whole name and colon stand at `start`: a guess that is checked, mostly right. */
export function likelyHeaderAt(octets: DataView, start: number): HeaderName | undefined {
  const candidates = likely[likelyKey(octets.getUint8(start), octets.getUint8(start + 3))] ?? [];
  for (let at = 0; at < candidates.length; at++) {
    const header = candidates[at];
    if (header !== undefined && isNamedAt(octets, start, header)) return header;
  }
  return undefined;
}

/** Four octets at a time. */
function isNamedAt(octets: DataView, start: number, { name, words }: HeaderName): boolean {
  const { length } = name;
  if (octets.getUint8(start + length) !== COLON) return false;
  const first = octets.getInt32(start, true) | LOWER_WORD;
  if (length < WORD) return (first ^ (words[0] ?? 0)) << (8 * (WORD - length)) === 0;
  if (first !== words[0]) return false;
  const last = start + length - WORD;
  for (let word = 1; word < words.length; word++) {
    const at = Math.min(start + WORD * word, last);
    if ((octets.getInt32(at, true) | LOWER_WORD) !== words[word]) return false;
  }
  return true;
}

function wordsOf(name: string): number[] {
  const octets = new DataView(new ArrayBuffer(Math.max(name.length, WORD)));
  for (let at = 0; at < name.length; at++) octets.setUint8(at, name.charCodeAt(at));
  const last = octets.byteLength - WORD;
  return Array.from(
    { length: Math.ceil(octets.byteLength / WORD) },
    (_, word) => octets.getInt32(Math.min(WORD * word, last), true) | LOWER_WORD,
  );
}

/** Of the known headers and all others together. */
export const INDEXES: number = KNOWN.length + 1;

let onceHeaders = 0;
for (const [at, [name, shape, compact]] of KNOWN.entries()) {
  const header = {
    name,
    isList: shape === "list",
    onceBit: shape === "once" ? 1 << onceHeaders++ : 0,
    index: at + 1,
    words: wordsOf(name),
  };
  addSpelling(header, name);
  const [first, fourth] = [name.charCodeAt(0), `${name}: `.charCodeAt(3)];
  likely[likelyKey(first, fourth)]?.push(header);
  if (compact !== undefined) addSpelling(header, compact);
}
if (onceHeaders > 31) throw new RangeError("more headers that stand once than a bit mask holds");

/** @param lower a character of a token in lower case */
export function nextHash(hash: number, lower: number): number {
  return (Math.imul(hash, 31) + lower) | 0;
}

/** Of what stands in lower or upper case as a token at `octets[start, end)`; @param hash of it in lower case */
export function knownHeaderAt(
  octets: Uint8Array,
  start: number,
  end: number,
  hash: number,
): HeaderName | undefined {
  for (let each = spellings[hash & (HASHES - 1)]; each !== undefined; each = each.next)
    if (isSpelledAt(octets, start, end, each.codes)) return each.header;
  return undefined;
}

function isSpelledAt(
  octets: Uint8Array,
  start: number,
  end: number,
  codes: readonly number[],
): boolean {
  if (end - start !== codes.length) return false;
  for (let at = 0; at < codes.length; at++)
    if (((octets[start + at] ?? 0) | LOWER) !== codes[at]) return false;
  return true;
}

/** Makes letters of tokens lower case; of the characters of a token it makes no other one a letter or a hyphen. */
export const LOWER = 32;

export function headerName(name: string): HeaderName {
  const known = byName.get(name) ?? byName.get(name.toLowerCase());
  return known ?? otherHeader(name);
}

/** One that this project does not know. */
export function otherHeader(name: string): HeaderName {
  return { name: name.toLowerCase(), isList: false, onceBit: 0, index: 0, words: [] };
}

/** Known headers, told from others by their number. */
export class HeaderSet {
  readonly #members = new Uint8Array(INDEXES);

  /** @throws RangeError for a name that this project does not know */
  constructor(names: readonly string[]) {
    for (const name of names) {
      const { index } = headerName(name);
      if (index === 0) throw new RangeError(`${name} is no known header`);
      this.#members[index] = 1;
    }
  }

  has(header: HeaderName): boolean {
    return this.#members[header.index] === 1;
  }
}

/** True when both are the same header's. */
export function isSameHeader(one: HeaderName, other: HeaderName): boolean {
  return one === other || (one.index === 0 && one.name === other.name);
}
