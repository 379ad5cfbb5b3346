// Texts that many rows have alike, each kept once and known by its number.

/** Above it a text stands in its row: who writes another one each time must not fill a table that is never emptied. */
const MOST_TEXTS = 4_096;

export class SharedTexts {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [""];
  readonly #most: number;

  constructor(most: number = MOST_TEXTS) {
    this.#most = most;
  }

  /**
   * From 1 on; undefined where the table is full and does not have it.
   * @param text no slice of a longer one: it is kept
   */
  numberOf(text: string): number | undefined {
    const known = this.#numbers.get(text);
    if (known !== undefined || this.#numbers.size >= this.#most) return known;
    const number = this.#texts.push(text) - 1;
    this.#numbers.set(text, number);
    return number;
  }

  /** @param number one that `numberOf` gave */
  text(number: number): string {
    return this.#texts[number] ?? "";
  }
}
