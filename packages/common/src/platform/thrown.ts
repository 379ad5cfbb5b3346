// What was thrown, as an error or as its reason in words: JavaScript throws any value.

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Not made printable: see `printable` where it holds a peer's text. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
