// The UE's subscription to its own registration: performs the effects of its machine. TS 24.229 §5.1.1.3, §5.1.2.1; docs/events.md.

import type { RegistrationPackage } from "@ims-lab/common/ims/events";
import { REGINFO_TYPE } from "@ims-lab/common/ims/events";
import {
  applyReginfo,
  type Reginfo,
  type ReginfoReader,
  type ReginfoView,
} from "@ims-lab/common/ims/reginfo";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import type { SubscriberAgent, Subscription } from "@ims-lab/common/sip/event/subscriber-agent";
import type { Ending } from "@ims-lab/common/sip/event/subscriber-state";
import { SubscriptionState as SubscriptionStateField } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { Granted, RegistrationInput } from "../registration/state.ts";
import type { Identity } from "../user-agent/identity.ts";
import { usableIdentity } from "../user-agent/identity.ts";
import { stepSubscription } from "./machine.ts";
import { isSettledIn, registrationInputOf } from "./own-contact.ts";
import {
  initialSubscription,
  nextSubscriptionDeadline,
  type SubscriptionEffect,
  type SubscriptionInput,
  type SubscriptionState,
} from "./state.ts";

/** The part of the registration that its subscription looks at. */
export interface WatchedRegistration {
  readonly granted: Granted | undefined;
  readonly isPending: boolean;
  apply(input: RegistrationInput): void;
}

/** The last NOTIFY, for a person to look at. */
export interface LastNotify {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly subscriptionState: string;
  readonly version: number | undefined;
  /** What it said about the own contact; undefined: nothing that asks for an action. */
  readonly said: string | undefined;
}

export interface SubscriptionOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly agent: SubscriberAgent;
  readonly reginfo: ReginfoReader;
  readonly identity: Identity;
  readonly package: RegistrationPackage;
  readonly expiresSeconds: number;
  /** Route value of the P-CSCF. */
  readonly proxyRoute: string;
  readonly registration: WatchedRegistration;
  readonly onEnded: (why: string) => void;
}

export class RegistrationSubscription {
  readonly #options: SubscriptionOptions;
  #state: SubscriptionState;
  #subscription: Subscription | undefined;
  #view: ReginfoView | undefined;
  #timer: Timer | undefined;
  #lastNotify: LastNotify | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#state = initialSubscription(options.package);
  }

  get event(): RegistrationPackage {
    return this.#state.package;
  }

  get state(): Subscription["state"] | "none" {
    return this.#subscription?.state ?? "none";
  }

  get callId(): string | undefined {
    return this.#subscription?.record.callId;
  }

  get expiresAt(): number | undefined {
    return this.#subscription?.expiresAt;
  }

  get lastNotify(): LastNotify | undefined {
    return this.#lastNotify;
  }

  /** A REGISTER got its 200. */
  onRegistered({ serviceRoute, expiresAt }: Granted, first: boolean): void {
    this.#apply({ kind: "registered", first, serviceRoute: serviceRoute.join(), expiresAt });
  }

  /** The registration stands no more; the network ends the subscription with a last NOTIFY. */
  onDeregistered(): void {
    this.#apply({ kind: "deregistered" });
  }

  onFlowLost(): void {
    this.#apply({ kind: "flow-lost" });
  }

  close(): void {
    this.#timer?.cancel();
    this.#subscription?.forget();
  }

  #apply(input: SubscriptionInput): void {
    const { clock, random, registration } = this.#options;
    const context = {
      now: clock.now(),
      random,
      isRegistered: registration.granted !== undefined,
      isPending: registration.isPending,
    };
    const { state, effects } = stepSubscription(context, this.#state, input);
    this.#state = state;
    this.#timer?.cancel();
    const deadline = nextSubscriptionDeadline(state);
    if (deadline !== undefined)
      this.#timer = clock.at(deadline, () => this.#apply({ kind: "due" }));
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: SubscriptionEffect): void {
    switch (effect.kind) {
      case "subscribe":
        this.#subscribe();
        break;
      case "refresh":
        this.#subscription?.refresh(this.#options.expiresSeconds);
        break;
      case "forget":
        this.#forget();
        break;
      case "lost":
        this.#options.registration.apply({ kind: "lost", why: effect.why });
        break;
    }
  }

  #forget(): void {
    this.#subscription?.forget();
    this.#subscription = undefined;
  }

  #subscribe(): void {
    const { agent, identity, registration, expiresSeconds, proxyRoute } = this.#options;
    this.#forget();
    this.#view = undefined;
    const { associatedUris = [], serviceRoute = [] } = registration.granted ?? {};
    const impu = usableIdentity(identity.impu, associatedUris);
    const isOurs = (): boolean => this.#subscription === subscription;
    const subscription: Subscription = agent.subscribe(
      {
        target: impu,
        from: impu,
        to: impu,
        contact: `<${identity.contactUri}>`,
        event: this.event,
        expires: expiresSeconds,
        accept: [REGINFO_TYPE],
        route: [proxyRoute, ...serviceRoute],
      },
      {
        refreshAfter: () => undefined, // planned here, behind the registration's
        judge: (notify) => this.#options.reginfo.judge(notify),
        onNotify: (notify) => this.#onNotify(notify),
        onGranted: () => this.#heard(),
        onRefused: (status) => {
          if (isOurs()) this.#apply({ kind: "refused", status });
        },
        onEnded: (ending) => {
          if (isOurs()) this.#onEnded(ending);
        },
      },
    );
    this.#subscription = subscription;
  }

  #heard(): void {
    this.#apply({ kind: "heard", expiresAt: this.expiresAt });
  }

  #onNotify(notify: SipRequest): void {
    this.#heard();
    const reginfo = this.#options.reginfo.documentIn(notify);
    const said = reginfo && this.#read(reginfo);
    this.#lastNotify = {
      at: this.#options.clock.now(),
      subscriptionState: notify.get(SubscriptionStateField)?.value ?? "",
      version: reginfo?.version,
      said: describeInput(said),
    };
    if (said !== undefined) this.#options.registration.apply(said);
  }

  #read(reginfo: Reginfo): RegistrationInput | undefined {
    const update = applyReginfo(this.#view, reginfo);
    this.#view = update.view;
    if (update.kind === "stale") {
      // One of the two was wrong, and this subscription may never hear of anything again: a new one counts from 0.
      if (reginfo.version < update.view.version) this.#apply({ kind: "stale" });
      return undefined;
    }
    if (update.kind === "gap") this.#apply({ kind: "gap" });
    const { identity, registration } = this.#options;
    const callId = registration.granted?.order.callId ?? "";
    const own = { impu: identity.impu, contactUri: identity.contactUri, callId };
    if (isSettledIn(reginfo, own)) registration.apply({ kind: "settled" });
    return registrationInputOf(reginfo, update.view, own, this.event);
  }

  #onEnded(ending: Ending): void {
    this.#subscription = undefined;
    this.#options.onEnded(describeEnding(ending));
    this.#apply({ kind: "ended", ending });
  }
}

function describeEnding({ why }: Ending): string {
  switch (why.kind) {
    case "refused":
      return `SUBSCRIBE answered ${why.status}`;
    case "terminated":
      return `terminated: ${why.reason ?? "no reason"}`;
    case "unreachable":
      return `SUBSCRIBE not answered: ${why.failure}`;
    case "no-notify":
    case "expired":
    case "left":
      return why.kind;
  }
}

function describeInput(input: RegistrationInput | undefined): string | undefined {
  if (input?.kind === "triggered") return "shortened";
  return input?.kind === "contact-ended" ? input.event : undefined;
}
