// The UE's subscription to its own registration. TS 24.229 §5.1.1.3, §5.1.2.1; docs/events.md.

import type { RegistrationPackage } from "@ims-lab/common/ims/events";
import { OWN_PACKAGE, REG_PACKAGE, REGINFO_TYPE } from "@ims-lab/common/ims/events";
import { applyReginfo, type ReginfoReader, type ReginfoView } from "@ims-lab/common/ims/reginfo";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Ending } from "@ims-lab/common/sip/event/subscriber-state";
import { SubscriptionState } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { SubscriberAgent, Subscription } from "@ims-lab/common/sip/subscriber-agent";
import type { Identity } from "../registration/register-request.ts";
import type { Granted, RegistrationInput } from "../registration/state.ts";
import { renewalDelaySeconds } from "../registration/timing.ts";
import { identityToWatch } from "./identity-to-watch.ts";
import { toldBy } from "./own-contact.ts";
import { inWords, saidInWords } from "./words.ts";

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

/** Milliseconds by which two readings of one expiry may differ. */
const SAME_EXPIRY = 2_000;
/** After the registration's end the last NOTIFY may still be on its way (64*T1 of TS 24.229). */
const LINGER_MS = 128_000;
const LONGEST_RETRY_SECONDS = 1_800;
/** One that lived this long did not end for a reason that will repeat at once. */
const SETTLED_MS = 60_000;

