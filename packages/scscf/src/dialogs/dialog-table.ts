// Calls that were record-routed here, so that they can be released: CANCEL while they begin, then BYE to each end. TS 24.229 §5.4.5.1.
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import { Groups } from "@ims-lab/common/platform/groups";
import type { Logger } from "@ims-lab/common/platform/logger";
import { type Dialog, nextRequest, recordRouteOf, tagOf } from "@ims-lab/common/sip/dialog/dialog";
import { Contact } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { IsOwn } from "@ims-lab/common/sip/proxy/loop";
import { isOwnUri } from "@ims-lab/common/sip/proxy/route";
import type { RegistrationEvent, RegistrationSubscriber } from "../registration/events.ts";
import { type EarlyDialog, EarlyDialogs } from "./early-dialogs.ts";

/** Both directions as if this node were the other end: what a BYE is made from. */
interface RoutedDialog {
  readonly tokens: readonly string[];
  /** Speaks as the caller. */
  toCallee: Dialog;
  /** Speaks as the callee. */
  toCaller: Dialog;
}

export interface DialogTableOptions {
  readonly log: Logger;
  readonly isOwn: IsOwn;
  send(request: SipRequest): void;
  /** The oldest goes first: whoever ends a dialog without telling leaves it here. */
  readonly most: number;
  onForgotten?(): void;
}

export class DialogTable implements RegistrationSubscriber {
  readonly #options: DialogTableOptions;
  readonly #dialogs = new Map<string, RoutedDialog>();
  readonly #byToken = new Groups<string, string>();
  readonly #beginning = new EarlyDialogs();
  /** CSeq of the last request in an INVITE's early dialogs, by From and To tag (PRACK, UPDATE). */
  readonly #early = new WeakMap<SipRequest, Map<string, number>>();

  constructor(options: DialogTableOptions) {
    this.#options = options;
  }

  /** TS 24.229 §5.4.1.5: its calls end before anybody hears of the registration's end. */
  on(event: RegistrationEvent): void {
    if (event.kind !== "removed") return;
    const { token, impi, impu, callId, address } = event.binding;
    const released = this.release(token);
    if (released === 0) return;
    const { contact } = address;
    this.#options.log.info("dialogs.released", { impi, impu, callId, contact, released });
  }

  get size(): number {
    return this.#dialogs.size;
  }

  /** An INVITE out of a dialog goes on. */
  begins(invite: SipRequest, beginning: EarlyDialog): void {
    this.#beginning.add(invite, beginning);
    this.#early.set(invite, new Map());
  }

  /** It has its final response. */
  hasBegun(invite: SipRequest): void {
    this.#beginning.delete(invite);
  }

