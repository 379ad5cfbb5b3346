// Kinds of settings: how each is written, what is allowed, what a program gets.
import {
  type Advertised,
  isHost,
  parseAdvertised,
  parseCidr,
  parseTrustedPeer,
  type TrustedPeer,
} from "./cidr.ts";
import { isWildcard } from "./ip-address.ts";
import { Secret } from "./secret.ts";

/** One setting: a leaf of a node's schema. */
export interface Setting<T> {
  readonly kind: "value" | "flag" | "port" | "secret";
  /** One line for `--help`. */
  readonly doc: string;
  /** What a person may write, to follow "expected ": "a port, 0 to 65535". */
  readonly allowed: string;
  /** As it would be written in a file; undefined when the setting may be left out. */
  readonly default: unknown;
  /** Environment name, where it does not follow from the setting's path. */
  readonly env?: string;
  /** Understands text (environment, command line) and a file's values; undefined when not allowed. */
  read(written: unknown): { readonly value: T } | undefined;
}

/** A node's settings: the same nesting as its configuration. */
export type SchemaOf<C> = {
  readonly [K in keyof C]-?:
    | Setting<C[K]>
    | (C[K] extends readonly unknown[] ? never : C[K] extends object ? SchemaOf<C[K]> : never);
};

interface Described<D> {
  readonly doc: string;
  readonly default: D;
  readonly env?: string;
}

type Range = { readonly min?: number; readonly max?: number };

export function text(options: Described<string>): Setting<string> {
  return textThat({ ...options, allowed: "text", accepts: (written) => written !== "" });
}

/** Text that a function of the caller's judges, such as a SIP URI. */
export function textThat(
  options: Described<string> & { allowed: string; accepts(written: string): boolean },
): Setting<string> {
  return {
    kind: "value",
    ...options,
    read: (written) =>
      typeof written === "string" && options.accepts(written) ? { value: written } : undefined,
  };
}

export function flag(options: Described<boolean>): Setting<boolean> {
  const words: Readonly<Record<string, boolean>> = { true: true, false: false };
  return {
    kind: "flag",
    allowed: "true or false",
    ...options,
    read: (written) => {
      const value = words[String(written)];
      return value === undefined ? undefined : { value };
    },
  };
}

export function integer(options: Described<number> & Range): Setting<number> {
  return number("a whole number", options, /^-?\d+$/);
}

/** A duration in seconds; parts of a second are allowed. */
export function seconds(options: Described<number> & Range): Setting<number> {
  const range = { min: 0, max: 2 ** 32 - 1, ...options };
  return number("seconds", range, /^\d+(\.\d+)?$/);
}

/** A share of one: 0.25 is a quarter. */
export function ratio(options: Described<number>): Setting<number> {
  return number("a number", { ...options, min: 0, max: 1 }, /^\d+(\.\d+)?$/);
}

/** A port to listen on; 0 is any free one. */
export function port(options: Described<number>): Setting<number> {
  return { ...number("a port", { min: 0, max: 65_535, ...options }, /^\d+$/), kind: "port" };
}

function number(noun: string, options: Described<number> & Range, syntax: RegExp): Setting<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER, ...described } = options;
  return {
    kind: "value",
    allowed: `${noun}${rangeText(options)}`,
    ...described,
    read: (written) => {
      if (typeof written !== "number" && typeof written !== "string") return undefined;
      const value = syntax.test(String(written)) ? Number(written) : Number.NaN;
      return value >= min && value <= max ? { value } : undefined;
    },
  };
}

function rangeText({ min, max }: Range): string {
  if (min === undefined) return max === undefined ? "" : `, at most ${max}`;
  return max === undefined ? `, at least ${min}` : `, ${min} to ${max}`;
}

export function oneOf<const W extends string>(
  options: Described<W> & { readonly words: readonly W[] },
): Setting<W> {
  const { words, ...described } = options;
  return {
    kind: "value",
    allowed: words.join(" | "),
    ...described,
    read: (written) => {
      const value = words.find((word) => word === written);
      return value === undefined ? undefined : { value };
    },
  };
}

/** An IP address or a host name, without a port. */
export function host(options: Described<string>): Setting<string> {
  const text = textThat({ ...options, allowed: "an IP address or a host name", accepts: isHost });
  const inLowerCase = (value: string): { readonly value: string } => ({
    value: value.toLowerCase(), // as hosts are compared (RFC 3261 §19.1.4)
  });
  return {
    ...text,
    read: (written) => {
      const read = text.read(written);
      return read && inLowerCase(read.value);
    },
  };
}

/** Never printed by `--help`, an error or a log. */
export function secret(
  options: Omit<Described<string>, "default"> & { readonly minLength?: number },
): Setting<Secret | undefined> {
  const { minLength = 1, ...described } = options;
  const allowed = `text of at least ${minLength} characters`;
  return secretThat({ ...described, allowed, accepts: ({ length }) => length >= minLength });
}

/** A key of 128 bits, such as K, OP and OPc. */
export function hexKey(options: Omit<Described<string>, "default">): Setting<Secret | undefined> {
  const accepts = (written: string): boolean => /^[0-9a-f]{32}$/i.test(written);
  return secretThat({ ...options, allowed: "32 hexadecimal digits", accepts });
}