export class RegistrationSubscription {
  readonly #options: SubscriptionOptions;
  #package: RegistrationPackage;
  #subscription: Subscription | undefined;
  #view: ReginfoView | undefined;
  #timer: Timer | undefined;
  #plannedFor = 0;
  #startedAt = 0;
  /** Ended at once this often in a row. */
  #quickEnds = 0;
  /** The network does not want it: not by itself any more. */
  #isUnwanted = false;
  /** The next REGISTER brings it back: a refusal may be a slip, and a pause of ours ends with a sign of life. */
  #comesWithRegister = false;
  /** Of the last 200 to REGISTER. */
  #serviceRoute = "";
  /** Its refresh fell due while a REGISTER was under way, and follows that. */
  #isOverdue = false;
  #lastNotify: LastNotify | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#package = options.package;
  }

  get event(): RegistrationPackage {
    return this.#package;
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
  onRegistered(granted: Granted, first: boolean): void {
    // Another Service-Route: another S-CSCF, or one that had forgotten this UE and its subscription.
    const isForgotten = this.#hasNewRoute(granted);
    const mayTryAgain = this.#comesWithRegister && this.#subscription === undefined;
    if (first || isForgotten || mayTryAgain) {
      this.#isUnwanted = false;
      this.#start();
      return;
    }
    const expiresAt = this.#subscription?.expiresAt;
    if (expiresAt === undefined) return;
    // The seed's dashed messages: what ends before the new registration is renewed with it.
    if (this.#isOverdue || expiresAt < granted.expiresAt) this.#refresh();
  }

  /** The registration stands no more; the network ends the subscription with a last NOTIFY. */
  onDeregistered(): void {
    this.#timer?.cancel();
    const subscription = this.#subscription;
    if (subscription === undefined) return;
    this.#timer = this.#options.clock.after(LINGER_MS, () => {
      subscription.forget();
      this.#subscription = undefined;
    });
  }

  /** RFC 3261 §17.1.2.2: nothing is sent twice over a connection, so a first SUBSCRIBE went down with it. */
  onFlowLost(): void {
    if (this.state !== "notifyWait") return;
    this.#subscription?.forget();
    this.#subscription = undefined;
    this.#comesWithRegister = true;
  }

  close(): void {
    this.#timer?.cancel();
    this.#subscription?.forget();
  }

  #hasNewRoute({ serviceRoute }: Granted): boolean {
    const route = serviceRoute.join();
    if (route === this.#serviceRoute) return false;
    this.#serviceRoute = route;
    return true;
  }

  #start(): void {
    const { agent, identity, clock, registration, expiresSeconds, proxyRoute } = this.#options;
    const { granted } = registration;
    if (granted === undefined) return;
    this.#timer?.cancel();
    this.#subscription?.forget();
    this.#view = undefined;
    this.#plannedFor = 0;
    this.#isOverdue = false;
    this.#comesWithRegister = false;
    this.#startedAt = clock.now();
    const impu = identityToWatch(identity.impu, granted.associatedUris);
    const subscription: Subscription = agent.subscribe(
      {
        target: impu,
        from: impu,
        to: impu,
        contact: `<${identity.contactUri}>`,
        event: this.#package,
        expires: expiresSeconds,
        accept: [REGINFO_TYPE],
        route: [proxyRoute, ...granted.serviceRoute],
      },
      {
        refreshAfter: () => undefined, // planned here, behind the registration's
        judge: (notify) => this.#options.reginfo.judge(notify),
        onNotify: (notify) => this.#onNotify(notify),
        onGranted: () => this.#plan(),
        onEnded: (ending) => {
          if (this.#subscription === subscription) this.#onEnded(ending);
        },
      },
    );
    this.#subscription = subscription;
  }

  #refresh(): void {
    this.#isOverdue = false;
    this.#subscription?.refresh(this.#options.expiresSeconds);
  }

  /** TS 24.229 §5.1.1.3: the same 600 s / half-time rule as for the registration. */
  #plan(): void {
    const expiresAt = this.#subscription?.expiresAt;
    const { clock, registration } = this.#options;
    if (expiresAt === undefined || registration.granted === undefined) return;
    if (Math.abs(expiresAt - this.#plannedFor) < SAME_EXPIRY) return;
    this.#plannedFor = expiresAt;
    const leftSeconds = (expiresAt - clock.now()) / 1000;
    this.#timer?.cancel();
    this.#timer = clock.after(renewalDelaySeconds(leftSeconds) * 1000, () => {
      if (registration.isPending) this.#isOverdue = true;
      else this.#refresh();
    });
  }

  #onNotify(notify: SipRequest): void {
    this.#plan();
    const reginfo = this.#options.reginfo.documentIn(notify);
    const said = reginfo && this.#apply(reginfo);
    this.#lastNotify = {
      at: this.#options.clock.now(),
      subscriptionState: notify.get(SubscriptionState)?.value ?? "",
      version: reginfo?.version,
      said: saidInWords(said),
    };
    if (said !== undefined) this.#options.registration.apply(said);
  }

  #apply(reginfo: Parameters<typeof toldBy>[0]): RegistrationInput | undefined {
    const update = applyReginfo(this.#view, reginfo);
    this.#view = update.view;
    if (update.kind === "stale") {
      // One of the two was wrong, and this subscription may never hear of anything again: a new one counts from 0.
      if (reginfo.version < update.view.version) this.#startAgain();
      return undefined;
    }
    if (update.kind === "gap") this.#refresh(); // RFC 3680 §5.1: ask for the full state
    const { identity, registration } = this.#options;
    const callId = registration.granted?.order.callId ?? "";
    const own = { impu: identity.impu, contactUri: identity.contactUri, callId };
    return toldBy(reginfo, update.view, own, this.#package);
  }

  #onEnded(ending: Ending): void {
    this.#subscription = undefined;
    this.#timer?.cancel();
    this.#options.onEnded(inWords(ending));
    if (this.#package === OWN_PACKAGE && isUnknownPackage(ending)) {
      this.#package = REG_PACKAGE; // RFC 3680 is the standard's way to the same
      this.#startAfter(0);
      return;
    }
    const { why, resubscribe } = ending;
    // Not what a NOTIFY or a Retry-After has put off (RFC 6665 §4.1.3).
    this.#comesWithRegister =
      resubscribe.kind === "now" ||
      why.kind === "unreachable" ||
      (resubscribe.kind === "never" && why.kind === "refused");
    switch (resubscribe.kind) {
      case "now":
        this.#startAgain();
        break;
      case "later":
        this.#countEnd();
        this.#startAfter(Math.max(resubscribe.seconds, this.#pauseSeconds()));
        break;
      case "never":
        this.#isUnwanted = true;
    }
  }

  /** At once, unless that has not helped lately. */
  #startAgain(): void {
    this.#countEnd();
    this.#startAfter(this.#quickEnds < 2 ? 0 : this.#pauseSeconds());
  }

  #countEnd(): void {
    const isQuick = this.#options.clock.now() - this.#startedAt < SETTLED_MS;
    this.#quickEnds = isQuick ? this.#quickEnds + 1 : 0;
  }

  #pauseSeconds(): number {
    return Math.min(2 ** this.#quickEnds, LONGEST_RETRY_SECONDS);
  }

  /** Later even when at once: the NOTIFY that ended it may end the registration too. */
  #startAfter(seconds: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(seconds * 1000, () => {
      if (!this.#isUnwanted && this.#options.registration.granted !== undefined) this.#start();
    });
  }
}

function isUnknownPackage({ why }: Ending): boolean {
  return why.kind === "refused" && why.status === 489;
}
