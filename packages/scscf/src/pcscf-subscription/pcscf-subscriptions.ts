// The S-CSCF's own subscriptions at P-CSCFs: Figures 4 and 5 of seed/S3z010092. RFC 6665 §4.1.

import { OWN_PACKAGE, REGINFO_TYPE, UNLIMITED_EXPIRES } from "@ims-lab/common/ims/events";
import { placeOfPath, uriTextOfPath } from "@ims-lab/common/ims/path";
import type { ReginfoReader } from "@ims-lab/common/ims/reginfo";
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import { PackageSupport } from "@ims-lab/common/sip/event/package-support";
import { renewalDelaySeconds } from "@ims-lab/common/sip/event/renewal";
import { Resubscribing } from "@ims-lab/common/sip/event/resubscribing";
import type { IncomingRequest } from "@ims-lab/common/sip/event/sender";
import type { SubscriberAgent, Subscription } from "@ims-lab/common/sip/event/subscriber-agent";
import type { SubscriptionHandlers } from "@ims-lab/common/sip/event/subscriber-port";
import { type Ending, endingInWords } from "@ims-lab/common/sip/event/subscriber-state";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { Binding } from "../registration/binding.ts";
import type {
  ChangeAhead,
  RegistrationEvent,
  RegistrationSubscriber,
} from "../registration/events.ts";
import type { Change } from "../rows.ts";
import type { RegistrationSet } from "../subscribers/registration-sets.ts";
import { askingContact, askingKey } from "./asking-contact.ts";

export interface PcscfSubscriptionsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly reginfo: ReginfoReader;
  readonly agent: SubscriberAgent;
  /** SIP URI of this S-CSCF as a peer knows it: From, Contact and P-Asserted-Identity. */
  ownUri(peer: string): string;
  readonly life: "registration" | "unlimited";
  /** One line per P-CSCF, cause and period. */
  mayLog(what: string): boolean;
  setOf(name: string): RegistrationSet | undefined;
  /** A P-CSCF watches this set here, and so hears of its end. */
  isWatched(set: string): boolean;
  bindingOf(token: string): Binding | undefined;
  /** As they stand. */
  bindingsOf(set: string): readonly Binding[];
  /** The P-CSCF asks for this binding (Figure 5). False: it is not followed, and may ask the same again. */
  onAsked(token: string): boolean;
}

/** How it stands with the subscription for one Path. */
type SubscriptionStatus =
  | { readonly kind: "wanted" } // the P-CSCF is being asked for the first time
  | { readonly kind: "live"; readonly subscription: Subscription }
  | { readonly kind: "later"; readonly withRegister: boolean } // the next 200 to REGISTER may come first
  | { readonly kind: "over"; readonly untilRegister: boolean }; // until the next 200, or for good

/** One per user and Path: the Contacts of one REGISTER share theirs. */
interface Kept {
  readonly key: string;
  readonly set: string;
  readonly impi: string;
  readonly pcscf: string;
  status: SubscriptionStatus;
  /** The last asking for each binding, by token: a repeated document asks nothing new. */
  readonly asked: Map<string, string>;
}

const NO_ROWS: readonly Change[] = [];
/** Seconds by which a subscription outlives its binding: the binding's end comes first. */
const MARGIN_SECONDS = 60;
/** A power failure ends both nodes: the P-CSCF may need this long. */
const RESUME_AFTER_MS = 5000;
/** Fifty subscriptions every half second leave room for the devices. */
const RESUMED_AT_ONCE = 50;
const RESUME_MS = 500;
/** The P-CSCF does not have this user now; its next REGISTER may change that. */
const NOT_HERE: ReadonlySet<number> = new Set([404, 410, 481, 604]);
const NOT_AGAIN =
  "it is not asked again until this S-CSCF restarts; pcscf.subscribe false leaves the first SUBSCRIBE out, too";

export class PcscfSubscriptions implements RegistrationSubscriber {
  readonly #options: PcscfSubscriptionsOptions;
  readonly #byPath = new Map<string, Kept>();
  readonly #support = new PackageSupport();
  readonly #resubscribing: Resubscribing;
  /** Removals of which the P-CSCF hears by other means. */
  readonly #known = new WeakSet<RegistrationEvent>();
  #live = 0;
  #resuming: Timer | undefined;
  readonly #toResume: Iterator<string>[] = [];

