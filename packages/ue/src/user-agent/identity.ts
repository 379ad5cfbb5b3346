// The identity of a UE, and the public identity its requests may name. TS 24.229 §5.1.1.2, §5.1.1.3; RFC 5626 §4.1.
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";

/** Who registers, and from where. */
export interface Identity {
  readonly impi: string;
  /** The identity that is registered; others come with it (implicit set). */
  readonly impu: string;
  /** Home domain: Request-URI and realm. */
  readonly domain: string;
  /** URI of Contact: where this UE is reached. */
  readonly contactUri: string;
  /** URN of this device, equal after a restart (RFC 5626 §4.1); undefined: not sent. */
  readonly instance: string | undefined;
}

/** An IMPU that is not in P-Associated-URI is barred, the default identity takes its place. */
export function usableIdentity(impu: string, associatedUris: readonly string[]): string {
  if (associatedUris.length === 0) return impu;
  const wanted = canonical(impu);
  if (associatedUris.some((uri) => canonical(uri) === wanted)) return impu;
  return associatedUris.find((uri) => uri.startsWith("sip")) ?? impu;
}

function canonical(uri: string): string {
  const parsed = parseUri(uri);
  return parsed === undefined ? uri : aorOf(parsed);
}
