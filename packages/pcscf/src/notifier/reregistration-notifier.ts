// Notifier of re-registrations: the S-CSCF's subscriptions here and what it is asked. S3z010092, Figures 4 and 5.
import {
  DEFAULT_EXPIRES,
  OWN_PACKAGE,
  REGINFO_TYPE,
  UNLIMITED_EXPIRES,
} from "@ims-lab/common/ims/events";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { grantExpires } from "@ims-lab/common/sip/event/grant";
import {
  createNotifierAgent,
  type NotifierAgent,
  type NotifierAgentOptions,
  type NotifierSubscription,
  type NotifyBody,
  type NotifyOutcome,
  type Rendering,
  type SubscribeVerdict,
} from "@ims-lab/common/sip/event/notifier-agent";
import { Resending } from "@ims-lab/common/sip/event/resending";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import { Expires } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import { type Binding, endOf, lifeOf } from "../bindings/binding.ts";
import type { FlowTable } from "../bindings/flow-table.ts";
import type { Tokens } from "../bindings/token.ts";
import { reregistrationDocument } from "./reregistration-document.ts";

export interface AskerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly table: FlowTable;
  readonly tokens: Tokens;
  readonly send: SendRequest;
  /** Contact of 200s and NOTIFYs: our Path URI of the binding. */
  contactOf(binding: Binding): string;
  /** Raise a short Expires to the registration's, as the document says (profile `seed`). */
  readonly raise: boolean;
  readonly deadlineSeconds: number;
  /** Absent: nothing outlives the process. */
  readonly durable?: DurableAskings | undefined;
}

/** What of this must outlive the process. */
export interface DurableAskings {
  /** A SUBSCRIBE is answered when its row is durable, a NOTIFY leaves behind it. */
  readonly save: NonNullable<NotifierAgentOptions["save"]>;
  onAsking(token: string, asking: Asking | undefined): void;
}

export type Asked =
  | { readonly kind: "asked"; readonly bindings: readonly Binding[] }
  | { readonly kind: "not-registered" }
  | { readonly kind: "not-subscribed"; readonly bindings: readonly Binding[] };

/** From the asking until the UE has re-authenticated or its time is over. */
export interface Asking {
  readonly until: number;
  readonly done: boolean;
}

/** Allow-Events: it is the user that is unknown here, not the package (RFC 6665 §8.2.2). */
const UNKNOWN_USER: SubscribeVerdict = {
  kind: "refuse",
  status: 404,
  headers: [["Allow-Events", OWN_PACKAGE]],
};

export class ReregistrationNotifier {
  readonly #options: AskerOptions;
  readonly #agent: NotifierAgent;
  readonly #asking = new Map<string, Asking>();
  /** Askings that an S-CSCF refused for now, by its subscription. */
  readonly #resending: Resending;