  constructor(options: PcscfSubscriptionsOptions) {
    this.#options = options;
    this.#resubscribing = new Resubscribing(options.clock);
  }

  /** Live subscriptions. */
  get size(): number {
    return this.#live;
  }

  /** Whether a P-CSCF hears of the end otherwise is known before it does. */
  foresee({ events }: ChangeAhead): readonly Change[] {
    for (const event of events)
      if (event.kind === "removed") {
        const { binding, cause } = event;
        const isKnown = cause.kind === "unregistered" || this.#options.isWatched(binding.set);
        if (isKnown) this.#known.add(event);
      }
    return NO_ROWS;
  }

  /** Figure 4: after the UE's own subscription; a device that need not subscribe is not waited for. */
  on(event: RegistrationEvent): void {
    const { kind } = event;
    if (kind === "registered") {
      if (!isAwaited(event.binding)) this.#subscribe(event.binding);
    } else if (kind === "refreshed") {
      const { binding, before } = event;
      const isElsewhere = pathKey(binding) !== pathKey(before);
      if (isElsewhere) this.#leaveFormer(before);
      if (!isAwaited(binding)) this.#renew(binding, isElsewhere);
    } else if (kind === "subscribed") {
      if (event.subscription.binding !== undefined) this.#subscribe(event.subscription.binding);
    } else if (kind === "removed") this.#end(event.binding, this.#known.has(event));
  }

  /** Messages 13 and 14; one per Path. Devices without P-CSCF have none. */
  #subscribe(binding: Binding): void {
    const { set, impi, address } = binding;
    const key = pathKey(binding);
    const pcscf = placeOfPath(address.path.at(-1) ?? "");
    if (pcscf === undefined || this.#byPath.has(key) || this.#support.refuses(pcscf)) return;
    const status: SubscriptionStatus = { kind: "wanted" };
    const kept: Kept = { key, set, impi, pcscf, status, asked: new Map() };
    this.#byPath.set(key, kept);
    this.#ask(kept);
  }

  /** Whether or not its device has subscribed over the new Path yet. */
  #leaveFormer(before: Binding): void {
    const former = this.#byPath.get(pathKey(before));
    if (former !== undefined && !this.#isInUse(before)) this.#leave(former);
  }

