// Tells subscribers what becomes of registrations, in both event packages. TS 24.229 §5.4.2.1; RFC 3680; RFC 6665 §4.2.
import {
  DEREGISTRATIONS,
  isRegistrationPackage,
  OWN_PACKAGE,
  REGINFO_TYPE,
  REGISTRATION_PACKAGES,
} from "@ims-lab/common/ims/events";
import { formatReginfo } from "@ims-lab/common/ims/reginfo";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import { isLive } from "@ims-lab/common/sip/event/notifier";
import type { IncomingRequest, SendRequest } from "@ims-lab/common/sip/event/sender";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import { EventHeader, Expires } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import {
  createNotifierAgent,
  type NotifierAgent,
  type NotifyBody,
  type NotifyOutcome,
  type Rendering,
  type SubscribeVerdict,
} from "@ims-lab/common/sip/notifier-agent";
import type { Binding, RemovalCause } from "../registrar/binding.ts";
import { headersOf, isRefusal, type Refusal, statusOf } from "../registrar/refusals.ts";
import type { Standing } from "../registrar/trust.ts";
import { type AdmissionRules, admit, type Watching } from "./admission.ts";
import { type GrantPolicy, grantToDevice, grantToWatcher } from "./grants.ts";
import { type Announcement, type GoneContact, registrationsOf } from "./reginfo-document.ts";

/** What the notifier tells the bindings. */
export interface NotifierListener {
  onSubscribed(token: string): void;
  onUnsubscribed(token: string): void;
  /** First transmission of a trigger. */
  onNotified(token: string, at: number): void;
  onAcknowledged(token: string): void;
  onNotifyFailed(token: string, why: string): void;
}

export interface NotifierOptions extends AdmissionRules {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly send: SendRequest;
  /** Contact value of the S-CSCF. */
  readonly contact: string;
  readonly grants: GrantPolicy;
  /** N of a re-authentication, milliseconds. */
  readonly deadlineMs: number;
  readonly listener: NotifierListener;
  /** Non-barred AoRs of a set, the default first. */
  aorsOf(set: string): readonly string[];
  save(id: string, subscription: NotifierSubscription | undefined, proceed: () => void): void;
}

/** What is special about one NOTIFY. */
interface Notice {
  readonly gone?: readonly GoneContact[];
  readonly announced?: Announcement;
  readonly only?: string;
}

const DEVICE = "device:";

