// The length of a body: one reading for what cuts messages out of a stream and what decodes them. RFC 3261 §18.3, §20.14.
import { headReader } from "./head-reader.ts";
import { headerName } from "./header-names.ts";

const CONTENT_LENGTH = headerName("Content-Length");
const NO_LENGTH = "no Content-Length";

/**
 * @param values of every Content-Length line; those that say the same number count as one
 * @returns octets (beyond any number: Infinity), or why there is no telling
 */
export function declaredLength(values: readonly string[]): number | string {
  const [first] = values;
  if (first === undefined) return NO_LENGTH;
  if (values.length === 1) return isDigits(first) ? Number(first) : "malformed Content-Length";
  if (!values.every(isDigits)) return "malformed Content-Length";
  const length = Number(first);
  return values.every((value) => Number(value) === length) ? length : "conflicting Content-Length";
}

function isDigits(value: string): boolean {
  return /^\d+$/.test(value);
}

/**
 * The same, of a head that nobody has decoded yet: for streams, on which a length must be there.
 * @param headEnd behind the empty line
 */
export function lengthInHead(bytes: Buffer, start: number, headEnd: number): number | string {
  const head = headReader.read(bytes.subarray(start, headEnd), 0);
  const values: string[] = [];
  head.headers.forEach((header, line) => {
    if (header === CONTENT_LENGTH) values.push(head.valueText(line));
  });
  return declaredLength(values);
}
