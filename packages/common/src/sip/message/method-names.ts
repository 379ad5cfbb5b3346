// The methods that nearly every message has, one text for each: comparing two is comparing references. RFC 3261 §7.1.
import { codesOf, hasCodesAt } from "./scan.ts";

const KNOWN: readonly string[] = [
  "REGISTER",
  "INVITE",
  "ACK",
  "BYE",
  "CANCEL",
  "OPTIONS",
  "SUBSCRIBE",
  "NOTIFY",
  "MESSAGE",
  "PUBLISH",
  "INFO",
  "PRACK",
  "UPDATE",
  "REFER",
];

interface Method {
  readonly name: string;
  readonly codes: readonly number[];
}

/** By first and third letter, which no two of them share. */
const byLetters: (Method | undefined)[] = Array.from({ length: 32 * 32 }, () => undefined);
for (const name of KNOWN)
  byLetters[keyOf(name.charCodeAt(0), name.charCodeAt(2))] = { name, codes: codesOf(name) };

function keyOf(first: number, third: number): number {
  return (first & 31) * 32 + (third & 31);
}

/** The known method with which `text` goes on at `from`, whatever stands behind it; "" when there is none. */
export function methodAt(text: string, from: number): string {
  if (from + 2 >= text.length) return "";
  const likely = byLetters[keyOf(text.charCodeAt(from), text.charCodeAt(from + 2))];
  return likely !== undefined && hasCodesAt(text, from, likely.codes) ? likely.name : "";
}
