// Parameters taken out of Authorization and WWW-Authenticate, all other octets as they came. RFC 3261 §25.1.
import { trimLws } from "../message/scan.ts";

/**
 * Takes parameters out of a header value. Every occurrence goes, repeated ones too: a second one must not slip through.
 * @param names lower case, letters and hyphens only
 */
export function authParamFilter(names: readonly string[]): (text: string) => string {
  const named = new RegExp(`\\b(?:${names.join("|")})\\b`, "i");
  return (text) => (named.test(text) ? withoutAuthParams(text, names) : text); // mostly nothing has to go
}

function withoutAuthParams(text: string, names: readonly string[]): string {
  const [, scheme = "", rest = ""] = /^([^ \t\r\n]+)[ \t\r\n]*([\s\S]*)$/.exec(text) ?? [];
  const kept = splitAtCommas(rest).filter((part) => !names.includes(nameOf(part)));
  return kept.length === 0 ? scheme : `${scheme} ${kept.join(",")}`;
}

function nameOf(part: string): string {
  const equals = part.indexOf("=");
  return trimLws(equals < 0 ? part : part.slice(0, equals)).toLowerCase();
}

/** At top-level commas, white space kept. */
function splitAtCommas(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\" && quoted) at++;
    else if (character === '"') quoted = !quoted;
    else if (character === "," && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}
