// Patterns for names: `*` is any text, `?` any one character, everything else itself.

/** Longer ones name nobody. */
export const LONGEST_PATTERN = 256;

export interface GlobOptions {
  /** Capital and small letters are the same. */
  readonly ignoreCase?: boolean;
}

/** A test for the whole of a text, in time that grows with pattern times text at most, whatever the pattern. */
export function glob(
  pattern: string,
  { ignoreCase = false }: GlobOptions = {},
): (text: string) => boolean {
  const written = ignoreCase ? pattern.toLowerCase() : pattern;
  const wanted = written.replace(/\*+/g, "*");
  return (text) => matches(wanted, ignoreCase ? text.toLowerCase() : text);
}

/** The last `*` alone need be tried again: what an earlier one could take, that one can, too. */
function matches(pattern: string, text: string): boolean {
  let [at, from] = [0, 0];
  let [star, taken] = [-1, 0];
  while (from < text.length) {
    if (pattern[at] === "*") {
      star = at++;
      taken = from;
    } else if (pattern[at] === "?" || pattern[at] === text[from]) {
      at++;
      from++;
    } else if (star >= 0) {
      at = star + 1;
      from = ++taken;
    } else return false;
  }
  return at === pattern.length || (pattern[at] === "*" && at + 1 === pattern.length);
}
