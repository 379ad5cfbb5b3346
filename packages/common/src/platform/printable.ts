// Text that others chose, for a terminal: one column a character, and nothing that could steer it.

/** Control, format, unassigned; combining; separators of lines; pictures; East Asian wide (Unicode annex 11). */
const UNPRINTABLE =
  /[\p{C}\p{M}\p{Zl}\p{Zp}\p{Extended_Pictographic}\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe10-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1f000}-\u{3fffd}]/gu;

/** `\x1b` and `\u{202e}` in the place of what cannot be shown; as many columns as characters. */
export function printable(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const digits = code.toString(16);
    return code < 0x100 ? `\\x${digits.padStart(2, "0")}` : `\\u{${digits}}`;
  });
}
