// Causes of a failed TLS handshake, from what OpenSSL and Node call them. RFC 5922 §7.
import type { HostPort } from "./transport.ts";

export type TlsTroubleKind =
  | "plain" // no TLS at the other end
  | "expired" // its certificate, or one it depends on, is not valid now
  | "authority" // no authority that we believe has signed its certificate
  | "name" // its certificate is somebody else's
  | "no-certificate" // it has to show one and shows none
  | "disbelieved" // it does not believe our certificate
  | "other";

/** A handshake that failed, for a person to read. */
export interface TlsTrouble {
  readonly peer: HostPort;
  /** Who connected. */
  readonly side: "they" | "we";
  readonly kind: TlsTroubleKind;
  readonly why: string;
}

const KINDS: readonly (readonly [code: RegExp, kind: TlsTroubleKind])[] = [
  [/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|BAD_RECORD_TYPE/, "plain"],
  [/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/, "expired"],
  [/ALTNAME_INVALID/, "name"],
  [/ALERT.*(CERTIFICATE|UNKNOWN_CA)/, "disbelieved"],
  [/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_)/, "authority"],
];

export function kindOf(code: string): TlsTroubleKind {
  return KINDS.find(([codes]) => codes.test(code))?.[1] ?? "other";
}

/** System errors (refused, reset …) are told as send failures and are no matter of TLS. */
export function isTlsError({ code }: NodeJS.ErrnoException): boolean {
  return code === undefined || /^[A-Z]+_/.test(code);
}

export function troubleOf(
  error: NodeJS.ErrnoException,
  peer: HostPort,
  side: TlsTrouble["side"],
): TlsTrouble {
  return { peer, side, kind: kindOf(error.code ?? ""), why: textOf(error) };
}

/** OpenSSL's own words, without its lines of code. */
function textOf(error: NodeJS.ErrnoException): string {
  const said = /:SSL routines:[^:]*:([^:]*)/.exec(error.message)?.[1] ?? error.message;
  return said.split(/[\r\n]/, 1).join();
}
