// A subscription at another node while it lives: performs what the machine says. RFC 6665 §4.1.
import type { Timer } from "../../platform/clock.ts";
import {
  acceptRequest,
  acceptResponse,
  type Dialog,
  dialogFromNotify,
  nextRequest,
  recordRouteOf,
  tagOf,
} from "../dialog/dialog.ts";
import { type BodyReading, readBody } from "../message/bodies.ts";
import { Expires, MinExpires, RetryAfter, SubscriptionState } from "../message/fields.ts";
import { newRequest, newResponse, type SipRequest, type SipResponse } from "../message/message.ts";
import { trimLws } from "../message/scan.ts";
import { eventOf, isSameEvent, secondsParam } from "./event-headers.ts";
import { type EventRefusal, refusal } from "./refusal.ts";
import { renewalDelaySeconds } from "./renewal.ts";
import type { Abandonable, IncomingRequest } from "./sender.ts";
import { stepSubscriber } from "./subscriber.ts";
import type {
  SubscriberAgentOptions,
  SubscriberRecord,
  Subscription,
  SubscriptionHandlers,
} from "./subscriber-port.ts";
import type {
  SubscriberContext,
  SubscriberEffect,
  SubscriberInput,
  SubscriberState,
  SubscriberTimer,
} from "./subscriber-state.ts";

/** Milliseconds: 64*T1 with T1 = 500 ms. */
const TIMER_N = 32_000;

export class ActiveSubscription implements Subscription {
  readonly #options: SubscriberAgentOptions;
  readonly #handlers: SubscriptionHandlers;
  readonly #context: SubscriberContext;
  readonly #gone: () => void;
  readonly #timers = new Map<SubscriberTimer, Timer>();
  #record: SubscriberRecord;
  /** The SUBSCRIBE that waits for its answer. */
  #underWay: Abandonable | undefined;

