// The P-CSCF's own subscription to its users' registrations. TS 24.229 §5.2.3, RFC 3680.
import { REG_PACKAGE, REGINFO_TYPE } from "@ims-lab/common/ims/events";
import { applyReginfo, type ReginfoReader, type ReginfoView } from "@ims-lab/common/ims/reginfo";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { logRateLimit } from "@ims-lab/common/platform/log-rate-limit";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { lacksPackage } from "@ims-lab/common/sip/event/package-support";
import { Resubscribing } from "@ims-lab/common/sip/event/resubscribing";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import {
  createSubscriberAgent,
  type SubscriberAgent,
  type Subscription,
} from "@ims-lab/common/sip/event/subscriber-agent";
import { type Ending, endingInWords } from "@ims-lab/common/sip/event/subscriber-state";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { type Binding, type BoundContact, contactsOf, lifeOf } from "../bindings/binding.ts";
import type { FlowTable } from "../bindings/flow-table.ts";
import { type ContactChange, contactChange } from "./contact-change.ts";

export interface RegistrationWatchOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly reginfo: ReginfoReader;
  readonly table: FlowTable;
  readonly send: SendRequest;
  /** `pcscf.subscribeReg`. */
  readonly enabled: boolean;
  /** Our core URI as this S-CSCF knows it: From, Contact, P-Asserted-Identity. */
  ownUri(scscf: string): string;
}

/** TS 24.229 §5.2.3: longer than any registration. */
const EXPIRES_SECONDS = 600_000;
/** A power failure ends both nodes: the S-CSCF may need this long. */
const RESUME_AFTER_MS = 5000;
/** Fifty subscriptions every half second leave room for the devices. */
const RESUMED_AT_ONCE = 50;
const RESUME_MS = 500;
const SAY_AGAIN_MS = 86_400_000;
/** Between two refreshes for what is missing: where each answer leaves versions out, one asking leads to the next. */
const GAP_PAUSE_MS = 30_000;
/** 64*T1: a NOTIFY that was made before a 200 to REGISTER comes no later than this after it (RFC 3261 §17.1.2.2, Timer F). */
const OVERTAKEN_MS = 32_000;

interface UserSubscription {
  readonly impi: string;
  /** Of the bindings there were when it began, see `lifeOf`. */
  readonly lives: ReadonlySet<string>;
  subscription: Subscription | undefined;
  view: ReginfoView | undefined;
  /** When a missing document is asked for again, milliseconds since the epoch. */
  nextGapAt: number;
  /** When the last 200 to REGISTER was heard that this subscription is older than: a NOTIFY may be older, too. */
  renewedAt: number;
  /** An end that may be of an earlier registration: then the whole state is asked for. */
  doubt: Timer | undefined;
  /** Without a subscription: whether the next 200 to REGISTER makes one. */
  withRegister: boolean;
}

export class RegEventSubscriptions {
  readonly #options: RegistrationWatchOptions;
  readonly #agent: SubscriberAgent;
  readonly #byImpi = new Map<string, UserSubscription>();
  readonly #resubscribing: Resubscribing;
  /** S-CSCFs that lack the package: asked once. */
  readonly #refusing = new Set<string>();
  readonly #mayLog: (what: string) => boolean;

  #resuming: Timer | undefined;

  constructor(options: RegistrationWatchOptions) {
    const { clock, random, send } = options;
    this.#options = options;
    this.#resubscribing = new Resubscribing(clock);
    this.#mayLog = logRateLimit(clock, SAY_AGAIN_MS);
    this.#agent = createSubscriberAgent({ clock, random, send, packages: [REG_PACKAGE] });
  }

  get size(): number {
    return this.#byImpi.size;
  }

  /** False: `bound` would do nothing for a user of this IMPI. */
  concerns({ impi }: Binding): boolean {
    return this.#options.enabled || this.#byImpi.has(impi);
  }

