// StarPattern patterns: text in which `*` stands for any characters. Not regular expressions, so that none takes long.

/** Characters of a pattern. */
export const LONGEST_STAR_PATTERN = 200;
const MOST_STARS = 10;

export class StarPattern {
  /** As it was written. */
  readonly text: string;
  readonly #parts: readonly string[];

  constructor(text: string) {
    this.text = text;
    this.#parts = text.split("*");
  }

  /** Case counts; the time grows with the length of `subject` times the number of stars at most. */
  matches(subject: string): boolean {
    const [first = "", ...rest] = this.#parts;
    const last = rest.pop();
    if (last === undefined) return subject === first;
    const end = subject.length - last.length;
    if (end < first.length || !subject.startsWith(first) || !subject.endsWith(last)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = subject.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  }

  /** Whether it matches all that `other` does: a star of `other` can only lie within one of its own. */
  covers(other: StarPattern): boolean {
    return this.matches(other.text);
  }

  /** Whether it stands for one text alone. */
  get isLiteral(): boolean {
    return this.#parts.length === 1;
  }
}

/** Undefined for what is no pattern: printable ASCII, 200 characters and ten stars at most. */
export function parseStarPattern(text: string): StarPattern | undefined {
  if (text.length > LONGEST_STAR_PATTERN || !/^[ -~]+$/.test(text)) return undefined;
  return text.split("*").length > MOST_STARS + 1 ? undefined : new StarPattern(text);
}