export class RegistrationNotifier {
  readonly #options: NotifierOptions;
  readonly #agent: NotifierAgent;
  /** Of the SUBSCRIBEs that are being answered. */
  readonly #standings = new WeakMap<SipRequest, Standing>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#agent = createNotifierAgent({
      clock: options.clock,
      random: options.random,
      send: options.send,
      packages: REGISTRATION_PACKAGES,
      contact: options.contact,
      decide: (request, existing) => this.#decide(request, existing),
      render: (subscription, rendering) => this.#render(subscription, rendering, {}),
      onSubscribed: (subscription) => this.#subscribed(subscription),
      onEnded: (subscription) => this.#ended(subscription),
      save: options.save,
    });
  }

  handle(incoming: IncomingRequest, standing: Standing): void {
    this.#standings.set(incoming.request, standing);
    this.#agent.handle(incoming);
  }

  owns(subscribe: SipRequest): boolean {
    return this.#agent.owns(subscribe);
  }

  /** The device's own live subscriptions, the own package first. */
  subscriptionsOf(binding: Binding): readonly NotifierSubscription[] {
    const own = this.#watchersOf(binding.set).filter(({ memo }) => isDevice(memo, binding));
    return own.sort(
      (a, b) => Number(b.package === OWN_PACKAGE) - Number(a.package === OWN_PACKAGE),
    );
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

  /** Asks the device to re-register: the own package alone where it has both (design §3). */
  trigger(binding: Binding): void {
    const { token } = binding;
    const now = this.#options.clock.now();
    const announced = { token, expiresAt: now + this.#options.deadlineMs };
    const notice: Notice = { only: token, announced };
    const target = this.subscriptionsOf(binding)[0];
    if (target !== undefined) this.#ask(target, binding, notice);
    for (const { id, memo } of this.#watchersOf(binding.set)) {
      if (!isDevice(memo, binding)) this.#agent.notify(id, this.#request(notice));
    }
  }

  /** The device's subscription ends; the others' only with the last binding of the set. */
  gone(binding: Binding, cause: RemovalCause): void {
    const notice: Notice = { only: binding.token, gone: [{ binding, cause }] };
    const { reason } = DEREGISTRATIONS[cause.kind];
    const retryAfter = cause.kind === "probation" ? cause.retryAfterSeconds : undefined;
    const isLast = this.#options.bindingsOf(binding.set).length === 0;
    const watchers = this.#watchersOf(binding.set);
    this.#logUntold(binding, watchers);
    for (const { id, memo } of watchers.sort(devicesFirst)) {
      if (isLast || isDevice(memo, binding)) {
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
    this.#agent.close();
  }

  #watchersOf(set: string): NotifierSubscription[] {
    return this.#agent.ofSubject(set).filter(({ state }) => isLive(state));
  }

  #notifyAll(binding: Binding, notice: Notice): void {
    for (const { id } of this.#watchersOf(binding.set)) {
      this.#agent.notify(id, this.#request(notice));
    }
  }

  #ask(target: NotifierSubscription, binding: Binding, notice: Notice): void {
    const { token } = binding;
    const { listener } = this.#options;
    this.#agent.notify(target.id, {
      ...this.#request(notice),
      onSent: (at) => listener.onNotified(token, at),
      onOutcome: (outcome) => this.#asked(token, target, outcome),
    });
  }

  #asked(token: string, target: NotifierSubscription, outcome: NotifyOutcome): void {
    const { listener, log } = this.#options;
    if (outcome.kind === "acknowledged") {
      listener.onAcknowledged(token);
      return;
    }
    const why = describe(outcome);
    log.warn("reauthentication.notify-failed", {
      bindingId: token,
      callId: target.dialog.callId,
      why,
    });
    listener.onNotifyFailed(token, why);
  }

  #request(notice: Notice): { render: (s: NotifierSubscription, r: Rendering) => NotifyBody } {
    return { render: (subscription, rendering) => this.#render(subscription, rendering, notice) };
  }

  #render(subscription: NotifierSubscription, rendering: Rendering, notice: Notice): NotifyBody {
    const { clock, aorsOf, bindingsOf } = this.#options;
    const { subject, memo } = subscription;
    // The own package is small and always tells the whole state (docs/events.md).
    const full = rendering.full || subscription.package === OWN_PACKAGE;
    const { only, ...rest } = notice;
    const hidden = this.#toldElsewhere(subscription);
    const registrations = registrationsOf({
      at: clock.now(),
      aors: aorsOf(subject),
      bindings: bindingsOf(subject),
      ...rest,
      ...(!full && only !== undefined && { only }),
      ...(hidden && { notShortenedFor: memo.slice(DEVICE.length) }),
    });
    const state = full ? "full" : "partial";
    const text = formatReginfo({ version: rendering.version, state, registrations });
    return { contentType: REGINFO_TYPE, body: Buffer.from(text, "utf8") };
  }

  #toldElsewhere({ memo, subject, package: eventPackage }: NotifierSubscription): boolean {
    if (eventPackage === OWN_PACKAGE || !memo.startsWith(DEVICE)) return false;
    return this.#watchersOf(subject).some(
      (other) => other.memo === memo && other.package === OWN_PACKAGE,
    );
  }

  #decide(request: SipRequest, existing: NotifierSubscription | undefined): SubscribeVerdict {
    const standing = this.#standings.get(request);
    if (standing === undefined) throw new Error("a SUBSCRIBE came past the notifier");
    const watching = admit(this.#options, request, standing);
    if (isRefusal(watching)) return this.#refuse(request, watching);
    const eventPackage = request.get(EventHeader)?.value ?? "";
    if (!isRegistrationPackage(eventPackage)) throw new Error("a package that is not served");
    const asked = request.get(Expires);
    const expires =
      watching.who === "device"
        ? grantToDevice(this.#options.grants, eventPackage, asked, this.#secondsLeft(watching))
        : grantToWatcher(eventPackage, asked);
    const memo = existing?.memo ?? memoOf(watching);
    return { kind: "grant", expires, subject: watching.set, memo };
  }

  #refuse(request: SipRequest, refused: Refusal): SubscribeVerdict {
    const status = statusOf(refused);
    this.#options.log.warn("subscription.refused", {
      status,
      reason: refused.refused,
      detail: refused.detail,
      callId: request.callId,
    });
    return { kind: "refuse", status, headers: headersOf(refused) };
  }

  #secondsLeft({ set, binding }: Watching): number {
    const { bindingsOf, clock } = this.#options;
    const bindings = binding === undefined ? bindingsOf(set) : [binding];
    const end = Math.max(...bindings.map(({ expiresAt }) => expiresAt));
    return Math.max(1, Math.ceil((end - clock.now()) / 1000));
  }

  #subscribed({ memo, package: eventPackage, dialog }: NotifierSubscription): void {
    const { log, listener } = this.#options;
    log.info("subscription.granted", { package: eventPackage, callId: dialog.callId, memo });
    if (memo.startsWith(DEVICE)) listener.onSubscribed(memo.slice(DEVICE.length));
  }

  #ended(ended: NotifierSubscription): void {
    const { memo, subject, package: eventPackage, dialog } = ended;
    const { log, listener } = this.#options;
    log.info("subscription.ended", { package: eventPackage, callId: dialog.callId, memo });
    if (!memo.startsWith(DEVICE)) return;
    const others = this.#watchersOf(subject).filter(
      (other) => other.id !== ended.id && other.memo === memo,
    );
    if (others.length === 0) listener.onUnsubscribed(memo.slice(DEVICE.length));
  }

  #logUntold(binding: Binding, watchers: readonly NotifierSubscription[]): void {
    if (watchers.some(({ memo }) => isDevice(memo, binding))) return;
    const { impi, impu, callId } = binding;
    this.#options.log.info("deregistration.nobody-subscribed", { impi, impu, callId });
  }
}

function memoOf({ who, binding }: Watching): string {
  if (who !== "device") return who;
  return binding === undefined ? "user" : `${DEVICE}${binding.token}`;
}

function isDevice(memo: string, { token }: Binding): boolean {
  return (
    memo.startsWith(DEVICE) && memo.endsWith(token) && memo.length === DEVICE.length + token.length
  );
}

/** TS 24.229 §5.4.1.5: the UE first, then its P-CSCF. */
function devicesFirst(a: NotifierSubscription, b: NotifierSubscription): number {
  return Number(b.memo.startsWith(DEVICE)) - Number(a.memo.startsWith(DEVICE));
}

function describe(outcome: Exclude<NotifyOutcome, { kind: "acknowledged" }>): string {
  switch (outcome.kind) {
    case "failed":
      return `NOTIFY answered ${outcome.status}`;
    case "timeout":
      return "NOTIFY not answered";
    case "unsent":
      return `NOTIFY not sent: ${outcome.why}`;
  }
}
