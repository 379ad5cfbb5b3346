// The body of one NOTIFY: what its subscriber must hear, in full or in part. RFC 3680 §4.7, docs/events.md.
import { OWN_PACKAGE, REGINFO_TYPE } from "@ims-lab/common/ims/events";
import { formatReginfo } from "@ims-lab/common/ims/reginfo";
import type { NotifyBody, Rendering } from "@ims-lab/common/sip/event/notifier-agent";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import type { RegistrationSet } from "../subscribers/registration-sets.ts";
import { type GoneContact, registrationsOf } from "./reginfo-document.ts";
import type { VerdictRules } from "./subscribe-verdict.ts";
import { isDeviceMemo, tokenIn } from "./subscription-owner.ts";

/** What is special about one NOTIFY. */
export interface Notice {
  readonly gone?: readonly GoneContact[];
  /** The binding that has changed; all of them when undefined. */
  readonly only?: string;
  /** The identities have changed: the whole state, and which of them are no more. */
  readonly ended?: readonly string[];
  /** The identities as they were when it happened, where they have changed since. */
  readonly aors?: readonly string[];
}

export interface RenderingFacts {
  /** Of the same registration set. */
  readonly watchers: readonly NotifierSubscription[];
  /** Tokens of devices whose trigger has not left yet. */
  readonly announcing: ReadonlySet<string>;
  /** N of a re-authentication, milliseconds. */
  readonly deadlineMs: number;
  readonly notice: Notice;
  /** A NOTIFY that asks this device has left: the trigger itself, or another one that overtakes it. */
  onAsked(token: string, at: number): void;
}

export function renderReginfo(
  { clock, setOf, bindingsOf }: VerdictRules,
  subscription: NotifierSubscription,
  rendering: Rendering,
  { watchers, announcing, deadlineMs, notice, onAsked }: RenderingFacts,
): NotifyBody {
  const { subject, memo } = subscription;
  // The own package is small and always tells the whole state (docs/events.md).
  const { only, aors = aorsOf(setOf(subject)), ...rest } = notice;
  const isWhole = rest.ended !== undefined || subscription.package === OWN_PACKAGE;
  const full = rendering.full || isWhole;
  const at = clock.now();
  const device = isDeviceMemo(memo) ? tokenIn(memo) : undefined;
  const isAsked = device !== undefined && announcing.has(device);
  const bindings = bindingsOf(subject);
  const asked = bindings.find(({ token }) => token === device)?.reauthentication;
  const elsewhere = isToldElsewhere(subscription, watchers);
  const registrations = registrationsOf({
    at,
    aors: aors.length > 0 ? aors : registeredIn(rest.gone),
    bindings,
    ...rest,
    ...(isAsked && { announced: { token: device, until: at + (asked?.withinMs ?? deadlineMs) } }),
    ...(!full && only !== undefined && { only }),
    ...(elsewhere && { notShortenedFor: tokenIn(memo) }),
  });
  const state = full ? "full" : "partial";
  const text = formatReginfo({ version: rendering.version, state, registrations });
  const body = { contentType: REGINFO_TYPE, body: Buffer.from(text, "utf8") };
  const isAskedHere = isAsked && asked !== undefined && !elsewhere;
  return isAskedHere ? { ...body, onSent: (sentAt) => onAsked(device, sentAt) } : body;
}

/** What watchers are told of. */
function aorsOf(set: Pick<RegistrationSet, "impus"> | undefined): readonly string[] {
  return (set?.impus ?? []).filter(({ barred }) => !barred).map(({ aor }) => aor);
}

/** Of a subscriber who was removed while this node was down: what the device itself has registered. */
function registeredIn(gone: readonly GoneContact[] = []): readonly string[] {
  return [...new Set(gone.map(({ binding }) => binding.impu))];
}

/** A device with both packages is asked in the own one only. */
function isToldElsewhere(
  { memo, package: eventPackage }: NotifierSubscription,
  watchers: readonly NotifierSubscription[],
): boolean {
  if (eventPackage === OWN_PACKAGE || !isDeviceMemo(memo)) return false;
  return watchers.some((other) => other.memo === memo && other.package === OWN_PACKAGE);
}

/** Several devices' news in one document: the rows of all. */
export function together(earlier: Notice, later: Notice): Notice {
  const gone = [...(earlier.gone ?? []), ...(later.gone ?? [])];
  return earlier.only === later.only && later.only !== undefined
    ? { only: later.only, gone }
    : { gone };
}
