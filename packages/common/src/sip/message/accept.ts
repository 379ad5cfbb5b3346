// Body types that a peer takes. RFC 3261 §20.1, with the precedence of RFC 2616 §14.1.
import { Accept, type ParamValue } from "./fields.ts";
import type { SipMessage } from "./message.ts";
import { isToken, parseQvalue, trimLws } from "./scan.ts";

/**
 * True where no Accept says otherwise. The most specific range that fits decides, and `q=0` is a no.
 * @param type in lower case
 */
export function acceptsType(message: SipMessage, type: string): boolean {
  if (!message.has("Accept")) return true; // the package's, or the method's, default type
  const ranges = message
    .all(Accept)
    .map((each) => ({ name: mediaType(each), params: each.params }));
  const [major = ""] = type.split("/");
  for (const range of [type, `${major}/*`, "*/*"]) {
    const fitting = ranges.filter(({ name }) => name === range);
    if (fitting.length > 0) return fitting.some((each) => qualityOf(each) > 0);
  }
  return false;
}

/** `type/subtype` in lower case; white space may stand around the slash (RFC 3261 §25.1, SLASH). */
export function mediaType({ value }: ParamValue): string {
  const lower = value.toLowerCase();
  return isToken(lower) ? lower : lower.split("/").map(trimLws).join("/");
}

/** A malformed q counts as none. */
function qualityOf({ params }: Pick<ParamValue, "params">): number {
  return parseQvalue(params.get("q") ?? "") ?? 1;
}