  constructor(
    options: SubscriberAgentOptions,
    record: SubscriberRecord,
    handlers: SubscriptionHandlers,
    gone: () => void,
  ) {
    this.#options = options;
    this.#record = record;
    this.#handlers = handlers;
    this.#gone = gone;
    this.#context = {
      timerN: options.timerN ?? TIMER_N,
      spread: () => options.random.fraction(),
      get expires() {
        return handlers.expires?.() ?? record.request.expires;
      },
      refreshAfter: (granted) =>
        handlers.refreshAfter === undefined
          ? renewalDelaySeconds(granted)
          : handlers.refreshAfter(granted),
    };
  }

  get id(): string {
    return this.#record.id;
  }

  get record(): SubscriberRecord {
    return this.#record;
  }

  get state(): SubscriberState["name"] {
    return this.#record.state.name;
  }

  get expiresAt(): number | undefined {
    const { state } = this.#record;
    return "expiresAt" in state ? state.expiresAt : undefined;
  }

  refresh(expires: number = this.#record.request.expires): void {
    this.#apply({ kind: "subscribe", now: this.#now(), expires });
  }

  unsubscribe(): void {
    this.refresh(0);
  }

  forget(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#underWay?.abandon();
    this.#record = { ...this.#record, state: { name: "terminated" } };
    this.#gone();
  }

  /** After a restart: the deadlines run again. */
  resume(): void {
    const { expiresAt } = this;
    if (expiresAt !== undefined) {
      const left = (expiresAt - this.#now()) / 1000;
      const after = this.#context.refreshAfter(left);
      this.#perform({ kind: "set", timer: "expiry", at: expiresAt });
      if (after !== undefined)
        this.#perform({ kind: "set", timer: "refresh", at: this.#now() + after * 1000 });
    }
    this.#apply({ kind: "failure", now: this.#now(), why: "restarted" });
  }

  isFor(notify: SipRequest): boolean {
    const { callId, dialog, request } = this.#record;
    const event = eventOf(notify);
    const own = eventNameOf(request.event);
    if (notify.callId !== callId || event === undefined || !isSameEvent(event, own)) return false;
    return dialog === null || tagOf(notify.from) === dialog.remoteTag;
  }

  /** Answers a NOTIFY that is for this subscription; returns what it is refused with. */
  take(incoming: IncomingRequest): EventRefusal | undefined {
    const { request: notify } = incoming;
    const said = notify.get(SubscriptionState);
    if (said === undefined) return refusal(400, { reason: "Missing Subscription-State" });
    const reading = readBody(notify, { types: this.#record.request.accept });
    if (reading.kind === "refused") return { kind: "refuse", ...reading.refusal };
    const dialog = this.#dialogAfter(notify);
    if (typeof dialog === "string") return refusal(dialog === "old" ? 500 : 400);
    const document = withBody(notify, reading);
    const status = this.#handlers.judge?.(document);
    if (status !== undefined) return refusal(status);
    this.#record = { ...this.#record, dialog };
    incoming.respond(newResponse(notify, 200));
    const input: SubscriberInput = {
      kind: "notify",
      now: this.#now(),
      state: said.value,
      expires: secondsParam(said.params.get("expires")),
      reason: said.params.get("reason"),
      retryAfter: secondsParam(said.params.get("retry-after")),
    };
    this.#apply(input, () => this.#handlers.onNotify(document, this));
    return undefined;
  }

  /** The dialog with this NOTIFY in it; "old" when it comes out of order, "bad" without a Contact. */
  #dialogAfter(notify: SipRequest): Dialog | "old" | "bad" {
    const { id, callId, cseq, dialog, request, route } = this.#record;
    if (dialog !== null) {
      const accepted = acceptRequest(dialog, notify);
      return accepted.kind === "accepted" ? accepted.dialog : "old";
    }
    const { from: localUri, to: remoteUri } = request;
    const early = { callId, localTag: id, localUri, remoteUri, localCseq: cseq };
    const made = dialogFromNotify(early, notify);
    if (made === undefined) return "bad";
    return made.routeSet.length === 0 ? { ...made, routeSet: route } : made;
  }

  #now(): number {
    return this.#options.clock.now();
  }

  /** `told` runs between the machine's effects and the news that it is over. */
  #apply(input: SubscriberInput, told?: () => void): void {
    const step = stepSubscriber(this.#context, this.#record.state, input);
    this.#record = { ...this.#record, state: step.state };
    for (const effect of step.effects) this.#perform(effect);
    told?.();
    for (const effect of step.effects) this.#tell(effect);
  }

  #perform(effect: SubscriberEffect): void {
    switch (effect.kind) {
      case "send":
        this.#send(effect.expires);
        break;
      case "set":
        this.#set(effect.timer, effect.at);
        break;
      case "stop":
        this.#timers.get(effect.timer)?.cancel();
        break;
      case "ended":
        this.#gone();
        break;
      case "granted":
        break;
    }
  }

  #tell(effect: SubscriberEffect): void {
    if (effect.kind === "granted") this.#handlers.onGranted?.(effect.expires);
    if (effect.kind === "ended") this.#handlers.onEnded?.(effect.ending);
  }

  #set(timer: SubscriberTimer, at: number): void {
    this.#timers.get(timer)?.cancel();
    const fire = (): void => this.#apply({ kind: "timer", now: this.#now(), timer });
    this.#timers.set(timer, this.#options.clock.at(at, fire));
  }

  #send(expires: number): void {
    const subscribe = this.#nextSubscribe(expires);
    this.#options.send(subscribe, {
      onResponse: (response) => this.#answered(response),
      onFailure: (why) => {
        this.#underWay = undefined;
        this.#apply({ kind: "failure", now: this.#now(), why });
      },
      onStarted: (transaction) => {
        this.#underWay = transaction;
      },
    });
  }

  #nextSubscribe(expires: number): SipRequest {
    const { id, callId, dialog, request } = this.#record;
    const headers: readonly (readonly [string, string])[] = [
      ["Contact", request.contact],
      ["Event", request.event],
      ["Accept", request.accept.join(", ")],
      ["Expires", String(expires)],
      ...(request.headers ?? []),
    ];
    if (dialog !== null) {
      const next = nextRequest(dialog, "SUBSCRIBE", headers);
      this.#record = { ...this.#record, dialog: next.dialog };
      return next.request;
    }
    const cseq = this.#record.cseq + 1;
    this.#record = { ...this.#record, cseq };
    return newRequest("SUBSCRIBE", request.target, [
      ...(request.route ?? []).map((value) => ["Route", value] as const),
      ["Max-Forwards", "70"],
      ["From", `<${request.from}>;tag=${id}`],
      ["To", `<${request.to}>`],
      ["Call-ID", callId],
      ["CSeq", `${cseq} SUBSCRIBE`],
      ...headers,
    ]);
  }

  #answered(response: SipResponse): void {
    const { status } = response;
    if (status >= 200) this.#underWay = undefined;
    if (status >= 200 && status < 300) this.#learnFrom(response);
    this.#apply({
      kind: "response",
      now: this.#now(),
      status,
      expires: response.get(Expires),
      minExpires: response.get(MinExpires),
      retryAfter: response.get(RetryAfter),
      isServed: status >= 300 && listsPackage(response, this.#record.request.event),
    });
    if (status >= 300) this.#handlers.onRefused?.(status);
  }

  /** The 2xx renews the target; its route serves when the NOTIFY names none (RFC 3265 proxies). */
  #learnFrom(response: SipResponse): void {
    const { cseq, dialog } = this.#record;
    const isFirst = dialog === null || dialog.localCseq === cseq;
    const route = isFirst ? recordRouteOf(response).reverse() : this.#record.route;
    if (dialog === null) {
      this.#record = { ...this.#record, route };
      return;
    }
    const renewed = acceptResponse(dialog, response);
    const routeSet = renewed.routeSet.length === 0 ? route : renewed.routeSet;
    this.#record = { ...this.#record, route, dialog: { ...renewed, routeSet } };
  }
}

/** What the handlers get: a part of a multipart body stands for itself, what may be ignored is not there. */
function withBody(notify: SipRequest, reading: BodyReading): SipRequest {
  const octets = reading.kind === "body" ? reading.octets : NO_BODY;
  if (octets.length === notify.body.length) return notify;
  const document = notify.clone();
  document.body = octets;
  return document;
}

const NO_BODY = Buffer.alloc(0);

function listsPackage(response: SipResponse, event: string): boolean {
  const name = eventNameOf(event).package;
  return response
    .texts("Allow-Events")
    .some((value) => value.split(",").some((one) => one.trim() === name));
}

function eventNameOf(event: string): { package: string; id: string | null } {
  const [name = "", ...params] = event.split(";");
  const id = params.map(trimLws).find((param) => param.startsWith("id="));
  return { package: trimLws(name), id: id === undefined ? null : id.slice(3) };
}
