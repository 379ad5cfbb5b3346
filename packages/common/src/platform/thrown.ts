// Thrown values, which JavaScript lets be anything, as an error or as its reason in words.

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Not made printable: see `printable` where it holds a peer's text. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
