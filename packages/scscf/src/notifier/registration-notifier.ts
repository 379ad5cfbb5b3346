// Tells subscribers what becomes of registrations, in both event packages. TS 24.229 §5.4.2.1; RFC 3680; RFC 6665 §4.2.
import { DEREGISTRATIONS, OWN_PACKAGE, REGISTRATION_PACKAGES } from "@ims-lab/common/ims/events";
import { assertedIdentities } from "@ims-lab/common/ims/p-headers";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import { Resending } from "@ims-lab/common/sip/event/resending";
import type { IncomingRequest, SendRequest } from "@ims-lab/common/sip/event/sender";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { formatUri } from "@ims-lab/common/sip/message/uri";
import {
  createNotifierAgent,
  type NotifierAgent,
  type NotifierAgentOptions,
  type NotifyBody,
  type NotifyOutcome,
  type Rendering,
  type SubscribeVerdict,
} from "@ims-lab/common/sip/notifier-agent";
import type { RequestOrigin } from "../origin.ts";
import { deviceSource } from "../origin.ts";
import { headersOf, isRefusal, type Refusal, refusal, statusOf } from "../outcomes.ts";
import type { RefusalLog } from "../refusal-log.ts";
import type { Binding, RemovalCause } from "../registration/binding.ts";
import { describeFailure, silentParty } from "./notify-failure.ts";
import { type Notice, renderReginfo, together } from "./rendering.ts";
import { Spacing } from "./spacing.ts";
import { judgeSubscribe, type VerdictRules } from "./subscribe-verdict.ts";
import { deviceMemo, isDeviceMemo, tokenIn } from "./subscription-owner.ts";

/** What the notifier tells the bindings. */
export interface NotifierListener {
  onSubscribed(token: string, eventPackage: string): void;
  onUnsubscribed(token: string): void;
  /** First transmission of a trigger. */
  onNotified(token: string, at: number): void;
  onAcknowledged(token: string): void;
  onNotifyFailed(token: string, why: string): void;
  /** What became of any NOTIFY to the binding's own device, a trigger or not. */
  onNotifyOutcome(token: string, outcome: NotifyOutcome): void;
}

export interface NotifierOptions extends VerdictRules {
  readonly random: Random;
  readonly log: Logger;
  readonly send: SendRequest;
  /** N of a re-authentication, milliseconds. */
  readonly deadlineMs: number;
  /** Subscriptions to one set of identities. */
  readonly maxPerUser: number;
  onLimited(limit: string): void;
  readonly listener: NotifierListener;
  readonly refusals: RefusalLog;
  save: NonNullable<NotifierAgentOptions["save"]>;
}

/** RFC 3680 §4.10. */
const SPACING_MS = 5000;

