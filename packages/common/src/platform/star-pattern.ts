// Patterns of settings and policies: `*` stands for any characters, and one may cover another.
import { glob } from "./glob.ts";

const LONGEST = 200;
const MOST_STARS = 10;

export class StarPattern {
  /** As it was written. */
  readonly text: string;
  readonly #test: (subject: string) => boolean;

  /** @param text without `?`, which would stand for a character */
  constructor(text: string) {
    this.text = text;
    this.#test = glob(text);
  }

  /** Case counts. */
  matches(subject: string): boolean {
    return this.#test(subject);
  }

  /** Whether it matches all that `other` does: a star of `other` can only lie within one of its own. */
  covers(other: StarPattern): boolean {
    return this.matches(other.text);
  }

  /** Whether it stands for one text alone. */
  get isLiteral(): boolean {
    return !this.text.includes("*");
  }
}

/** Undefined for what is no pattern: printable ASCII without `?`, 200 characters and ten stars at most. */
export function parseStarPattern(text: string): StarPattern | undefined {
  if (text.length > LONGEST || !/^[ ->@-~]+$/.test(text)) return undefined;
  return text.split("*").length > MOST_STARS + 1 ? undefined : new StarPattern(text);
}
