// A dialog as plain data, and what messages make of it. RFC 3261 §12.
import { Contact, RecordRoute } from "../message/fields.ts";
import { newRequest, type SipRequest, type SipResponse } from "../message/message.ts";
import type { NameAddr } from "../message/name-addr.ts";
import { parseNameAddr } from "../message/name-addr.ts";
import { ownCopy } from "../message/scan.ts";
import { isSip } from "../message/uri.ts";
import { refreshesTarget } from "./methods.ts";

/** JSON-able; every string is a copy, so that it does not keep a received message alive. */
export interface Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** URIs as they stood in the first request, octet for octet. */
  readonly localUri: string;
  readonly remoteUri: string;
  /** URI to which requests are addressed; follows the peer's Contact. */
  readonly remoteTarget: string;
  /** Route values, nearest first; fixed for the dialog's life. */
  readonly routeSet: readonly string[];
  /** CSeq of the last request sent; 0 when none was. */
  readonly localCseq: number;
  /** CSeq of the last request received; null when none was. */
  readonly remoteCseq: number | null;
}

/** §12.1.1: the dialog that our 2xx with `localTag` makes; undefined without a usable Contact. */
export function dialogAsUas(request: SipRequest, localTag: string): Dialog | undefined {
  const remoteTarget = contactOf(request);
  if (remoteTarget === undefined) return undefined;
  const { from, to } = request;
  return {
    callId: ownCopy(request.callId),
    localTag,
    remoteTag: tagOf(from),
    localUri: ownCopy(to.uriText),
    remoteUri: ownCopy(from.uriText),
    remoteTarget,
    routeSet: recordRouteOf(request),
    localCseq: 0,
    remoteCseq: request.cseq.number,
  };
}

/** §12.1.2: the dialog that the peer's answer to our request makes; undefined without a Contact. */
export function dialogAsUac(sent: SipRequest, response: SipResponse): Dialog | undefined {
  const remoteTarget = contactOf(response);
  if (remoteTarget === undefined) return undefined;
  return {
    callId: ownCopy(sent.callId),
    localTag: tagOf(sent.from),
    remoteTag: tagOf(response.to),
    localUri: ownCopy(sent.from.uriText),
    remoteUri: ownCopy(sent.to.uriText),
    remoteTarget,
    routeSet: recordRouteOf(response).reverse(),
    localCseq: sent.cseq.number,
    remoteCseq: null,
  };
}

/**
 * The way to a peer whose 2xx has no usable Contact: where the request went. Good for an ACK and a BYE, which
 * is all that is left to say (§13.2.2.4).
 */
export function dialogWithoutContact(sent: SipRequest, response: SipResponse): Dialog {
  const recorded = recordRouteOf(response).reverse();
  return {
    callId: ownCopy(sent.callId),
    localTag: tagOf(sent.from),
    remoteTag: tagOf(response.to),
    localUri: ownCopy(sent.from.uriText),
    remoteUri: ownCopy(sent.to.uriText),
    remoteTarget: ownCopy(sent.uri),
    routeSet: recorded.length > 0 ? recorded : sent.texts("Route").map(ownCopy),
    localCseq: sent.cseq.number,
    remoteCseq: null,
  };
}

/** What a subscriber knows before the dialog stands. */
export type EarlySubscription = Pick<
  Dialog,
  "callId" | "localTag" | "localUri" | "remoteUri" | "localCseq"
>;

/** RFC 6665 §4.4.1: a SUBSCRIBE's dialog is made by the first NOTIFY. Undefined without a Contact. */
export function dialogFromNotify(early: EarlySubscription, notify: SipRequest): Dialog | undefined {
  const remoteTarget = contactOf(notify);
  if (remoteTarget === undefined) return undefined;
  return {
    callId: early.callId,
    localTag: early.localTag,
    remoteTag: tagOf(notify.from),
    localUri: early.localUri,
    remoteUri: early.remoteUri,
    remoteTarget,
    routeSet: recordRouteOf(notify),
    localCseq: early.localCseq,
    remoteCseq: notify.cseq.number,
  };
}