export class RegistrationNotifier {
  readonly #options: NotifierOptions;
  readonly #agent: NotifierAgent;
  /** Holds for what is only news; triggers and ends go out at once. */
  readonly #spacing: Spacing<Notice>;
  /** Tokens of devices whose trigger has not left yet: behind a NOTIFY that nobody has answered, it waits. */
  readonly #announcing = new Set<string>();
  /** Triggers that did not reach the device, by token. */
  readonly #resending: Resending;
  /** Of the SUBSCRIBEs that are being answered. */
  readonly #origins = new WeakMap<SipRequest, RequestOrigin>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#resending = new Resending(options.clock);
    this.#agent = createNotifierAgent({
      clock: options.clock,
      random: options.random,
      send: options.send,
      packages: REGISTRATION_PACKAGES,
      contact: "", // each verdict names one
      decide: (request, existing) => this.#decide(request, existing),
      render: (subscription, rendering) => this.#render(subscription, rendering, {}),
      onSubscribed: (subscription) => this.#subscribed(subscription),
      onEnded: (subscription) => this.#ended(subscription),
      onRefused: (request, status, why) => this.#noteRefused(request, status, `${status}`, why),
      onOutcome: ({ memo }, outcome) => {
        if (isDeviceMemo(memo)) options.listener.onNotifyOutcome(tokenIn(memo), outcome);
      },
      save: options.save,
    });
    this.#spacing = new Spacing({
      clock: options.clock,
      intervalMs: SPACING_MS,
      merge: together,
      tell: (id, notice) => this.#agent.notify(id, this.#request(notice)),
    });
  }

  handle(incoming: IncomingRequest, origin: RequestOrigin): void {
    this.#origins.set(incoming.request, origin);
    this.#agent.handle(incoming);
  }

  owns(subscribe: SipRequest): boolean {
    return this.#agent.owns(subscribe);
  }

  /** The device's own live subscriptions: the own package first, then the latest, as a device may have forgotten the others. */
  subscriptionsOf(binding: Binding): readonly NotifierSubscription[] {
    const own = this.#watchersOf(binding.set).filter(
      ({ memo }) => memo === deviceMemo(binding.token),
    );
    return own
      .reverse()
      .sort((a, b) => Number(b.package === OWN_PACKAGE) - Number(a.package === OWN_PACKAGE));
  }

  get size(): number {
    return this.#agent.size;
  }

  /** A new device, or `refreshed` after a success: everybody hears of it. */
  show(binding: Binding): void {
    this.#notifyAll(binding, { only: binding.token });
  }

  moved(binding: Binding, from: Binding): void {
    const gone = [{ binding: from, cause: { kind: "unregistered" } as const }];
    this.#notifyAll(binding, { only: binding.token, gone });
  }

  /** Asks the device to re-register: the own package alone where it has both. */
  trigger(binding: Binding): void {
    const target = this.subscriptionsOf(binding)[0];
    if (target === undefined) return; // its next subscription triggers anew
    this.#announcing.add(binding.token);
    this.#ask(target, binding);
  }

  /** Others hear of it once the device does: N runs from there, and a P-CSCF takes `expires` at its word. */
  #announced({ token, set }: Binding): void {
    for (const { id, memo } of this.#watchersOf(set))
      if (memo !== deviceMemo(token)) this.#agent.notify(id, this.#request({ only: token }));
  }

  /** The device's subscription ends; the others' only with the last binding of the set. */
  gone(binding: Binding, cause: RemovalCause): void {
    this.#announcing.delete(binding.token);
    const notice: Notice = { only: binding.token, gone: [{ binding, cause }] };
    const { reason } = DEREGISTRATIONS[cause.kind];
    const retryAfter = cause.kind === "probation" ? cause.retryAfterSeconds : undefined;
    const isLast = this.#options.bindingsOf(binding.set).length === 0;
    const watchers = this.#watchersOf(binding.set);
    this.#logUntold(binding, watchers);
    for (const { id, memo } of watchers.sort(devicesFirst)) {
      const isOwn = memo === deviceMemo(binding.token);
      // `*`: devices that go together are each told of their own contact, by their own end.
      if (isLast && !isOwn && isDeviceMemo(memo)) continue;
      if (isLast || isOwn) {
        const last = { ...this.#request(notice), ...(retryAfter !== undefined && { retryAfter }) };
        this.#agent.terminate(id, reason, last);
      } else this.#agent.notify(id, this.#request(notice));
    }
  }

  /** Whether a P-CSCF watches this set here, and so hears of its end. */
  isWatchedByPcscf(set: string): boolean {
    return this.#watchersOf(set).some(({ memo }) => memo === "pcscf");
  }

  restore(subscription: NotifierSubscription): void {
    this.#agent.restore(subscription);
  }

  close(): void {
    this.#resending.close();
    this.#agent.close();
  }

  #watchersOf(set: string): NotifierSubscription[] {
    return [...this.#agent.ofSubject(set)];
  }

  #notifyAll(binding: Binding, notice: Notice): void {
    for (const { id } of this.#watchersOf(binding.set)) this.#spacing.say(id, notice);
  }

  #ask(target: NotifierSubscription, binding: Binding): void {
    const { token } = binding;
    const { listener } = this.#options;
    this.#agent.notify(target.id, {
      ...this.#request({ only: token }),
      onSent: (at) => {
        const isFirst = this.#announcing.delete(token);
        listener.onNotified(token, at);
        if (isFirst) this.#announced(binding);
      },
      onOutcome: (outcome) => this.#asked(binding, target, outcome),
    });
  }

  #asked(binding: Binding, target: NotifierSubscription, outcome: NotifyOutcome): void {
    const { listener, log } = this.#options;
    const { token } = binding;
    this.#announcing.delete(token);
    if (outcome.kind === "acknowledged") {
      this.#resending.forget(token);
      listener.onAcknowledged(token);
      return;
    }
    const why = describeFailure(outcome);
    const { callId } = target.dialog;
    const silent = silentParty(outcome, binding);
    const fields = {
      bindingId: token,
      impi: binding.impi,
      impu: binding.impu,
      callId,
      why,
      silent,
    };
    log.warn("reauthentication.notify-failed", fields);
    listener.onNotifyFailed(token, why);
    const next = this.#isOver(binding) ? undefined : this.subscriptionsOf(binding)[0];
    if (next === undefined) this.#resending.forget(token);
    else if (next.id !== target.id) this.trigger(binding);
    else this.#resending.failed(token, outcome, () => this.#askAgain(binding));
  }

  /** The re-authentication that this was about has ended. */
  #isOver({ token, set, reauthentication: asked }: Binding): boolean {
    const now = this.#options.bindingsOf(set).find((binding) => binding.token === token);
    return now?.reauthentication?.id !== asked?.id;
  }

  /** 430, 503 and the like leave the subscription alone: while nothing was heard of the device, it is asked again. */
  #askAgain({ token, set, reauthentication: asked }: Binding): void {
    const now = this.#options.bindingsOf(set).find((binding) => binding.token === token);
    const running = now?.reauthentication;
    const isUnheard = running?.progress === "notified" && running.id === asked?.id;
    const [target] = now !== undefined && isUnheard ? this.subscriptionsOf(now) : [];
    if (now === undefined || target === undefined) this.#resending.forget(token);
    else this.#ask(target, now);
  }

  #request(notice: Notice): { render: (s: NotifierSubscription, r: Rendering) => NotifyBody } {
    return { render: (subscription, rendering) => this.#render(subscription, rendering, notice) };
  }

  #render(subscription: NotifierSubscription, rendering: Rendering, notice: Notice): NotifyBody {
    const watchers = this.#watchersOf(subscription.subject);
    const { deadlineMs } = this.#options;
    const facts = { watchers, announcing: this.#announcing, deadlineMs, notice };
    return renderReginfo(this.#options, subscription, rendering, facts);
  }

  #decide(request: SipRequest, existing: NotifierSubscription | undefined): SubscribeVerdict {
    const origin = this.#origins.get(request);
    if (origin === undefined) throw new Error("a SUBSCRIBE came past the notifier");
    const judged = judgeSubscribe(this.#options, request, origin, existing);
    const verdict = this.#isOneTooMany(judged, existing)
      ? refusal("too-many-subscriptions", `${this.#options.maxPerUser} are there`)
      : judged;
    if (!isRefusal(verdict)) return verdict;
    const { refused: reason, detail } = verdict;
    const status = statusOf(verdict);
    this.#noteRefused(request, status, reason, detail);
    return { kind: "refuse", status, headers: headersOf(verdict) };
  }

  #noteRefused(request: SipRequest, status: number, reason: string, why: string): void {
    const origin = this.#origins.get(request);
    if (origin === undefined) return;
    const { callId, from } = request;
    const [asserted] = origin.trusted ? assertedIdentities(request) : [];
    const impu = asserted === undefined ? from.uriText : formatUri(asserted);
    const source = deviceSource(request, origin);
    const fields = { status, reason, why, impu, source, callId };
    this.#options.refusals.warn("subscription.refused", fields, "subscribe-refused");
  }

  /** Refreshes and fetches always pass. */
  #isOneTooMany(
    judged: SubscribeVerdict | Refusal,
    existing: NotifierSubscription | undefined,
  ): boolean {
    const { maxPerUser, onLimited } = this.#options;
    if (isRefusal(judged) || judged.kind === "refuse" || existing !== undefined) return false;
    if (judged.expires === 0 || this.#watchersOf(judged.subject).length < maxPerUser) return false;
    onLimited("subscriptions-per-user");
    return true;
  }

  #subscribed({ memo, package: eventPackage, dialog }: NotifierSubscription): void {
    const { log, listener } = this.#options;
    log.info("subscription.granted", { package: eventPackage, callId: dialog.callId, memo });
    if (isDeviceMemo(memo)) listener.onSubscribed(tokenIn(memo), eventPackage);
  }

  #ended(ended: NotifierSubscription): void {
    const { memo, subject, package: eventPackage, dialog } = ended;
    const { log, listener } = this.#options;
    log.info("subscription.ended", { package: eventPackage, callId: dialog.callId, memo });
    if (!isDeviceMemo(memo)) return;
    const others = this.#watchersOf(subject).filter(
      (other) => other.id !== ended.id && other.memo === memo,
    );
    if (others.length === 0) listener.onUnsubscribed(tokenIn(memo));
  }

  #logUntold(binding: Binding, watchers: readonly NotifierSubscription[]): void {
    if (watchers.some(({ memo }) => memo === deviceMemo(binding.token))) return;
    const { impi, impu, callId } = binding;
    this.#options.log.info("deregistration.nobody-subscribed", { impi, impu, callId });
  }
}

/** TS 24.229 §5.4.1.5: the UE first, then its P-CSCF. */
function devicesFirst(a: NotifierSubscription, b: NotifierSubscription): number {
  return Number(isDeviceMemo(b.memo)) - Number(isDeviceMemo(a.memo));
}
