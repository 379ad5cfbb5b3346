// Tells subscribers what becomes of registrations, in both event packages. TS 24.229 §5.4.2.1; RFC 3680; RFC 6665 §4.2.
import { DEREGISTRATIONS, OWN_PACKAGE, REGISTRATION_PACKAGES } from "@ims-lab/common/ims/events";
import { assertedIdentities } from "@ims-lab/common/ims/p-headers";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import {
  createNotifierAgent,
  type Foreseen,
  type NotifierAgent,
  type NotifyBody,
  type NotifyOutcome,
  type Rendering,
  rowOf,
  type SubscribeVerdict,
  type SubscriptionChange,
  type Termination,
} from "@ims-lab/common/sip/event/notifier-agent";
import type { IncomingRequest, SendRequest } from "@ims-lab/common/sip/event/sender";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { formatUri } from "@ims-lab/common/sip/message/uri";
import { RowsLost } from "@ims-lab/common/store/cluster-port";
import type { RequestOrigin } from "../origin.ts";
import { deviceSource } from "../origin.ts";
import { headersOf, isRefusal, type Refusal, refusal, statusOf } from "../outcomes.ts";
import type { RefusalLog } from "../refusal-log.ts";
import type { Binding, RemovalCause } from "../registration/binding.ts";
import type { Bindings } from "../registration/bindings.ts";
import type {
  ChangeAhead,
  RegistrationEvent,
  RegistrationEvents,
  RegistrationSubscriber,
  SubscriptionFacts,
} from "../registration/events.ts";
import type { Registrations } from "../registration/registrations.ts";
import type { Change } from "../rows.ts";
import { describeFailure } from "./notify-failure.ts";
import { type Notice, renderReginfo, together } from "./rendering.ts";
import { Spacing } from "./spacing.ts";
import { judgeSubscribe, type VerdictRules } from "./subscribe-verdict.ts";
import { deviceMemo, isDeviceMemo, tokenIn, watcherIn } from "./subscription-owner.ts";
import { type ForeseenById, Triggers } from "./triggers.ts";

export interface NotifierOptions extends VerdictRules {
  readonly random: Random;
  readonly log: Logger;
  readonly send: SendRequest;
  /** N of a re-authentication, milliseconds. */
  readonly deadlineMs: number;
  /** Subscriptions to one set of identities. */
  readonly maxPerUser: number;
  onLimited(limit: string): void;
  readonly bindings: Bindings;
  readonly registrations: Registrations;
  readonly events: RegistrationEvents;
  readonly refusals: RefusalLog;
  /** Another node may have its users from one instant to the next. */
  readonly isShared: boolean;
}

type Proceed = (problem?: Error) => void;

/** What may wait for its turn, see `Spacing`. */
interface News {
  readonly notice: Notice;
  readonly foreseen: Foreseen | undefined;
}

/** RFC 3680 §4.10. */
const SPACING_MS = 5000;