export type Acceptance =
  | { readonly kind: "accepted"; readonly dialog: Dialog }
  /** §12.2.2: answer 500. */
  | { readonly kind: "out-of-order" };

/** §12.2.2: takes a request that belongs to the dialog. */
export function acceptRequest(dialog: Dialog, request: SipRequest): Acceptance {
  const { number } = request.cseq;
  if (dialog.remoteCseq !== null && number < dialog.remoteCseq) return { kind: "out-of-order" };
  const target = refreshesTarget(request.method) ? contactOf(request) : undefined;
  const remoteTarget = target ?? dialog.remoteTarget;
  return { kind: "accepted", dialog: { ...dialog, remoteCseq: number, remoteTarget } };
}

/** §12.2.1.2: a 2xx to a target refresh renews the target. */
export function acceptResponse(dialog: Dialog, response: SipResponse): Dialog {
  const isRefresh = response.status >= 200 && response.status < 300;
  if (!isRefresh || !refreshesTarget(response.cseq.method)) return dialog;
  const target = contactOf(response);
  return target === undefined ? dialog : { ...dialog, remoteTarget: target };
}

export interface DialogRequest {
  readonly dialog: Dialog;
  readonly request: SipRequest;
}

/** §12.2.1.1: the dialog's next request, without Via; headers beyond the dialog's are the caller's. */
export function nextRequest(
  dialog: Dialog,
  method: string,
  headers: readonly (readonly [string, string])[] = [],
  body?: Buffer,
): DialogRequest {
  const cseq = dialog.localCseq + 1;
  const { uri, route } = addressing(dialog);
  const request = newRequest(
    method,
    uri,
    [
      ...route.map((value) => ["Route", value] as const),
      ["Max-Forwards", "70"],
      ["From", `<${dialog.localUri}>;tag=${dialog.localTag}`],
      ["To", `<${dialog.remoteUri}>${dialog.remoteTag === "" ? "" : `;tag=${dialog.remoteTag}`}`],
      ["Call-ID", dialog.callId],
      ["CSeq", `${cseq} ${method}`],
      ...headers,
    ],
    body,
  );
  return { dialog: { ...dialog, localCseq: cseq }, request };
}

/** §12.2.1.1: a strict router on top goes into the Request-URI, the target to the end of the Route. */
function addressing(dialog: Dialog): { uri: string; route: readonly string[] } {
  const [first, ...rest] = dialog.routeSet;
  const top = first === undefined ? undefined : parseNameAddr(first);
  if (top === undefined || !isSip(top.uri) || top.uri.params.has("lr"))
    return { uri: dialog.remoteTarget, route: dialog.routeSet };
  // §19.1.1: a Request-URI carries no headers
  const uri = top.uriText.split("?")[0] ?? top.uriText;
  return { uri, route: [...rest, `<${dialog.remoteTarget}>`] };
}

/** True when `request`, received, belongs to this dialog (§12.2.2). */
export function isInDialog(dialog: Dialog, request: SipRequest): boolean {
  return (
    request.callId === dialog.callId &&
    tagOf(request.to) === dialog.localTag &&
    tagOf(request.from) === dialog.remoteTag
  );
}

/** The tag of From or To, "" when there is none (RFC 2543 peers). */
export function tagOf(value: NameAddr): string {
  return ownCopy(value.params.get("tag") ?? "");
}

/** §8.1.1.8, §12.1: exactly one SIP or SIPS URI; undefined when Contact is anything else, or not there. */
export function contactOf(message: SipRequest | SipResponse): string | undefined {
  const [contact, ...others] = message.all(Contact);
  if (contact === undefined || contact === "*" || others.length > 0) return undefined;
  return isSip(contact.uri) ? ownCopy(contact.uriText) : undefined;
}

/** Record-Route values, topmost first. */
export function recordRouteOf(message: SipRequest | SipResponse): string[] {
  // a value that cannot be read is left out here; the request was refused before if it matters
  const values: string[] = [];
  for (const { uriText, params } of message.all(RecordRoute))
    values.push(ownCopy(`<${uriText}>${params}`));
  return values;
}
