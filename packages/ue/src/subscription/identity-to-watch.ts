// Whose registration a UE subscribes to. TS 24.229 §5.1.1.3.
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";

/** One that is not in P-Associated-URI is barred, the default takes its place. */
export function identityToWatch(impu: string, associatedUris: readonly string[]): string {
  if (associatedUris.length === 0) return impu;
  const wanted = canonical(impu);
  if (associatedUris.some((uri) => canonical(uri) === wanted)) return impu;
  return associatedUris.find((uri) => uri.startsWith("sip")) ?? impu;
}

function canonical(uri: string): string {
  const parsed = parseUri(uri);
  return parsed === undefined ? uri : aorOf(parsed);
}
