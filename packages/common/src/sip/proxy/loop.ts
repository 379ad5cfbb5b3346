// Loop detection: a fingerprint of what decides a request's way, in our branches. RFC 3261 §16.3, RFC 5393 §4.2.
import { Via } from "../message/fields.ts";
import type { SipRequest } from "../message/message.ts";
import { textsHash } from "../transaction/text-hash.ts";

/** Whether an address is one of ours. */
export type IsOwn = (host: string, port: number) => boolean;

const ROUTING = ["Route", "Proxy-Require", "Proxy-Authorization"] as const;

/** For `RequestOptions.branchTail`; of the request as it came, before anything was changed. */
export function loopTail(request: SipRequest): string {
  const { uri, callId, cseq, from, to } = request;
  const fromTag = from.params.get("tag") ?? "";
  const texts = [uri, callId, String(cseq.number), fromTag, to.params.get("tag") ?? ""];
  for (const name of ROUTING) if (request.has(name)) texts.push(name, ...request.texts(name));
  return textsHash(texts);
}

/** True when this request was here before and would take the same way again; a spiral is none. */
export function isLoop(request: SipRequest, isOwn: IsOwn): boolean {
  let tail: string | undefined;
  for (const via of request.all(Via)) {
    const { branch } = via;
    if (branch === undefined || !branch.includes(".")) continue; // ours have a tail
    if (!isOwn(via.host, via.port ?? 5060)) continue;
    tail ??= `.${loopTail(request)}`;
    if (branch.endsWith(tail)) return true;
  }
  return false;
}
