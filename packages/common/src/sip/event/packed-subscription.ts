// A subscription at rest as one text: a third of the room of its object. The inverse of each other, but for fractions of milliseconds.
import { isLive } from "./notifier.ts";
import type { NotifierSubscription } from "./subscription.ts";

type Packed = readonly [
  package_: string,
  eventId: string | null,
  subject: string,
  memo: string,
  contact: string,
  version: number,
  isPending: 0 | 1,
  expiresAt: number,
  callId: string,
  remoteTag: string,
  /** 0: the subject. */
  localUri: string | 0,
  remoteUri: string | 0,
  remoteTarget: string,
  routeSet: readonly string[],
  localCseq: number,
  remoteCseq: number | null,
];

/** Undefined while a NOTIFY is under way or due, or the last one: then it is in use. */
export function packSubscription(subscription: NotifierSubscription): string | undefined {
  const { id, state, dialog, subject } = subscription;
  const isAtRest = isLive(state) && !state.sent && state.due === "nothing";
  if (!isAtRest || dialog.localTag !== id) return undefined;
  const packed: Packed = [
    subscription.package,
    subscription.eventId,
    subject,
    subscription.memo,
    subscription.contact,
    subscription.version,
    state.name === "pending" ? 1 : 0,
    Math.round(state.expiresAt),
    dialog.callId,
    dialog.remoteTag,
    dialog.localUri === subject ? 0 : dialog.localUri,
    dialog.remoteUri === subject ? 0 : dialog.remoteUri,
    dialog.remoteTarget,
    dialog.routeSet,
    dialog.localCseq,
    dialog.remoteCseq,
  ];
  return JSON.stringify(packed);
}

export function unpackSubscription(text: string, id: string): NotifierSubscription {
  const [
    name,
    eventId,
    subject,
    memo,
    contact,
    version,
    isPending,
    expiresAt,
    callId,
    remoteTag,
    localUri,
    remoteUri,
    remoteTarget,
    routeSet,
    localCseq,
    remoteCseq,
  ] = JSON.parse(text) as Packed;
  return {
    id,
    dialog: {
      callId,
      localTag: id,
      remoteTag,
      localUri: localUri === 0 ? subject : localUri,
      remoteUri: remoteUri === 0 ? subject : remoteUri,
      remoteTarget,
      routeSet,
      localCseq,
      remoteCseq,
    },
    package: name,
    eventId,
    subject,
    memo,
    contact,
    version,
    state: { name: isPending === 1 ? "pending" : "active", expiresAt, sent: false, due: "nothing" },
  };
}
