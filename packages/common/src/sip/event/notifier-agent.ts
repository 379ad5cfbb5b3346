// Subscriptions of others at this node: joins the machine, the dialog, time and a sender. RFC 6665 §4.2.
import { acceptRequest, dialogAsUas } from "../dialog/dialog.ts";
import { newResponse, type SipRequest } from "../message/message.ts";
import type { EventName } from "./event-headers.ts";
import { isLive, type NotifierEffect, type NotifierInput, stepNotifier } from "./notifier.ts";
import type {
  Foreseen,
  NotifierAgent,
  NotifierAgentOptions,
  NotifyOutcome,
  NotifyRequest,
  SubscribeVerdict,
  SubscriptionChange,
  Termination,
} from "./notifier-port.ts";
import { notified, notifyOf, outcomeOf } from "./notify-message.ts";
import { type EventRefusal, refusal, refusalResponse } from "./refusal.ts";
import type { Abandonable, IncomingRequest } from "./sender.ts";
import { checkSubscribe } from "./subscribe-checks.ts";
import type { NotifierSubscription } from "./subscription.ts";
import { type Entry, SubscriptionTable } from "./subscription-table.ts";

export type { SubscriptionEnd } from "./notifier.ts";
export type {
  Foreseen,
  NotifierAgent,
  NotifierAgentOptions,
  NotifyBody,
  NotifyOutcome,
  NotifyRequest,
  Rendering,
  SubscribeVerdict,
  SubscriptionChange,
  Termination,
} from "./notifier-port.ts";
export { type NotifierSubscription, rowOf } from "./subscription.ts";

type Grant = Extract<SubscribeVerdict, { kind: "grant" }>;

export function createNotifierAgent(options: NotifierAgentOptions): NotifierAgent {
  return new Notifier(options);
}

class Notifier implements NotifierAgent {
  readonly #options: NotifierAgentOptions;
  readonly #table: SubscriptionTable;
  /** NOTIFYs that wait for their answer, by subscription. */
  readonly #underWay = new Map<string, Abandonable>();

