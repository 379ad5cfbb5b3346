// A name that two numbered patterns both make, found without making their names one by one.
import type { NumberPattern } from "./number-pattern.ts";

/** The names that a pattern makes of `from` to `to`. */
export interface NumberedName {
  readonly pattern: NumberPattern;
  readonly from: number;
  readonly to: number;
}

/** One of them; undefined when there is none. Of no common name the time goes with digits, not with numbers. */
export function sharedName(one: NumberedName, other: NumberedName): string | undefined {
  if (!mayMeet(one.pattern, other.pattern)) return undefined;
  for (let digits = lengthOf(one.from); digits <= lengthOf(one.to); digits++) {
    const first = drawn(one, digits);
    for (let others = lengthOf(other.from); others <= lengthOf(other.to); others++) {
      const second = drawn(other, others);
      const found = first.cells.length === second.cells.length ? solve(first, second) : undefined;
      if (found !== undefined) return one.pattern.expand(found);
    }
  }
  return undefined;
}

/** Cheap: literals at the beginning or at the end that contradict each other. */
function mayMeet(one: NumberPattern, other: NumberPattern): boolean {
  const [a, b] = [one.layout.literals, other.layout.literals];
  const [prefix, suffix] = [0, -1].map((at) => [a.at(at) ?? "", b.at(at) ?? ""] as const);
  return fits(prefix, (long, short) => long.slice(0, short.length)) && endFits(suffix);
}

/** The longer one goes on with a digit where the shorter one's number stands. */
function fits(
  pair: readonly [string, string] | undefined,
  part: (long: string, short: string) => string,
): boolean {
  const [a = "", b = ""] = pair ?? [];
  const [long, short] = a.length < b.length ? [b, a] : [a, b];
  if (part(long, short) !== short) return false;
  return long.length === short.length || /^\d/.test(long.slice(short.length));
}

function endFits(pair: readonly [string, string] | undefined): boolean {
  const [a = "", b = ""] = pair ?? [];
  const reversed = (text: string): string => [...text].reverse().join("");
  return fits([reversed(a), reversed(b)], (long, short) => long.slice(0, short.length));
}

/** A name of so many digits, place by place: a character, or which digit of the number stands there. */
interface Drawn {
  readonly cells: readonly (string | number)[];
  readonly digits: number;
  readonly from: number;
  readonly to: number;
}

function drawn({ pattern, from, to }: NumberedName, digits: number): Drawn {
  const { literals, widths } = pattern.layout;
  const cells: (string | number)[] = [...(literals[0] ?? "")];
  widths.forEach((width, at) => {
    for (let zero = digits; zero < width; zero++) cells.push("0");
    for (let digit = 0; digit < digits; digit++) cells.push(digit);
    cells.push(...(literals[at + 1] ?? ""));
  });
  const least = digits === 1 ? 0 : 10 ** (digits - 1);
  return { cells, digits, from: Math.max(from, least), to: Math.min(to, 10 ** digits - 1) };
}

/** The first name's number, of one that both make. */
function solve(one: Drawn, other: Drawn): number | undefined {
  const places = new Places(one.digits + other.digits);
  for (const [at, a] of one.cells.entries()) {
    const b = other.cells[at];
    const [x, y] = [a, typeof b === "number" ? one.digits + b : (b ?? "")];
    if (!places.equal(x, y)) return undefined;
  }
  return search(places, one, other) ? numberIn(places, one, 0, 0) : undefined;
}

/** Digits that must be equal, and those that are known. */
class Places {
  readonly #same: number[];
  readonly digits: (number | undefined)[];

  constructor(count: number) {
    this.#same = Array.from({ length: count }, (_, at) => at);
    this.digits = new Array<undefined>(count).fill(undefined);
  }

  root(at: number): number {
    let root = at;
    while (this.#same[root] !== root) root = this.#same[root] ?? root;
    return root;
  }

  of(at: number): number | undefined {
    return this.digits[this.root(at)];
  }

  /** False: they cannot be equal. */
  equal(one: string | number, other: string | number): boolean {
    if (typeof one === "string" && typeof other === "string") return one === other;
    if (typeof one === "string") return this.#is(other as number, one);
    if (typeof other === "string") return this.#is(one, other);
    const [a, b] = [this.root(one), this.root(other)];
    const [x, y] = [this.digits[a], this.digits[b]];
    if (x !== undefined && y !== undefined && x !== y) return false;
    this.#same[b] = a;
    this.digits[a] = x ?? y;
    return true;
  }

  #is(at: number, character: string): boolean {
    if (!/^\d$/.test(character)) return false;
    const root = this.root(at);
    this.digits[root] ??= Number(character);
    return this.digits[root] === Number(character);
  }
}

/** Fills digits in from the left, and goes no further where a number is outside its range whatever follows. */
function search(places: Places, one: Drawn, other: Drawn): boolean {
  const isPossible = isWithin(places, one, 0) && isWithin(places, other, one.digits);
  if (!isPossible) return false;
  const next = nextOpen(places, one, other);
  if (next === undefined) return true;
  for (let digit = 0; digit <= 9; digit++) {
    places.digits[next] = digit;
    if (search(places, one, other)) return true;
  }
  places.digits[next] = undefined;
  return false;
}

/** The highest digit of either number that is not known yet. */
function nextOpen(places: Places, one: Drawn, other: Drawn): number | undefined {
  for (let place = 0; place < Math.max(one.digits, other.digits); place++)
    for (const [drawnOne, base] of [
      [one, 0],
      [other, one.digits],
    ] as const)
      if (place < drawnOne.digits && places.of(base + place) === undefined)
        return places.root(base + place);
  return undefined;
}

function isWithin(places: Places, drawnOne: Drawn, base: number): boolean {
  const least = numberIn(places, drawnOne, base, 0);
  const most = numberIn(places, drawnOne, base, 9);
  return most >= drawnOne.from && least <= drawnOne.to;
}

function numberIn(places: Places, { digits }: Drawn, base: number, open: number): number {
  let number = 0;
  for (let at = 0; at < digits; at++) number = number * 10 + (places.of(base + at) ?? open);
  return number;
}

function lengthOf(number: number): number {
  return String(number).length;
}
