// Text with `{n}` (or `{n:6}`, zero-padded to six digits) in it: one template stands for many names.

/** Undefined for text whose numbers could not be read back out of it. */
export function parsePattern(text: string): NumberPattern | undefined {
  // A digit right behind the number would belong to it.
  if (/\{n(?::\d+)?\}(?:\d|\{)/.test(text)) return undefined;
  const parts = text.split(/\{n(?::([1-9]|1[0-9]))?\}/);
  if (parts.some((part) => part !== undefined && /[{}]/.test(part))) return undefined;
  return new NumberPattern(parts);
}

export class NumberPattern {
  /** Literal, width, literal, width, … literal. */
  readonly #parts: readonly (string | undefined)[];

  constructor(parts: readonly (string | undefined)[]) {
    this.#parts = parts;
  }

  /** Whether it depends on the number at all. */
  get varies(): boolean {
    return this.#parts.length > 1;
  }

  /** Its literals and, between them, the least digits of the number. */
  get layout(): { readonly literals: readonly string[]; readonly widths: readonly number[] } {
    const isLiteral = (_: unknown, at: number): boolean => at % 2 === 0;
    return {
      literals: this.#parts.filter(isLiteral).map((text) => text ?? ""),
      widths: this.#parts.filter((part, at) => !isLiteral(part, at)).map((w) => Number(w ?? 0)),
    };
  }

  expand(n: number): string {
    let text = this.#parts[0] ?? "";
    for (let at = 1; at < this.#parts.length; at += 2) {
      const width = Number(this.#parts[at] ?? 0);
      text += `${String(n).padStart(width, "0")}${this.#parts[at + 1] ?? ""}`;
    }
    return text;
  }

  /** The number that `expand` makes `text` of. */
  match(text: string): number | undefined {
    const prefix = this.#parts[0] ?? "";
    if (!text.startsWith(prefix)) return undefined;
    const start = prefix.length;
    const end = digitsEnd(text, start);
    if (end === start) return undefined;
    const n = Number(text.slice(start, end));
    return this.expand(n) === text ? n : undefined;
  }
}

/** Whatever number has more is none that can be counted to. */
const MOST_DIGITS = 15;

function digitsEnd(text: string, start: number): number {
  const most = Math.min(text.length, start + MOST_DIGITS);
  let at = start;
  while (at < most && text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++;
  return at;
}