  /** A 2xx to an INVITE out of a dialog. @param invite as it came here */
  established(invite: SipRequest, response: SipResponse, tokens: readonly string[]): void {
    const callerTarget = contactOf(invite);
    const calleeTarget = contactOf(response);
    if (callerTarget === undefined || calleeTarget === undefined) return;
    const { callId, from } = invite;
    const { to } = response;
    const { towardsCaller, towardsCallee } = this.#routesAround(response);
    const fromTag = tagOf(from);
    const toTag = tagOf(to);
    const early = this.#early.get(invite);
    const caller = { localTag: fromTag, localUri: ownCopy(from.uriText) };
    const callee = { localTag: toTag, localUri: ownCopy(to.uriText) };
    const common = { callId: ownCopy(callId), remoteCseq: null };
    this.#keep(keyOf(callId, fromTag, toTag), {
      tokens,
      toCallee: {
        ...common,
        ...caller,
        remoteTag: toTag,
        remoteUri: callee.localUri,
        remoteTarget: calleeTarget,
        routeSet: towardsCallee,
        localCseq: early?.get(`${fromTag} ${toTag}`) ?? invite.cseq.number,
      },
      toCaller: {
        ...common,
        ...callee,
        remoteTag: fromTag,
        remoteUri: caller.localUri,
        remoteTarget: callerTarget,
        routeSet: towardsCaller,
        localCseq: early?.get(`${toTag} ${fromTag}`) ?? 0,
      },
    });
  }

  #keep(key: string, dialog: RoutedDialog): void {
    this.#forget(key);
    this.#dialogs.set(key, dialog);
    for (const token of dialog.tokens) this.#byToken.add(token, key);
    const [oldest] = this.#dialogs.keys();
    if (this.#dialogs.size <= this.#options.most || oldest === undefined) return;
    this.#forget(oldest);
    this.#options.onForgotten?.();
  }

  #forget(key: string): void {
    const dialog = this.#dialogs.get(key);
    this.#dialogs.delete(key);
    for (const token of dialog?.tokens ?? []) this.#byToken.remove(token, key);
  }

  /** A request within a dialog passes: its CSeq and Contact count from then on; a BYE ends it. */
  passed(request: SipRequest): void {
    const { callId, method, cseq } = request;
    const fromTag = tagOf(request.from);
    const toTag = tagOf(request.to);
    const forward = keyOf(callId, fromTag, toTag);
    const backward = keyOf(callId, toTag, fromTag);
    if (method === "BYE") {
      this.#forget(forward);
      this.#forget(backward);
      return;
    }
    this.#passedEarly(request, `${fromTag} ${toTag}`);
    const target = contactOf(request);
    const moved = target === undefined ? {} : { remoteTarget: target };
    const asCaller = this.#dialogs.get(forward);
    if (asCaller !== undefined) {
      asCaller.toCallee = withCseq(asCaller.toCallee, cseq.number);
      asCaller.toCaller = { ...asCaller.toCaller, ...moved };
    }
    const asCallee = this.#dialogs.get(backward);
    if (asCallee !== undefined) {
      asCallee.toCaller = withCseq(asCallee.toCaller, cseq.number);
      asCallee.toCallee = { ...asCallee.toCallee, ...moved };
    }
  }

  #passedEarly({ callId, cseq }: SipRequest, direction: string): void {
    for (const invite of this.#beginning.ofCallId(callId))
      this.#early.get(invite)?.set(ownCopy(direction), cseq.number);
  }

  /** Within a dialog: a 2xx may renew the target of who answers (RFC 3261 §12.2.1.2, RFC 3311 §5.2). */
  answered({ method, callId, from, to }: SipRequest, response: SipResponse): void {
    const isRefresh = method === "INVITE" || method === "UPDATE";
    if (!isRefresh || response.status < 200 || response.status >= 300) return;
    const remoteTarget = contactOf(response);
    if (remoteTarget === undefined) return;
    const asCaller = this.#dialogs.get(keyOf(callId, tagOf(from), tagOf(to)));
    if (asCaller !== undefined) asCaller.toCallee = { ...asCaller.toCallee, remoteTarget };
    const asCallee = this.#dialogs.get(keyOf(callId, tagOf(to), tagOf(from)));
    if (asCallee !== undefined) asCallee.toCaller = { ...asCallee.toCaller, remoteTarget };
  }

  /** The registration behind `token` has gone: its dialogs end, both sides are told. */
  release(token: string): number {
    let released = this.#beginning.release(token);
    for (const key of this.#byToken.of(token)) {
      const dialog = this.#dialogs.get(key);
      this.#forget(key);
      if (dialog === undefined) continue;
      released++;
      for (const side of [dialog.toCaller, dialog.toCallee])
        this.#options.send(nextRequest(side, "BYE", [["Reason", RELEASED]]).request);
    }
    return released;
  }

  /** Record-Route of the 2xx: the callee's side on top, ours in the middle, the caller's below. */
  #routesAround(response: SipResponse): {
    towardsCaller: readonly string[];
    towardsCallee: readonly string[];
  } {
    const routes = recordRouteOf(response);
    const isOurs = (value: string): boolean => isOwnUri(sipUriOfPath(value), this.#options.isOwn);
    const first = routes.findIndex(isOurs);
    const last = routes.findLastIndex(isOurs);
    return {
      towardsCallee: routes.slice(0, Math.max(first, 0)).reverse(),
      towardsCaller: routes.slice(last + 1),
    };
  }
}

/** RFC 3326. */
export const RELEASED = 'SIP;cause=480;text="registration ended"';

function withCseq(dialog: Dialog, number: number): Dialog {
  return { ...dialog, localCseq: Math.max(dialog.localCseq, number) };
}

function contactOf(message: SipRequest | SipResponse): string | undefined {
  const contact = message.get(Contact);
  return contact === undefined || contact === "*" ? undefined : ownCopy(contact.uriText);
}

function keyOf(callId: string, fromTag: string, toTag: string): string {
  return ownCopy(`${callId} ${fromTag} ${toTag}`);
}