  constructor(options: NotifierAgentOptions) {
    this.#options = options;
    this.#table = new SubscriptionTable(options.clock, (entry) =>
      this.#apply(entry, { kind: "expired" }),
    );
  }

  get size(): number {
    return this.#table.size;
  }

  get(id: string): NotifierSubscription | undefined {
    return this.#table.get(id)?.subscription;
  }

  ofSubject(subject: string): readonly NotifierSubscription[] {
    return this.#table.ofSubject(subject).filter(({ state }) => isLive(state));
  }

  owns(subscribe: SipRequest): boolean {
    return this.#table.find(subscribe) !== undefined;
  }

  subjectOf(subscribe: SipRequest): string | undefined {
    return this.#table.find(subscribe)?.subscription.subject;
  }

  handle(incoming: IncomingRequest): void {
    const refused = this.#serve(incoming);
    if (refused === undefined) return;
    const toTag = this.#options.random.hex(8);
    incoming.respond(refusalResponse(incoming.request, toTag, refused));
  }

  /** What the SUBSCRIBE is refused with; undefined when it was granted. */
  #serve(incoming: IncomingRequest): EventRefusal | undefined {
    const { request } = incoming;
    const entry = this.#table.find(request);
    const checked = checkSubscribe(request, this.#options.packages, entry?.subscription);
    if (checked.kind === "refused") return this.#own(request, checked.why, checked.refused);
    return entry === undefined
      ? this.#subscribe(incoming, checked.event)
      : this.#resubscribe(incoming, entry);
  }

  #own(request: SipRequest, why: string, refused: EventRefusal): EventRefusal {
    this.#options.onRefused?.(request, refused.status, why);
    return refused;
  }

  #subscribe(incoming: IncomingRequest, event: EventName): EventRefusal | undefined {
    const { request } = incoming;
    const id = this.#options.random.hex(8);
    const dialog = dialogAsUas(request, id);
    if (dialog === undefined)
      return this.#own(request, "no usable Contact", refusal(400, { reason: "Missing Contact" }));
    const verdict = this.#options.decide(request, undefined);
    if (verdict.kind === "refuse") return verdict;
    const entry = this.#table.add({
      id,
      dialog,
      package: event.package,
      eventId: event.id,
      subject: verdict.subject,
      memo: verdict.memo ?? "",
      contact: verdict.contact ?? this.#options.contact,
      version: 0,
      state: { name: "init" },
    });
    this.#grant(incoming, entry, verdict, undefined);
    return undefined;
  }

  #resubscribe(incoming: IncomingRequest, entry: Entry): EventRefusal | undefined {
    const { subscription } = entry;
    const accepted = acceptRequest(subscription.dialog, incoming.request);
    if (accepted.kind === "out-of-order") {
      const refused = refusal(500, { reason: "CSeq Out of Order" });
      return this.#own(incoming.request, "its CSeq is not higher than the last one's", refused);
    }
    const asked = { ...subscription, dialog: accepted.dialog };
    const verdict = this.#options.decide(incoming.request, asked);
    // Whoever is refused moves neither the target nor the order of the dialog.
    if (verdict.kind === "refuse") return verdict;
    const { contact = subscription.contact, memo = subscription.memo } = verdict;
    entry.subscription = { ...asked, contact, memo };
    this.#grant(incoming, entry, verdict, subscription);
    return undefined;
  }

  /** RFC 6665 §4.2.1.2: the 200, and the NOTIFY right behind it. @param before undefined: it is new */
  #grant(
    incoming: IncomingRequest,
    entry: Entry,
    verdict: Grant,
    before: NotifierSubscription | undefined,
  ): void {
    const { expires, state = "active" } = verdict;
    const now = this.#options.clock.now();
    const { queued } = entry;
    const failed = (): void => {
      const toTag = this.#options.random.hex(8);
      incoming.respond(newResponse(incoming.request, 500, { toTag }));
      this.#undo(entry, before, queued);
    };
    const granted = (): void => {
      const { id, contact } = entry.subscription;
      const headers: [string, string][] = [
        ["Contact", contact],
        ["Expires", String(expires)],
      ];
      incoming.respond(newResponse(incoming.request, 200, { toTag: id, headers }));
      if (expires > 0) this.#options.onSubscribed?.(entry.subscription, before === undefined);
    };
    const kind = expires === 0 ? "other" : before === undefined ? "begun" : "refreshed";
    const input = { kind: "subscribed", now, expires, state } as const;
    this.#apply(entry, input, { kind, granted, failed });
  }

  /** As if the SUBSCRIBE had not come. @param queued what its NOTIFY would have carried */
  #undo(
    entry: Entry,
    before: NotifierSubscription | undefined,
    queued: readonly NotifyRequest[],
  ): void {
    if (before === undefined) {
      this.#remove(entry);
      return;
    }
    if (this.#table.get(before.id) === undefined) this.#table.restore(entry);
    entry.subscription = before;
    entry.queued = [...queued, ...entry.queued];
    if (isLive(before.state)) this.#prepare(entry, { kind: "expire", at: before.state.expiresAt });
  }

  notify(id: string, request: NotifyRequest = {}): boolean {
    return this.#ask(id, request, { kind: "changed", now: this.#options.clock.now() });
  }

  terminate(
    id: string,
    reason: string,
    { retryAfter, ...request }: NotifyRequest & { retryAfter?: number } = {},
  ): boolean {
    return this.#ask(id, request, { kind: "terminate", reason, retryAfter });
  }

  foresee(id: string, termination?: Termination): Foreseen | undefined {
    const from = this.#table.get(id)?.subscription;
    if (from === undefined || !isLive(from.state)) return undefined;
    const input: NotifierInput =
      termination === undefined
        ? { kind: "changed", now: this.#options.clock.now() }
        : { kind: "terminate", reason: termination.reason, retryAfter: termination.retryAfter };
    const { state, effects } = stepNotifier(from.state, input);
    const isNotified = effects.some(({ kind }) => kind === "notify");
    return { from, to: isNotified ? notified({ ...from, state }) : { ...from, state } };
  }

  #ask(id: string, request: NotifyRequest, input: NotifierInput): boolean {
    const entry = this.#table.get(id);
    if (entry === undefined || !isLive(entry.subscription.state)) return false;
    const { foreseen } = request;
    entry.queued.push(request);
    if (foreseen?.from === entry.subscription) this.#apply(entry, input, { foreseen });
    else this.#apply(entry, input);
    return true;
  }

  forget(id: string): void {
    const entry = this.#table.get(id);
    if (entry === undefined) return;
    const { subscription } = entry;
    this.#remove(entry);
    const wasLive = isLive(subscription.state);
    entry.subscription = { ...subscription, state: { name: "terminated" } };
    const kind = wasLive ? "ended" : "other";
    this.#save({ subscription: entry.subscription, kind, isAwaited: false }, () => {
      if (wasLive) this.#options.onEnded?.(entry.subscription, { kind: "forgotten" });
    });
  }

  drop(subject: string): void {
    for (const { id } of this.#table.ofSubject(subject)) {
      const entry = this.#table.get(id);
      if (entry === undefined) continue;
      entry.queued = [];
      this.#table.remove(entry);
      this.#underWay.get(id)?.abandon();
      this.#underWay.delete(id);
    }
  }

  /** New state first, then durable, then what leaves. */
  #apply(entry: Entry, input: NotifierInput, course: Course = {}): void {
    const { kind = "other", granted, failed, foreseen } = course;
    const step = stepNotifier(entry.subscription.state, input);
    entry.subscription = { ...entry.subscription, state: step.state };
    const actions = step.effects.map((effect) => this.#prepare(entry, effect));
    this.#table.changed(entry);
    const proceed = (problem?: Error): void => {
      if (problem !== undefined) {
        failed?.();
        return;
      }
      granted?.();
      for (const act of actions) act();
    };
    if (foreseen !== undefined) {
      entry.subscription = foreseen.to;
      proceed();
      return;
    }
    const isOver = step.effects.some((effect) => effect.kind === "ended");
    const { subscription } = entry;
    const isAwaited = failed !== undefined;
    this.#save({ subscription, kind: isOver ? "ended" : kind, isAwaited }, proceed);
  }

  #save(change: SubscriptionChange, proceed: (problem?: Error) => void): void {
    const { save } = this.#options;
    if (save === undefined) proceed();
    else save(change, proceed);
  }

  /** Changes the subscription at once; what it returns is done when the change is durable. */
  #prepare(entry: Entry, effect: NotifierEffect): () => void {
    switch (effect.kind) {
      case "notify":
        return this.#prepareNotify(entry, effect.subscriptionState, effect.full);
      case "expire":
        this.#table.expireAt(entry, effect.at);
        return DONE;
      case "ended":
        return () => this.#options.onEnded?.(entry.subscription, effect.end);
      case "remove":
        this.#remove(entry);
        return DONE;
    }
  }

  #prepareNotify(entry: Entry, subscriptionState: string, isFull: boolean): () => void {
    const { version } = entry.subscription;
    const sent = entry.queued;
    entry.queued = [];
    // several requests in one NOTIFY: only the whole state says all of them
    const full = isFull || sent.length > 1;
    const render = sent.findLast((asked) => asked.render)?.render ?? this.#options.render;
    const body = render(entry.subscription, { version, full });
    const request = notifyOf(entry.subscription, subscriptionState, body);
    entry.subscription = notified(entry.subscription);
    const asked = body.onSent === undefined ? sent : [...sent, { onSent: body.onSent }];
    return () => this.#send(entry, request, asked);
  }

  #send(entry: Entry, notify: SipRequest, asked: readonly NotifyRequest[]): void {
    const { clock, send } = this.#options;
    const at = clock.now();
    const { id } = entry.subscription;
    let isHopThere = false;
    send(notify, {
      onStarted: (transaction) => this.#underWay.set(id, transaction),
      onResponse: (response) => {
        const { status } = response;
        isHopThere = true;
        if (status < 200) return;
        this.#settle(entry, asked, outcomeOf(response), (now) => ({
          kind: "answered",
          now,
          status,
        }));
      },
      onFailure: (why) => {
        const timedOut = why === "timeout";
        const outcome: NotifyOutcome = timedOut
          ? { kind: "timeout", ...(isHopThere && { isHopThere }) }
          : { kind: "unsent", why };
        this.#settle(entry, asked, outcome, (now) => ({ kind: "failed", now, timedOut }));
      },
    });
    for (const request of asked) request.onSent?.(at);
  }

  #settle(
    entry: Entry,
    asked: readonly NotifyRequest[],
    outcome: NotifyOutcome,
    input: (now: number) => NotifierInput,
  ): void {
    const { id } = entry.subscription;
    this.#underWay.delete(id);
    if (this.#table.get(id) === entry) this.#apply(entry, input(this.#options.clock.now()));
    for (const request of asked) request.onOutcome?.(outcome);
    this.#options.onOutcome?.(entry.subscription, outcome);
  }

  #remove(entry: Entry): void {
    this.#table.remove(entry);
    const unsent = entry.queued;
    entry.queued = [];
    for (const request of unsent) request.onOutcome?.({ kind: "unsent", why: "ended" });
  }

  export(): readonly NotifierSubscription[] {
    return this.#table.all();
  }

  restore(subscription: NotifierSubscription, text?: string): boolean {
    const { state } = subscription;
    if (state.name === "init" || state.name === "terminated") return false;
    if (this.#table.restoreAtRest(subscription, text)) return false;
    const entry = this.#table.add(subscription);
    if (state.name === "ending") {
      // as if the last NOTIFY had not left: it goes out again, with the next CSeq and version
      entry.subscription = { ...subscription, state: { ...state, lastSent: false } };
      this.#apply(entry, { kind: "failed", now: this.#options.clock.now(), timedOut: false });
      return false;
    }
    entry.subscription = { ...subscription, state: { ...state, sent: false, due: "nothing" } };
    this.#prepare(entry, { kind: "expire", at: state.expiresAt });
    return state.sent || state.due !== "nothing";
  }

  close(): void {
    this.#underWay.clear();
    this.#table.clear();
  }
}

const DONE = (): void => {};

/** What goes with an input to a subscription. */
interface Course {
  readonly kind?: SubscriptionChange["kind"];
  readonly granted?: () => void;
  readonly failed?: () => void;
  readonly foreseen?: Foreseen;
}