  /** The dashed messages 19 and 20, after each re-registration; another Path needs another one. */
  #renew(binding: Binding, isElsewhere: boolean): void {
    const kept = this.#byPath.get(pathKey(binding));
    if (kept === undefined) this.#subscribe(binding);
    else if (!isElsewhere) this.#renewed(binding, kept);
  }

  /**
   * "Binding gone": the subscription ends, and where there never was one a SUBSCRIBE with Expires 0
   * says so, unless the P-CSCF knows by other means, serves no such thing, or has another Contact behind this Path.
   */
  #end(binding: Binding, isKnown: boolean): void {
    const key = pathKey(binding);
    const kept = this.#byPath.get(key);
    kept?.asked.delete(binding.token);
    if (this.#isInUse(binding)) return;
    const isToldNow = kept?.status.kind === "live" || kept?.status.kind === "over";
    if (kept !== undefined) this.#leave(kept);
    const pcscf = placeOfPath(binding.address.path.at(-1) ?? "");
    if (isToldNow || isKnown || pcscf === undefined) return;
    this.#support.ask(pcscf, key, () => {
      this.#send(binding, 0, {
        onNotify: () => this.#support.serves(pcscf),
        onEnded: (ending) => this.#ended({ key, pcscf, impi: binding.impi }, ending),
      });
    });
  }

  #isInUse(gone: Binding): boolean {
    const key = pathKey(gone);
    const others = this.#options.bindingsOf(gone.set);
    return others.some((one) => one.token !== gone.token && pathKey(one) === key);
  }

  /** The bindings behind this Path, the one that lasts longest first. */
  #behind({ set, key }: Kept): readonly Binding[] {
    const behind = this.#options.bindingsOf(set).filter((one) => pathKey(one) === key);
    return behind.sort((a, b) => b.expiresAt - a.expiresAt);
  }

  /**
   * After a restart: dialogs are not stored but made again, some at a time, for the bindings that are there then and
   * have got none by a REGISTER meanwhile. What a P-CSCF asks for until then stands in the first NOTIFY.
   */
  resume(tokens: Iterator<string>): void {
    this.#toResume.push(tokens);
    this.#resuming ??= this.#options.clock.after(RESUME_AFTER_MS, () => this.#resume());
  }

  #resume(): void {
    this.#resuming = undefined;
    for (let count = 0; count < RESUMED_AT_ONCE; count++) {
      let next = this.#toResume[0]?.next();
      while (next?.done === true) {
        this.#toResume.shift();
        next = this.#toResume[0]?.next();
      }
      if (next === undefined) return;
      const binding = this.#options.bindingOf(next.value);
      if (binding !== undefined && !isAwaited(binding)) this.#subscribe(binding);
    }
    this.#resuming = this.#options.clock.after(RESUME_MS, () => this.#resume());
  }

  /** Another node subscribes for them; nobody is told. @param bindings of one set, while they are there */
  drop(bindings: readonly Binding[]): void {
    for (const binding of bindings) {
      const kept = this.#byPath.get(pathKey(binding));
      if (kept === undefined) continue;
      const { status, pcscf, key } = kept;
      this.#drop(kept);
      if (status.kind === "live") status.subscription.forget();
      else this.#support.forget(pcscf, key);
    }
  }

  owns(notify: SipRequest): boolean {
    return this.#options.agent.owns(notify);
  }

  /** Answers a NOTIFY: only inside a dialog of ours, 481 otherwise. */
  handle(incoming: IncomingRequest): void {
    this.#options.agent.handle(incoming);
  }

  close(): void {
    this.#options.agent.close();
    this.#resubscribing.close();
    this.#resuming?.cancel();
    this.#byPath.clear();
  }

  #renewed(binding: Binding, kept: Kept): void {
    const { status } = kept;
    switch (status.kind) {
      case "live": {
        const { expiresAt = binding.expiresAt } = status.subscription;
        if (this.#options.life === "registration" || expiresAt < binding.expiresAt)
          status.subscription.refresh(this.#expiresFor(binding));
        break;
      }
      case "later":
        if (status.withRegister) this.#ask(kept);
        break;
      case "over":
        if (status.untilRegister) this.#ask(kept);
        break;
      case "wanted":
        break;
    }
  }

  #leave(kept: Kept): void {
    const { key, pcscf, status } = kept;
    this.#drop(kept);
    if (status.kind === "live") status.subscription.unsubscribe();
    else this.#support.forget(pcscf, key);
  }

  #drop(kept: Kept): void {
    this.#byPath.delete(kept.key);
    this.#resubscribing.forget(kept.key);
    this.#stand(kept, { kind: "wanted" });
  }

  #stand(kept: Kept, status: SubscriptionStatus): void {
    this.#live += Number(status.kind === "live") - Number(kept.status.kind === "live");
    kept.status = status;
  }

  #ask(kept: Kept): void {
    this.#stand(kept, { kind: "wanted" });
    this.#support.ask(kept.pcscf, kept.key, () => this.#start(kept));
  }

  #start(kept: Kept): void {
    const { key, pcscf } = kept;
    const [binding] = this.#behind(kept);
    const isWanted = this.#isKept(kept) && kept.status.kind === "wanted";
    if (binding === undefined || !isWanted) {
      this.#support.forget(pcscf, key);
      return;
    }
    this.#resubscribing.started(key);
    const subscription = this.#send(binding, this.#expiresFor(binding), {
      judge: (notify) => this.#options.reginfo.judge(notify),
      onNotify: (notify) => {
        this.#support.serves(pcscf);
        this.#notified(kept, notify);
      },
      refreshAfter: (granted) => this.#refreshAfter(kept, granted),
      expires: () => this.#expiresFor(this.#behind(kept)[0] ?? binding),
      onEnded: (ending) => {
        if (this.#isKept(kept)) this.#over(kept, ending);
        this.#ended(kept, ending);
      },
    });
    // An answer may have come already.
    if (subscription.state !== "terminated") this.#stand(kept, { kind: "live", subscription });
  }

  #isKept(kept: Kept): boolean {
    return this.#byPath.get(kept.key) === kept;
  }

  #send(binding: Binding, expires: number, handlers: SubscriptionHandlers): Subscription {
    const { agent, setOf } = this.#options;
    const path = binding.address.path.map(uriTextOfPath);
    const target = path.at(-1) ?? "";
    const route = binding.address.path.slice(0, -1);
    const ownUri = this.#options.ownUri(path[0] ?? target);
    return agent.subscribe(
      {
        target,
        from: ownUri,
        to: setOf(binding.set)?.impus[0]?.uri ?? binding.impu,
        contact: `<${ownUri}>`,
        event: OWN_PACKAGE,
        expires,
        accept: [REGINFO_TYPE],
        ...(route.length > 0 && { route }),
        headers: [["P-Asserted-Identity", `<${ownUri}>`]],
      },
      handlers,
    );
  }

  #expiresFor({ expiresAt }: Binding): number {
    if (this.#options.life === "unlimited") return UNLIMITED_EXPIRES;
    const left = Math.ceil((expiresAt - this.#options.clock.now()) / 1000);
    return Math.max(left, 0) + MARGIN_SECONDS;
  }

  /** The 200 to the next REGISTER renews it, or the binding's end ends it: only what is shorter is renewed before. */
  #refreshAfter(kept: Kept, granted: number): number | undefined {
    const left = ((this.#behind(kept)[0]?.expiresAt ?? 0) - this.#options.clock.now()) / 1000;
    return granted >= left ? undefined : renewalDelaySeconds(granted);
  }

  #notified(kept: Kept, notify: SipRequest): void {
    const { reginfo, setOf, onAsked } = this.#options;
    const document = reginfo.documentIn(notify);
    if (!this.#isKept(kept) || document === undefined) return;
    const impus = setOf(kept.set)?.impus.map(({ aor }) => aor) ?? [];
    for (const binding of this.#behind(kept)) {
      const asking = askingContact(document, binding, impus);
      const key = asking === undefined ? "" : askingKey(asking, binding);
      if (asking === undefined || key === kept.asked.get(binding.token)) continue;
      kept.asked.set(binding.token, key);
      if (!onAsked(binding.token)) kept.asked.delete(binding.token);
    }
  }

  /** RFC 6665 §4.1.3: what the end of a subscription means for the next one. */
  #over(kept: Kept, { why, resubscribe }: Ending): void {
    if (resubscribe.kind === "never") {
      const isNotHere = why.kind === "refused" && NOT_HERE.has(why.status);
      const isGone = why.kind === "terminated" && why.reason?.toLowerCase() === "noresource";
      this.#stand(kept, { kind: "over", untilRegister: isNotHere || isGone });
      return;
    }
    // Not what the P-CSCF itself has put off.
    const withRegister = resubscribe.kind === "now" || why.kind === "unreachable";
    this.#stand(kept, { kind: "later", withRegister });
    this.#resubscribing.ended(kept.key, resubscribe, () => this.#ask(kept));
  }

  /** A P-CSCF that serves no such thing is asked for nobody any more; life goes on without Figure 5. */
  #ended({ key, pcscf, impi }: Pick<Kept, "key" | "pcscf" | "impi">, ending: Ending): void {
    const { why, resubscribe } = ending;
    const { log, mayLog } = this.#options;
    const fields = { pcscf, impi, why: endingInWords(why, "the P-CSCF") };
    if (this.#support.ended(pcscf, key, why, resubscribe.kind === "later")) {
      for (const kept of this.#byPath.values())
        if (kept.pcscf === pcscf && kept.status.kind !== "live") this.#drop(kept);
      log.info("pcscf.subscription-over", { ...fields, next: NOT_AGAIN });
    } else if (why.kind !== "left" && mayLog(`${pcscf} ${fields.why}`))
      log.info("pcscf.subscription-over", fields);
  }
}

function isAwaited({ mode, duty }: Binding): boolean {
  return mode === "enforce" && duty.state === "owed";
}

function pathKey({ impi, address }: Binding): string {
  return `${impi} ${address.path.join()}`;
}
