// Addresses as text and as octets: RFC 791, RFC 4291 §2.2, written as RFC 5952 says.

/** 4 or 16 octets; undefined for anything that is not a literal address. A zone (`%eth0`) is ignored. */
export function addressOctets(text: string): Buffer | undefined {
  const host = text.split("%", 1)[0] ?? "";
  return host.includes(":") ? v6Octets(host) : v4Octets(host);
}

/** @param octets 4 or 16 of them. */
export function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join(".");
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(octets.readUInt16BE(at));
  const hex = groups.map((group) => group.toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function v4Octets(host: string): Buffer | undefined {
  const parts = host.split(".");
  if (parts.length !== 4) return undefined;
  const octets = parts.map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  return octets.every((octet) => octet < 256) ? Buffer.from(octets) : undefined;
}

function v6Octets(host: string): Buffer | undefined {
  const halves = host.split("::");
  if (halves.length > 2) return undefined;
  const [before, after] = halves.map(groupOctets);
  if (before === undefined || (halves.length === 2 && after === undefined)) return undefined;
  const tail = after ?? [];
  const missing = 16 - before.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return Buffer.from([...before, ...new Array<number>(missing).fill(0), ...tail]);
}

function groupOctets(text: string): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const octets: number[] = [];
  for (const [index, group] of groups.entries()) {
    const embedded = index === groups.length - 1 ? v4Octets(group) : undefined;
    if (embedded !== undefined) octets.push(...embedded);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16);
      octets.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return octets;
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