  /** After each 200 of a user; one subscription per IMPI. @param before what was registered here until then */
  bound(binding: Binding, before?: Binding): void {
    const { impi, impus, scscf } = binding;
    const known = this.#byImpi.get(impi);
    const isServed =
      known !== undefined && (known.subscription !== undefined || !known.withRegister);
    if (isServed) known.renewedAt = this.#options.clock.now();
    if (isServed && before !== undefined && isForgotten(before, binding))
      known.subscription?.refresh();
    if (!this.#options.enabled || isServed || this.#refusing.has(scscf)) return;
    const lives = new Set(this.#bindings(impi, impus).map(lifeOf));
    const watch: UserSubscription = {
      impi,
      lives,
      subscription: undefined,
      view: undefined,
      nextGapAt: 0,
      renewedAt: Number.NEGATIVE_INFINITY,
      doubt: undefined,
      withRegister: false,
    };
    this.#byImpi.set(impi, watch);
    this.#resubscribing.started(impi);
    watch.subscription = this.#subscribe(watch, binding);
  }

  /** After a restart: dialogs are not stored but made again, some at a time. */
  resume(tokens: Iterator<string>): void {
    if (!this.#options.enabled) return;
    this.#resuming = this.#options.clock.after(RESUME_AFTER_MS, () => this.#resume(tokens));
  }

  #resume(tokens: Iterator<string>): void {
    for (let count = 0; count < RESUMED_AT_ONCE; count++) {
      const next = tokens.next();
      if (next.done === true) return;
      const binding = this.#options.table.registered(next.value);
      if (binding !== undefined) this.bound(binding);
    }
    this.#resuming = this.#options.clock.after(RESUME_MS, () => this.#resume(tokens));
  }

  /** The user's last binding has gone: what the S-CSCF has to say is of no use any more. */
  gone({ impi, impus }: Binding): void {
    const watch = this.#byImpi.get(impi);
    if (watch === undefined || this.#bindings(impi, impus).length > 0) return;
    this.#forget(impi);
    watch.subscription?.forget();
  }

  /** A NOTIFY to this node itself: good only inside a dialog of ours, 481 otherwise. */
  handle(incoming: Incoming): void {
    this.#agent.handle(incoming);
  }

  close(): void {
    this.#resuming?.cancel();
    for (const { doubt } of this.#byImpi.values()) doubt?.cancel();
    this.#resubscribing.close();
    this.#agent.close();
  }

  #forget(impi: string): void {
    this.#byImpi.get(impi)?.doubt?.cancel();
    this.#byImpi.delete(impi);
    this.#resubscribing.forget(impi);
  }

  #subscribe(watch: UserSubscription, binding: Binding): Subscription {
    const { impus, serviceRoute, scscf } = binding;
    const ownUri = this.#options.ownUri(scscf);
    const [target = ""] = impus;
    return this.#agent.subscribe(
      {
        target,
        from: ownUri,
        to: target,
        contact: `<${ownUri}>`,
        event: REG_PACKAGE,
        expires: EXPIRES_SECONDS,
        accept: [REGINFO_TYPE],
        route: serviceRoute.length > 0 ? serviceRoute : [`<${scscf};lr>`],
        headers: [["P-Asserted-Identity", `<${ownUri}>`]],
      },
      {
        judge: (notify) => this.#options.reginfo.judge(notify),
        onNotify: (notify, subscription) => this.#notified(watch, impus, notify, subscription),
        onEnded: (ending) => this.#ended(watch, binding, ending),
      },
    );
  }

  /** RFC 6665 §4.1.3. A life that began before the last word on the former one is watched at once. */
  #ended(watch: UserSubscription, { impus, scscf }: Binding, ending: Ending): void {
    const { impi, lives } = watch;
    if (this.#byImpi.get(impi) !== watch) return;
    this.#sayOver(impi, scscf, ending);
    watch.subscription = undefined;
    const { why, resubscribe } = ending;
    if (lacksPackage(why)) this.#refusing.add(scscf);
    const unwatched = this.#bindings(impi, impus).find((binding) => !lives.has(lifeOf(binding)));
    if (unwatched !== undefined) {
      this.#forget(impi);
      this.bound(unwatched);
    } else if (resubscribe.kind === "never") {
      const isForGood = why.kind === "terminated" && why.reason?.toLowerCase() !== "noresource";
      watch.withRegister = !isForGood;
    } else {
      watch.withRegister =
        resubscribe.kind === "now" || why.kind === "unreachable" || isNotRegistered(why);
      this.#resubscribing.ended(impi, resubscribe, () => this.#again(watch, impus));
    }
  }

  #again(watch: UserSubscription, impus: readonly string[]): void {
    const [binding] = this.#bindings(watch.impi, impus);
    if (this.#byImpi.get(watch.impi) !== watch) return;
    watch.withRegister = true;
    if (binding === undefined) this.#forget(watch.impi);
    else this.bound(binding);
  }

  #sayOver(impi: string, scscf: string, { why }: Ending): void {
    const said = endingInWords(why, "the S-CSCF");
    if (why.kind === "left" || !this.#mayLog(`${scscf} ${said}`)) return;
    this.#options.log.info("scscf.subscription-over", { scscf, impi, why: said });
  }

  #notified(
    watch: UserSubscription,
    impus: readonly string[],
    notify: SipRequest,
    subscription: Subscription,
  ): void {
    const reginfo = this.#options.reginfo.documentIn(notify);
    if (reginfo === undefined) return;
    const update = applyReginfo(watch.view, reginfo);
    if (update.kind === "stale") return;
    watch.view = update.view;
    if (update.kind === "gap") this.#refreshForGap(watch, subscription);
    for (const binding of this.#bindings(watch.impi, impus))
      for (const contact of contactsOf(binding)) {
        const change = contactChange(update.view, reginfo, contact);
        if (this.#isDoubtful(watch, change)) this.#askAgainLater(watch, subscription);
        else this.#obey(binding.token, contact, change);
      }
  }

  /**
   * An end without Call-ID and CSeq, or a contact that is left out, may be of the registration before: RFC 3680 §5.1
   * dates no document, and the NOTIFY may have been overtaken by the 200 to a REGISTER.
   */
  #isDoubtful({ renewedAt }: UserSubscription, change: ContactChange): boolean {
    if (change.kind !== "gone" || change.isDated) return false;
    return this.#options.clock.now() < renewedAt + OVERTAKEN_MS;
  }

  /** RFC 6665 §4.1.2.2: a refresh brings the whole state; nothing that is older arrives by then. */
  #askAgainLater(watch: UserSubscription, subscription: Subscription): void {
    const { clock } = this.#options;
    watch.doubt ??= clock.at(watch.renewedAt + OVERTAKEN_MS, () => {
      watch.doubt = undefined;
      if (this.#byImpi.get(watch.impi) === watch && watch.subscription === subscription)
        subscription.refresh();
    });
  }

  #refreshForGap(watch: UserSubscription, subscription: Subscription): void {
    const now = this.#options.clock.now();
    if (now < watch.nextGapAt) return;
    watch.nextGapAt = now + GAP_PAUSE_MS;
    subscription.refresh();
  }

  #obey(token: string, contact: BoundContact, word: ContactChange): void {
    const { table, clock } = this.#options;
    switch (word.kind) {
      case "gone":
        table.endContact(token, contact, "core");
        return;
      case "shortened": {
        const until = clock.now() + word.expiresSeconds * 1000;
        table.expireAt(token, contact, Math.min(contact.expiresAt, until));
        return;
      }
      case "nothing":
        return;
    }
  }

  #bindings(impi: string, impus: readonly string[]): readonly Binding[] {
    const found = new Map<string, Binding>();
    for (const impu of impus)
      for (const binding of this.#options.table.ofImpuText(impu))
        if (binding.impi === impi) found.set(binding.token, binding);
    return [...found.values()];
  }
}

/** The S-CSCF knows the device anew, and has said no end: it may have forgotten this subscription as well. */
function isForgotten(before: Binding, after: Binding): boolean {
  return lifeOf(before) !== lifeOf(after);
}

/** RFC 3261 §21.4.18: nobody there for now, which the next 200 to REGISTER changes. */
function isNotRegistered(why: Ending["why"]): boolean {
  return why.kind === "refused" && why.status === 480 && why.retryAfter === undefined;
}