export class RegistrationNotifier implements RegistrationSubscriber {
  readonly #options: NotifierOptions;
  readonly #agent: NotifierAgent;
  /** Holds for what is only news; triggers and ends go out at once. */
  readonly #spacing: Spacing<News>;
  readonly #triggers: Triggers;
  /** By event: what its commit has made durable of subscriptions already. */
  readonly #foreseen = new WeakMap<RegistrationEvent, ForeseenById>();
  /** By set whose identities have changed: what they were, until the bindings have gone that end with that. */
  readonly #former = new Map<string, readonly string[]>();
  /** Of the SUBSCRIBEs that are being answered. */
  readonly #origins = new WeakMap<SipRequest, RequestOrigin>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#agent = createNotifierAgent({
      clock: options.clock,
      random: options.random,
      send: answeredTogether(options),
      packages: REGISTRATION_PACKAGES,
      contact: "", // each verdict names one
      decide: (request, existing) => this.#decide(request, existing),
      render: (subscription, rendering) => this.#render(subscription, rendering, {}),
      onSubscribed: (subscription, isNew) =>
        options.events.publish({
          kind: "subscribed",
          subscription: this.#factsOf(subscription),
          isNew,
        }),
      onEnded: (subscription) => this.#ended(subscription),
      onRefused: (request, status, why) => this.#noteRefused(request, status, `${status}`, why),
      onOutcome: ({ memo }, outcome) => this.#heard(memo, outcome),
      save: (change, proceed) =>
        this.#save(change, options.isShared ? this.#ifOurs(change, proceed) : proceed),
    });
    this.#triggers = new Triggers({
      ...options,
      subscriptionsOf: (binding) => this.subscriptionsOf(binding),
      notify: (id, { token }, request) =>
        this.#agent.notify(id, { ...this.#request({ only: token }), ...request }),
      onAnnounced: (binding) => this.#announced(binding),
    });
    this.#spacing = new Spacing({
      clock: options.clock,
      intervalMs: SPACING_MS,
      merge: (earlier, later) => ({
        notice: together(earlier.notice, later.notice),
        foreseen: undefined,
      }),
      tell: (id, { notice, foreseen }) =>
        this.#agent.notify(id, { ...this.#request(notice), foreseen }),
    });
  }

  handle(incoming: IncomingRequest, origin: RequestOrigin): void {
    const { request } = incoming;
    const changing = this.#changingSet(request);
    if (changing !== undefined) {
      // What is said to it begins from what that change leaves.
      this.#options.registrations.whenSettled(changing, (problem) => {
        if (problem === undefined) this.handle(incoming, origin);
        else incoming.respond(newResponse(request, 500, { toTag: this.#options.random.hex(8) }));
      });
      return;
    }
    this.#origins.set(request, origin);
    this.#agent.handle(incoming);
  }

  /** The watched set, while a change of it is not durable yet. */
  #changingSet(request: SipRequest): string | undefined {
    const { registrations, setsOf, identityOf } = this.#options;
    if (registrations.isQuiet) return undefined;
    const subject = this.#agent.subjectOf(request);
    const sets =
      subject === undefined
        ? setsOf(identityOf(request.requestUri)).map(({ name }) => name)
        : [subject];
    return sets.find((set) => !registrations.isSettled(set));
  }

  on(event: RegistrationEvent): void {
    const { kind } = event;
    if (kind === "registered" || kind === "shown")
      this.#notifyAll(event.binding, { only: event.binding.token }, this.#foreseen.get(event));
    else if (kind === "moved") this.#moved(event.binding, event.from, this.#foreseen.get(event));
    else if (kind === "reauthentication-triggered")
      this.#triggers.trigger(event.binding, this.#foreseen.get(event));
    else if (kind === "removed") this.#gone(event.binding, event.cause, this.#foreseen.get(event));
    else if (kind === "subscriber-changed" && event.aspects.includes("identities"))
      this.#former.set(event.impi, event.before);
    else if (kind === "identities-changed") this.#identitiesChanged(event.set, event.ended);
  }

  /**
   * The subscriptions in which a device is asked, which end with their binding, or in which its change is told at once:
   * durable with that change.
   */
  foresee({ events, left }: ChangeAhead): readonly Change[] {
    const rows: Change[] = [];
    for (const event of events) {
      if (event.kind === "reauthentication-triggered") {
        const [target] = this.subscriptionsOf(event.binding);
        if (target !== undefined) this.#foresee(event, [target], undefined, rows);
      } else if (event.kind === "removed") {
        const ends = this.#endsWith(event.binding, left === 0);
        this.#foresee(event, ends, terminationOf(event.cause), rows);
      }
    }
    // Of two rows for one subscription the later would count: its end must not be the earlier.
    if (rows.length === 0) for (const event of events) this.#foreseeNews(event, rows);
    return rows;
  }

  #foreseeNews(event: RegistrationEvent, rows: Change[]): void {
    const { kind } = event;
    if (kind !== "shown" && kind !== "registered" && kind !== "moved") return;
    const told = this.#watchersOf(event.binding.set).filter(({ id }) => this.#spacing.isFree(id));
    this.#foresee(event, told, undefined, rows);
  }

  #foresee(
    event: RegistrationEvent,
    subscriptions: readonly NotifierSubscription[],
    termination: Termination | undefined,
    rows: Change[],
  ): void {
    if (subscriptions.length === 0) return;
    const ahead = new Map<string, Foreseen>();
    for (const { id } of subscriptions) {
      const foreseen = this.#agent.foresee(id, termination);
      if (foreseen === undefined) continue;
      ahead.set(id, foreseen);
      rows.push(changeOf(foreseen.to));
    }
    this.#foreseen.set(event, ahead);
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

  #moved(binding: Binding, from: Binding, foreseen: ForeseenById | undefined): void {
    const gone = [{ binding: from, cause: { kind: "unregistered" } as const }];
    this.#notifyAll(binding, { only: binding.token, gone }, foreseen);
  }

  /** TS 24.229 §5.4.2.1.2: who watches hears the whole state, once with the identities that are no more. */
  #identitiesChanged(set: string, ended: readonly string[]): void {
    this.#former.delete(set);
    if (this.#options.bindingsOf(set).length === 0) return;
    for (const { id } of this.#watchersOf(set)) this.#agent.notify(id, this.#request({ ended }));
  }

  /** Asks the device to re-register, once more after a restart. */
  trigger(binding: Binding): void {
    this.#triggers.trigger(binding);
  }

  /** Others hear of it once the device does: N runs from there, and a P-CSCF takes `expires` at its word. */
  #announced({ token, set }: Binding): void {
    for (const { id, memo } of this.#watchersOf(set))
      if (memo !== deviceMemo(token)) this.#agent.notify(id, this.#request({ only: token }));
  }

  /** The device's subscription ends; the others' only with the last binding of the set. */
  #gone(binding: Binding, cause: RemovalCause, foreseen: ForeseenById | undefined): void {
    this.#triggers.gone(binding);
    const watchers = this.#watchersOf(binding.set).sort(devicesFirst);
    this.#logUntold(binding, watchers);
    if (watchers.length === 0) return;
    const aors = this.#former.get(binding.set);
    const news: Notice = { only: binding.token, gone: [{ binding, cause }] };
    const notice: Notice = aors === undefined ? news : { ...news, aors };
    const { reason, retryAfter } = terminationOf(cause);
    const isLast = this.#options.bindingsOf(binding.set).length === 0;
    const ending = new Set(this.#endsWith(binding, isLast));
    for (const watcher of watchers) {
      const { id, memo } = watcher;
      const request = { ...this.#request(notice), foreseen: foreseen?.get(id) };
      if (ending.has(watcher))
        this.#agent.terminate(id, reason, {
          ...request,
          ...(retryAfter !== undefined && { retryAfter }),
        });
      // `*`: devices that go together are each told of their own contact, by their own end.
      else if (!isLast || !isDeviceMemo(memo)) this.#agent.notify(id, request);
    }
  }

  #endsWith({ set, token }: Binding, isLast: boolean): readonly NotifierSubscription[] {
    return this.#watchersOf(set).filter(
      ({ memo }) => memo === deviceMemo(token) || (isLast && !isDeviceMemo(memo)),
    );
  }

  /** The set that a NOTIFY of ours tells a device about; undefined for any other request. */
  toldSet(notify: SipRequest): string | undefined {
    const told = this.#agent.get(notify.from.params.get("tag") ?? "");
    return told !== undefined && watcherIn(told.memo) === "device" ? told.subject : undefined;
  }

  /** Whether a P-CSCF watches this set here, and so hears of its end. */
  isWatchedByPcscf(set: string): boolean {
    return this.#watchersOf(set).some(({ memo }) => memo === "pcscf");
  }

  /** Whether a NOTIFY of it was under way or due, see `repeat`. */
  restore(subscription: NotifierSubscription, text?: string): boolean {
    return this.#agent.restore(subscription, text);
  }

  /** Another node has these subscriptions: nothing of them is said here any more. @param bindings of the set */
  drop(set: string, bindings: readonly Binding[]): void {
    this.#former.delete(set);
    for (const binding of bindings) this.#triggers.drop(binding);
    this.#agent.drop(set);
  }

  /** The state as it stands, for a NOTIFY that was lost with the process before; unless a trigger has just said it. */
  repeat(id: string): void {
    const state = this.#agent.get(id)?.state;
    if (state !== undefined && "sent" in state && !state.sent)
      this.#agent.notify(id, this.#request({}));
  }

  close(): void {
    this.#triggers.close();
    this.#spacing.close();
    this.#agent.close();
  }

  #watchersOf(set: string): NotifierSubscription[] {
    return [...this.#agent.ofSubject(set)];
  }

  #notifyAll(binding: Binding, notice: Notice, foreseen: ForeseenById | undefined): void {
    for (const { id } of this.#watchersOf(binding.set))
      this.#spacing.say(id, { notice, foreseen: foreseen?.get(id) });
  }

  #request(notice: Notice): { render: (s: NotifierSubscription, r: Rendering) => NotifyBody } {
    return { render: (subscription, rendering) => this.#render(subscription, rendering, notice) };
  }

  #render(subscription: NotifierSubscription, rendering: Rendering, notice: Notice): NotifyBody {
    const watchers = this.#watchersOf(subscription.subject);
    const { deadlineMs } = this.#options;
    const triggers = this.#triggers;
    const { announcing } = triggers;
    const onAsked = (token: string, at: number): void => triggers.asked(token, at);
    const facts = { watchers, announcing, deadlineMs, notice, onAsked };
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

  /** The device's duty to subscribe changes with its subscription: one commit. */
  #save({ subscription, kind, isAwaited }: SubscriptionChange, proceed: Proceed): void {
    const { registrations, clock, bindings } = this.#options;
    const { id, memo, subject: set } = subscription;
    // As it is when its turn comes: a NOTIFY that was foreseen meanwhile has taken the next number, or it has ended.
    const rows = (): readonly Change[] => [this.#rowOf(id, set)];
    const token = isDeviceMemo(memo) ? tokenIn(memo) : undefined;
    const isOver = kind === "ended" && this.#isLast(subscription);
    if (
      token === undefined ||
      bindings.get(token) === undefined ||
      kind === "other" ||
      (kind === "ended" && !isOver)
    ) {
      if (isAwaited) registrations.commit({ set, changes: [], rows }, proceed);
      else registrations.keep(set, rows, proceed);
      return;
    }
    const input = { kind: isOver ? "unsubscribed" : "subscribed", at: clock.now() } as const;
    // Nobody waits for the end of a subscription, nor for a NOTIFY: they are tried until they are durable.
    if (isAwaited)
      registrations.commit({ set, changes: [{ kind: "input", token, input }], rows }, proceed);
    else registrations.input(token, input, { rows, settled: proceed });
  }

  #rowOf(id: string, set: string): Change {
    const subscription = this.#agent.get(id);
    if (subscription !== undefined) return changeOf(subscription);
    return { table: "subscriptions", id, value: undefined, group: set };
  }

  /** What another node has is not told of by this one. */
  #ifOurs({ subscription }: SubscriptionChange, proceed: Proceed): Proceed {
    return (problem) => {
      proceed(problem);
      // What is undone for whoever asked is not there either.
      if (problem instanceof RowsLost) this.#agent.drop(subscription.subject);
    };
  }

  /** The device has no other subscription. */
  #isLast({ id, memo, subject }: NotifierSubscription): boolean {
    return !this.#watchersOf(subject).some((other) => other.id !== id && other.memo === memo);
  }

  #ended(subscription: NotifierSubscription): void {
    this.#options.events.publish({
      kind: "unsubscribed",
      subscription: this.#factsOf(subscription),
      isLast: isDeviceMemo(subscription.memo) && this.#isLast(subscription),
    });
  }

  #heard(memo: string, outcome: NotifyOutcome): void {
    const { bindings, events } = this.#options;
    const binding = isDeviceMemo(memo) ? bindings.get(tokenIn(memo)) : undefined;
    if (binding === undefined) return;
    if (outcome.kind === "acknowledged")
      events.publish({ kind: "notify-answered", binding, status: outcome.status });
    else events.publish({ kind: "notify-failed", binding, why: describeFailure(outcome) });
  }

  #factsOf({ id, memo, subject, package: name, dialog }: NotifierSubscription): SubscriptionFacts {
    const { callId } = dialog;
    const binding = isDeviceMemo(memo) ? this.#options.bindings.get(tokenIn(memo)) : undefined;
    return { id, package: name, callId, memo, set: subject, binding };
  }

  #logUntold(binding: Binding, watchers: readonly NotifierSubscription[]): void {
    if (watchers.some(({ memo }) => memo === deviceMemo(binding.token))) return;
    const { impi, impu, callId } = binding;
    this.#options.log.info("deregistration.nobody-subscribed", { impi, impu, callId });
  }
}

/** All that follows from one answer is one commit: that nothing is under way any more, and what the device has heard. */
function answeredTogether({ send, registrations }: NotifierOptions): SendRequest {
  return (request, handlers) =>
    send(request, {
      onResponse: (response) => registrations.together(() => handlers.onResponse(response)),
      onFailure: (why) => registrations.together(() => handlers.onFailure(why)),
      onStarted: (transaction) => handlers.onStarted?.(transaction),
    });
}

/** TS 24.229 §5.4.1.5: the UE first, then its P-CSCF. */
function devicesFirst(a: NotifierSubscription, b: NotifierSubscription): number {
  return Number(isDeviceMemo(b.memo)) - Number(isDeviceMemo(a.memo));
}

function terminationOf(cause: RemovalCause): Termination {
  const { reason } = DEREGISTRATIONS[cause.kind];
  return cause.kind === "probation" ? { reason, retryAfter: cause.retryAfterSeconds } : { reason };
}

function changeOf(subscription: NotifierSubscription): Change {
  const { id, subject } = subscription;
  return { table: "subscriptions", id, value: rowOf(subscription), group: subject };
}
