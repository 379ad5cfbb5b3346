// CSeq: orders the requests of one dialog. RFC 3261 §8.1.1.5, §20.16.
import { isToken, parseNumber, skipSpace } from "./scan.ts";

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** RFC 3261 §8.1.1.5: the number is below 2^31. */
const LARGEST = 2 ** 31 - 1;

export function parseCseq(text: string): CSeq | undefined {
  const space = firstBlank(text);
  if (space < 0) return undefined;
  const number = parseNumber(text.slice(0, space), LARGEST);
  const method = text.slice(skipSpace(text, space));
  return number === undefined || !isToken(method) ? undefined : { number, method };
}

function firstBlank(text: string): number {
  const space = text.indexOf(" ");
  const tab = text.indexOf("\t");
  return tab < 0 || (space >= 0 && space < tab) ? space : tab;
}
