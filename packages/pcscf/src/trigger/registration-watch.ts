// The P-CSCF's own subscription to its users' registrations. TS 24.229 §5.2.3, RFC 3680.
import { REG_PACKAGE, REGINFO_TYPE } from "@ims-lab/common/ims/events";
import { applyReginfo, type ReginfoReader, type ReginfoView } from "@ims-lab/common/ims/reginfo";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import type { Incoming } from "@ims-lab/common/sip/endpoint";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import {
  createSubscriberAgent,
  type SubscriberAgent,
  type Subscription,
} from "@ims-lab/common/sip/subscriber-agent";
import { type Binding, type BoundContact, contactsOf, lifeOf } from "../flows/binding.ts";
import type { FlowTable } from "../flows/flow-table.ts";
import { type Word, wordOnContact } from "./watched-contact.ts";

export interface RegistrationWatchOptions {
  readonly clock: Clock;
  readonly random: Random;
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

interface Watch {
  readonly impi: string;
  /** Of the bindings there were when it began, see `lifeOf`. */
  readonly lives: ReadonlySet<string>;
  subscription: Subscription | undefined;
  view: ReginfoView | undefined;
}

export class RegistrationWatch {
  readonly #options: RegistrationWatchOptions;
  readonly #agent: SubscriberAgent;
  readonly #byImpi = new Map<string, Watch>();

  constructor(options: RegistrationWatchOptions) {
    const { clock, random, send } = options;
    this.#options = options;
    this.#agent = createSubscriberAgent({ clock, random, send, packages: [REG_PACKAGE] });
  }

  get size(): number {
    return this.#byImpi.size;
  }

  /** After the first 200 of a user; once per IMPI. */
  bound(binding: Binding): void {
    const { impi, impus } = binding;
    if (!this.#options.enabled || this.#byImpi.has(impi)) return;
    const lives = new Set(this.#bindings(impi, impus).map(lifeOf));
    const watch: Watch = { impi, lives, subscription: undefined, view: undefined };
    this.#byImpi.set(impi, watch);
    watch.subscription = this.#subscribe(watch, binding);
  }

  /** The user's last binding has gone: what the S-CSCF has to say is of no use any more. */
  gone({ impi, impus }: Binding): void {
    const watch = this.#byImpi.get(impi);
    if (watch === undefined || this.#bindings(impi, impus).length > 0) return;
    this.#byImpi.delete(impi);
    watch.subscription?.forget();
  }

  /** A NOTIFY to this node itself: good only inside a dialog of ours, 481 otherwise. */
  handle(incoming: Incoming): void {
    this.#agent.handle(incoming);
  }

  close(): void {
    this.#agent.close();
  }

  #subscribe(watch: Watch, { impus, serviceRoute, scscf }: Binding): Subscription {
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
        onEnded: () => this.#ended(watch, impus),
      },
    );
  }

  /** The next 200 subscribes again; so does one that came before the last word on the former life. */
  #ended(watch: Watch, impus: readonly string[]): void {
    const { impi, lives } = watch;
    if (this.#byImpi.get(impi) !== watch) return;
    this.#byImpi.delete(impi);
    const unwatched = this.#bindings(impi, impus).find((binding) => !lives.has(lifeOf(binding)));
    if (unwatched !== undefined) this.bound(unwatched);
  }

  #notified(
    watch: Watch,
    impus: readonly string[],
    notify: SipRequest,
    subscription: Subscription,
  ): void {
    const reginfo = this.#options.reginfo.documentIn(notify);
    if (reginfo === undefined) return;
    const update = applyReginfo(watch.view, reginfo);
    if (update.kind === "stale") return;
    watch.view = update.view;
    if (update.kind === "gap") subscription.refresh();
    for (const binding of this.#bindings(watch.impi, impus))
      for (const contact of contactsOf(binding))
        this.#obey(binding.token, contact, wordOnContact(update.view, reginfo, contact));
  }

  #obey(token: string, contact: BoundContact, word: Word): void {
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