  constructor(options: AskerOptions) {
    const { clock, random, send } = options;
    this.#options = options;
    this.#resending = new Resending(clock);
    this.#agent = createNotifierAgent({
      clock,
      random,
      send,
      packages: new Map([[OWN_PACKAGE, REGINFO_TYPE]]),
      contact: "", // each verdict names the binding's
      decide: (request, existing) => this.#decide(request, existing),
      render: (subscription, rendering) => this.#render(subscription, rendering),
      onEnded: ({ subject }, end) =>
        options.log.info("asker.subscription-over", { subject, ...end }),
      ...(options.durable !== undefined && { save: options.durable.save }),
    });
  }

  /** Live subscriptions of S-CSCFs. */
  get size(): number {
    return this.#agent.size;
  }

  /** A SUBSCRIBE to this node itself, from a trusted peer. */
  handle(incoming: Incoming): void {
    const { request } = incoming;
    const leaving = request.get(Expires) === 0 ? this.#leaving(request) : undefined;
    this.#agent.handle(incoming);
    // docs/events.md: an un-SUBSCRIBE, and an initial SUBSCRIBE with Expires 0, say "binding gone".
    if (leaving !== undefined) this.#options.table.end(leaving, "core");
  }

  /** Figure 5, message 1, for every device of the user. @param aor canonical, see `aorOf` */
  ask(aor: string): Asked {
    const { table } = this.#options;
    const bindings = table.ofImpu(aor);
    if (bindings.length === 0) return { kind: "not-registered" };
    const asked = bindings.filter(({ token }) => this.#agent.ofSubject(token).length > 0);
    for (const binding of asked) this.#start(binding);
    return asked.length > 0
      ? { kind: "asked", bindings: asked }
      : { kind: "not-subscribed", bindings };
  }

  /** The same for one device. False: the S-CSCF has not subscribed here for it. */
  askFor(binding: Binding): boolean {
    if (this.#agent.ofSubject(binding.token).length === 0) return false;
    this.#start(binding);
    return true;
  }

  /** The UE has answered a challenge: whatever was asked is done. True when there was something. */
  authenticated({ token }: Binding): boolean {
    const asking = this.#asking.get(token);
    if (asking === undefined || asking.done) return false;
    this.#keep(token, { ...asking, done: true });
    return true;
  }

  /** NOTIFY about a binding as it stands. */
  tell({ token }: Binding): void {
    for (const { id } of this.#agent.ofSubject(token)) this.#agent.notify(id);
  }

  /** When the S-CSCF's subscription for this binding ends; undefined without one. */
  subscribedUntil(token: string): number | undefined {
    const [first] = this.#agent.ofSubject(token);
    return first !== undefined && "expiresAt" in first.state ? first.state.expiresAt : undefined;
  }

  /** The binding's context goes: so do the subscriptions to it (RFC 6665 §4.2.2). */
  forget(token: string): void {
    this.#keep(token, undefined);
    for (const { id } of this.#agent.ofSubject(token)) this.#agent.terminate(id, "noresource");
  }

  /** What was there when the process before ended; true when a NOTIFY of it was under way or due, see `tellOf`. */
  restore(subscription: NotifierSubscription, text?: string): boolean {
    return this.#agent.restore(subscription, text);
  }

  restoreAsking(token: string, asking: Asking): void {
    this.#asking.set(token, asking);
  }

  /** After a restart: the NOTIFY that nobody has answered, again; with what is still asked for. */
  tellOf(id: string): void {
    const token = this.#agent.get(id)?.subject;
    if (token !== undefined && this.#isAsking(token)) this.#askAt(id, token);
    else this.#agent.notify(id);
  }

  close(): void {
    this.#resending.close();
    this.#agent.close();
  }

  #keep(token: string, asking: Asking | undefined): void {
    const isNews = asking !== undefined || this.#asking.has(token);
    if (asking === undefined) this.#asking.delete(token);
    else this.#asking.set(token, asking);
    if (isNews) this.#options.durable?.onAsking(token, asking);
  }

  #start(binding: Binding): void {
    const { clock, deadlineSeconds } = this.#options;
    const until = clock.now() + deadlineSeconds * 1000;
    this.#keep(binding.token, { until, done: false });
    for (const { id } of this.#agent.ofSubject(binding.token)) this.#askAt(id, binding.token);
  }

  /** A busy S-CSCF (503 and the like) is asked again, as long as the UE has not authenticated by itself. */
  #askAt(id: string, token: string): void {
    const onOutcome = (outcome: NotifyOutcome): void => {
      const isHeard = outcome.kind === "acknowledged" || this.#agent.get(id) === undefined;
      if (isHeard || !this.#isAsking(token)) this.#resending.forget(id);
      else this.#resending.failed(id, outcome, () => this.#askAt(id, token));
    };
    if (!this.#isAsking(token) || !this.#agent.notify(id, { onOutcome }))
      this.#resending.forget(id);
  }

  #isAsking(token: string): boolean {
    const asking = this.#asking.get(token);
    return asking !== undefined && !asking.done && asking.until > this.#options.clock.now();
  }

  #decide(request: SipRequest, existing: NotifierSubscription | undefined): SubscribeVerdict {
    const { clock, raise, table } = this.#options;
    const asked = request.get(Expires);
    const binding = existing === undefined ? this.#named(request) : table.find(existing.subject);
    if (binding === undefined) return existing ? { kind: "refuse", status: 481 } : UNKNOWN_USER;
    const left = Math.max(0, Math.ceil((endOf(binding) - clock.now()) / 1000));
    const grant = grantExpires(asked, {
      default: DEFAULT_EXPIRES[OWN_PACKAGE],
      min: 0,
      max: UNLIMITED_EXPIRES,
      ...(raise && { raiseTo: left }),
    });
    const expires = grant.kind === "granted" ? grant.expires : 0;
    // Who renews it means the binding as it is; who ends it, the one that he had known.
    const memo = existing !== undefined && asked === 0 ? existing.memo : lifeOf(binding);
    const contact = this.#options.contactOf(binding);
    return { kind: "grant", expires, subject: binding.token, memo, contact };
  }

  /** Our Path URI, and in To an identity of that very binding. */
  #named(request: SipRequest): Binding | undefined {
    const uri = request.requestUri;
    const binding = isSip(uri) ? this.#options.table.registered(uri.user ?? "") : undefined;
    if (binding === undefined) return undefined;
    const to = aorOf(request.to.uri);
    const isNamed = binding.impus.some((impu) => {
      const own = parseUri(impu);
      return own !== undefined && aorOf(own) === to;
    });
    return isNamed ? binding : undefined;
  }

  /** The binding this Expires 0 ends; one that has registered anew meanwhile is another. */
  #leaving(request: SipRequest): string | undefined {
    if (!request.to.params.has("tag")) return this.#named(request)?.token;
    if (!this.#agent.owns(request)) return undefined;
    const existing = this.#agent.get(request.to.params.get("tag") ?? "");
    const binding = existing && this.#options.table.registered(existing.subject);
    return binding !== undefined && lifeOf(binding) === existing?.memo ? binding.token : undefined;
  }

  #render({ subject }: NotifierSubscription, rendering: Rendering): NotifyBody {
    const { table, tokens, clock, deadlineSeconds } = this.#options;
    const binding = table.find(subject);
    const now = clock.now();
    const reregistration = {
      active: table.registered(subject) !== undefined,
      asking: this.#isAsking(subject),
      refreshed: this.#asking.get(subject)?.done === true,
    };
    const contactIdOf = (contact: string): string => `c${tokens.ofBinding(subject, contact)}`;
    const body =
      binding &&
      reregistrationDocument({
        binding,
        reregistration,
        rendering,
        contactIdOf,
        now,
        deadlineSeconds,
      });
    return { contentType: REGINFO_TYPE, body: Buffer.from(body ?? "", "utf8") };
  }
}
