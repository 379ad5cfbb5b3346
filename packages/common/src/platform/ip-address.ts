// IP addresses as octets: RFC 4291 §2.2 text forms, IPv4 in dotted decimal.

/** Four octets or sixteen; an IPv4-mapped address (::ffff:a.b.c.d) is the IPv4 address it maps. */
export type IpAddress = Readonly<Uint8Array>;

/** Undefined when `text` is no IP address; square brackets and a zone (%eth0) are ignored. */
export function parseIp(text: string): IpAddress | undefined {
  if (text !== last.text) {
    last = { text, ip: text.includes(":") ? parseIpv6(text) : parseIpv4(text) };
  }
  return last.ip;
}

/** Mostly it is the same peer again. */
let last: { readonly text: string; readonly ip: IpAddress | undefined } = {
  text: "",
  ip: undefined,
};

export function isIp(text: string): boolean {
  return parseIp(text) !== undefined;
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const ip = parseIp(host);
  if (ip === undefined) return false;
  if (ip.length === 4) return ip[0] === 127;
  return ip.every((octet, at) => octet === (at === 15 ? 1 : 0));
}

/**
 * Whom an address stands for where sources are counted: an IPv6 host has all of its /64 (RFC 4291 §2.5.4) and
 * could be another source with each packet. Text that is no address stands for itself.
 */
export function sourceOf(host: string): string {
  if (!host.includes(":")) return host;
  const ip = parseIp(host);
  if (ip === undefined) return host;
  return ip.length === 4 ? ip.join(".") : `${Buffer.from(ip.subarray(0, 8)).toString("hex")}/64`;
}

/** As RFC 5952 writes it. @param octets four or sixteen */
export function addressText(octets: IpAddress): string {
  if (octets.length === 4) return octets.join(".");
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push((octets[at] ?? 0) * 256 + (octets[at + 1] ?? 0));
  const hex = groups.map((group) => group.toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

/** 0.0.0.0 and ::, which stand for every address of this machine. */
export function isWildcard(host: string): boolean {
  return parseIp(host)?.every((octet) => octet === 0) ?? false;
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const octets = new Uint8Array(4);
  for (const [at, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    octets[at] = octet;
  }
  return octets;
}

function parseIpv6(text: string): IpAddress | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1").replace(/%[^%]+$/, "");
  const halves = bare.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const given = head.length + (tail?.length ?? 0);
  if (tail === undefined ? given !== 8 : given > 7) return undefined;
  const octets = new Uint8Array(16);
  place(octets, head, 0);
  if (tail !== undefined) place(octets, tail, 8 - tail.length);
  return isMapped(octets) ? octets.slice(12) : octets;
}

/** The 16-bit groups of one side of "::", a dotted quad at the end counting as two. */
function groups(text: string): number[] | undefined {
  if (text === "") return [];
  const found: number[] = [];
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) {
      found.push(Number.parseInt(part, 16));
      continue;
    }
    const quad = at === parts.length - 1 ? parseIpv4(part) : undefined;
    if (quad === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = quad;
    found.push(a * 256 + b, c * 256 + d);
  }
  return found;
}

function place(octets: Uint8Array, words: readonly number[], from: number): void {
  for (const [at, word] of words.entries()) {
    octets[2 * (from + at)] = word >> 8;
    octets[2 * (from + at) + 1] = word & 0xff;
  }
}

function isMapped(octets: Uint8Array): boolean {
  return octets.subarray(0, 12).every((octet, at) => octet === (at < 10 ? 0 : 0xff));
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}
