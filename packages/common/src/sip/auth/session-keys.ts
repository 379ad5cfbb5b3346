// Session keys of AKA, `ik` and `ck` of a challenge, kept from UEs and from traces. TS 24.229 §5.4.1.2.1, §5.2.2.1.
import { parseAuthHeader } from "../message/auth-header.ts";
import { WwwAuthenticate } from "../message/fields.ts";
import type { SipResponse } from "../message/message.ts";
import { authParamFilter } from "./auth-params.ts";

const withoutKeys = authParamFilter(["ik", "ck"]);

/** From the P-CSCF to the UE: whoever listens to it never sees them. Changes `response`. */
export function removeSessionKeys(response: SipResponse): void {
  const challenges = response.texts("WWW-Authenticate");
  const bare = challenges.map(withoutKeys);
  const isUntouched = bare.every((challenge, at) => challenge === challenges[at]);
  // Mostly there is nothing to hide, and all has been read before.
  if (isUntouched && response.all(WwwAuthenticate).length === challenges.length) return;
  const shown = bare.filter((challenge) => parseAuthHeader(challenge) !== undefined); // unreadable: it may hide them
  if (shown.length === 0) response.remove("WWW-Authenticate");
  else response.set("WWW-Authenticate", shown);
}

// A parameter follows a blank or a comma: the base64 of a nonce that ends in "ck=" is none.
const KEYS = /(?<=^|[,;\s])([ic]k\s*=\s*"?)([^",;\s]+)/gi;

/** The same octets of a message if there is no key in them, else a copy of equal length with `x` for each octet. */
export function maskSessionKeys(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1");
  if (text.search(KEYS) < 0) return bytes;
  const masked = text.replace(
    KEYS,
    (_all: string, name: string, value: string) => name + "x".repeat(value.length),
  );
  return Buffer.from(masked, "latin1");
}