function secretThat({
  accepts,
  ...described
}: Omit<Described<string>, "default"> & {
  readonly allowed: string;
  accepts(written: string): boolean;
}): Setting<Secret | undefined> {
  return {
    kind: "secret",
    default: undefined,
    ...described,
    read: (written) =>
      typeof written === "string" && accepts(written) ? { value: new Secret(written) } : undefined,
  };
}

/** The same setting, but it may be left out; its default does not count. */
export function optional<T>(setting: Setting<T>): Setting<T | undefined> {
  return { ...setting, default: undefined };
}

/** A list: a file's sequence, or one comma-separated text. `item` reads one of them. */
function list<T>(
  options: Described<readonly string[]> & {
    readonly allowed: string;
    readonly minItems?: number;
    item(written: string): T | undefined;
  },
): Setting<readonly T[]> {
  const { item, minItems = 0, ...described } = options;
  return {
    kind: "value",
    ...described,
    read: (written) => {
      const value: T[] = [];
      for (const one of asList(written)) {
        const found = typeof one === "string" ? item(one.trim()) : undefined;
        if (found === undefined) return undefined;
        value.push(found);
      }
      return value.length >= minItems ? { value } : undefined;
    },
  };
}

function asList(written: unknown): readonly unknown[] {
  if (Array.isArray(written)) return written;
  if (written === "") return [];
  return typeof written === "string" ? written.split(",") : [written];
}

/** Strings that a function of the caller's judges, such as SIP URIs. */
export function texts(
  options: Described<readonly string[]> & {
    readonly allowed: string;
    readonly minItems?: number;
    accepts(written: string): boolean;
  },
): Setting<readonly string[]> {
  const { accepts, ...rest } = options;
  return list({ ...rest, item: (written) => (accepts(written) ? written : undefined) });
}

/** Peers by `ADDRESS-OR-CIDR[:PORT]` or by the name in their certificate, `tls:NAME`. */
export function trustedPeers(
  options: Described<readonly string[]>,
): Setting<readonly TrustedPeer[]> {
  return list({
    ...options,
    allowed: "a list of ADDRESS-OR-CIDR[:PORT] (IPv6 with a port: [ADDRESS]:PORT) or tls:NAME",
    item: parseTrustedPeer,
  });
}

/**
 * `HOST[:PORT]` or `CIDR=HOST[:PORT]` each, in a file also `{ forPeers, host, port }`;
 * first match wins.
 */
function advertise(options: Described<readonly string[]>): Setting<readonly Advertised[]> {
  return {
    kind: "value",
    allowed:
      "a list of HOST[:PORT] or CIDR=HOST[:PORT] (IPv6 with a port: [ADDRESS]:PORT), or of { forPeers, host, port }",
    ...options,
    read: (written) => {
      const value: Advertised[] = [];
      for (const one of asList(written)) {
        const found = readAdvertised(one);
        if (found === undefined) return undefined;
        value.push(...found);
      }
      return { value };
    },
  };
}

function readAdvertised(written: unknown): readonly Advertised[] | undefined {
  if (typeof written === "string") return parseAdvertised(written.trim());
  if (typeof written !== "object" || written === null) return undefined;
  const { forPeers, host: name, port: number, ...unknown } = written as Record<string, unknown>;
  if (typeof name !== "string" || !isHost(name) || Object.keys(unknown).length > 0) {
    return undefined;
  }
  if (number !== undefined && !isPort(number)) return undefined;
  const networks = forPeers === undefined ? ["0.0.0.0/0", "::/0"] : [forPeers];
  const found: Advertised[] = [];
  for (const network of networks) {
    const cidr = typeof network === "string" ? parseCidr(network) : undefined;
    if (cidr === undefined) return undefined;
    found.push({ forPeers: cidr, host: name, port: number });
  }
  return found;
}

function isPort(written: unknown): written is number {
  return Number.isInteger(written) && Number(written) > 0 && Number(written) <= 65_535;
}

/** Where one side of a node listens, and what it calls itself there. */
export interface ListenSettings {
  readonly host: string;
  readonly port: number;
  readonly advertise: readonly Advertised[];
}

export function listenSettings(options: {
  readonly what: string;
  readonly port: number;
}): SchemaOf<ListenSettings> {
  return {
    host: host({ doc: `Where to listen for ${options.what}.`, default: "127.0.0.1" }),
    port: port({ doc: `Port for ${options.what}, UDP and TCP; 0: any.`, default: options.port }),
    advertise: advertise({
      doc: "What peers are told to use instead; the first whose network has the peer counts.",
      default: [],
    }),
  };
}

export function udpBatching(): Setting<boolean> {
  return flag({
    doc: "UDP by several datagrams per system call, where the machine can: Linux, IPv4, the package koffi.",
    default: true,
  });
}

/** A wildcard address means nothing to a peer: such a listener must say what it is called. */
export function lacksAdvertise(side: ListenSettings): boolean {
  return isWildcard(side.host) && side.advertise.length === 0;
}
