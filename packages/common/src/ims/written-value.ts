// One place of a YAML or JSON document that somebody wrote: read strictly, refused with its place and what was expected.
import { printable } from "../platform/printable.ts";
import { parseStarPattern } from "../platform/star-pattern.ts";

/** One place of a document, with its value as it was written and the problems found in all of it. */
export class WrittenValue {
  readonly #place: string;
  readonly #problems: string[];
  readonly value: unknown;
  /** What it is a member of. */
  readonly above: WrittenValue;

  constructor(place: string, value: unknown, problems: string[], above?: WrittenValue) {
    this.#place = place;
    this.value = value;
    this.#problems = problems;
    this.above = above ?? this;
  }

  refuse(expected: string): undefined {
    return this.refuseAs(shown(this.value), expected);
  }

  refuseAs(found: string, expected: string): undefined {
    const place = this.#place === "" ? "the policy" : this.#place;
    this.#problems.push(`${place}: ${found}, expected ${expected}`);
    return undefined;
  }

  /** The members of an object that has no other keys. @param named those that are told apart, also where nothing stands */
  members<K extends string>(
    keys: readonly K[],
    named: readonly K[] = keys,
  ): Readonly<Record<K, WrittenValue>> | undefined {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return this.refuse(`an object with ${keys.join(", ")}`);
    const unknown = Object.keys(value).find((key) => !keys.some((known) => known === key));
    if (unknown !== undefined)
      return this.refuseAs(`the key ${shown(unknown)}`, `one of ${keys.join(", ")}`);
    const entries = new Map(Object.entries(value));
    const places: Record<string, WrittenValue> = {};
    for (const key of named) {
      const place = this.#place === "" ? key : `${this.#place}.${key}`;
      places[key] = new WrittenValue(place, entries.get(key), this.#problems, this);
    }
    return places as Record<K, WrittenValue>;
  }

  items(expected: string, most: number): readonly WrittenValue[] | undefined {
    const { value } = this;
    if (!Array.isArray(value) || value.length > most) return this.refuse(expected);
    return value.map(
      (item, at) => new WrittenValue(`${this.#place}[${at}]`, item, this.#problems, this),
    );
  }

  /** @param fallback where nothing stands here; "": something must */
  text(fallback: string, expected: string, accepts: (text: string) => boolean): string | undefined {
    if (this.value === undefined && fallback !== "") return fallback;
    return typeof this.value === "string" && accepts(this.value)
      ? this.value
      : this.refuse(expected);
  }

  oneOf<const W extends string>(words: readonly W[], fallback?: W): W | undefined {
    if (this.value === undefined && fallback !== undefined) return fallback;
    return words.find((word) => word === this.value) ?? this.refuse(words.join(" or "));
  }

  number(expected: string, accepts: (value: number) => boolean): number | undefined {
    return typeof this.value === "number" && accepts(this.value)
      ? this.value
      : this.refuse(expected);
  }

  optionalNumber(
    expected: string,
    accepts: (value: number) => boolean,
  ): number | undefined | "refused" {
    return this.value === undefined ? undefined : (this.number(expected, accepts) ?? "refused");
  }

  pattern(): ReturnType<typeof parseStarPattern> | "refused" {
    if (this.value === undefined) return undefined;
    const pattern = typeof this.value === "string" ? parseStarPattern(this.value) : undefined;
    if (pattern !== undefined) return pattern;
    this.refuse(
      "an identity with * for any characters, printable ASCII without ?, 200 characters and ten * at most",
    );
    return "refused";
  }
}

/** Of somebody's text no more than is needed to find it again. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  const text = printable(JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
