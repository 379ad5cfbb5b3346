// The S-CSCF's own subscriptions at P-CSCFs: Figures 4 and 5 of seed/S3z010092. RFC 6665 §4.1.
import { OWN_PACKAGE, REGINFO_TYPE, UNLIMITED_EXPIRES } from "@ims-lab/common/ims/events";
import type { ReginfoContact, ReginfoReader } from "@ims-lab/common/ims/reginfo";
import { isSameContact } from "@ims-lab/common/ims/registered-contacts";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { IncomingRequest } from "@ims-lab/common/sip/event/sender";
import type { Ending } from "@ims-lab/common/sip/event/subscriber-state";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { parseUri } from "@ims-lab/common/sip/message/uri";
import type { SubscriberAgent, Subscription } from "@ims-lab/common/sip/subscriber-agent";
import type { Binding } from "../registrar/binding.ts";

export interface PcscfSubscriptionsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly reginfo: ReginfoReader;
  readonly agent: SubscriberAgent;
  /** SIP URI of this S-CSCF as a peer knows it: From, Contact and P-Asserted-Identity. */
  ownUri(peer: string): string;
  readonly life: "registration" | "unlimited";
  /** One line per P-CSCF and period. */
  maySay(pcscf: string): boolean;
  /** The default IMPU of a set. */
  defaultImpu(set: string): string;
  bindingsOf(set: string): readonly Binding[];
  /** The P-CSCF asks for this binding (Figure 5). */
  onAsked(token: string): void;
}

interface Kept {
  readonly subscription: Subscription;
  /** Contact id, Call-ID and CSeq of the last asking: a repeated document asks nothing new. */
  asked: string;
}

/** Seconds by which a subscription outlives its binding: the binding's end comes first. */
const MARGIN_SECONDS = 60;

export class PcscfSubscriptions {
  readonly #options: PcscfSubscriptionsOptions;
  /** One per user and Path: the Contacts of one REGISTER share theirs. */
  readonly #byPath = new Map<string, Kept>();

  constructor(options: PcscfSubscriptionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byPath.size;
  }

  /** Figure 4, messages 13 and 14; one per Path. Devices without P-CSCF have none. */
  subscribe(binding: Binding): void {
    const key = pathKey(binding);
    if (binding.address.path.length === 0 || this.#byPath.has(key)) return;
    const subscription = this.#send(binding, this.#expiresFor(binding), {
      judge: (notify) => this.#options.reginfo.judge(notify),
      onNotify: (notify) => this.#notified(binding, notify),
      refreshAfter: () => undefined,
      onEnded: (ending) => {
        this.#byPath.delete(key);
        this.#sayOver(binding, ending);
      },
    });
    if (subscription !== undefined) this.#byPath.set(key, { subscription, asked: "" });
  }

  /** The dashed messages 19 and 20, after each re-registration; another Path needs another one. */
  renew(binding: Binding, before: Binding): void {
    const [key, former] = [pathKey(binding), pathKey(before)];
    const kept = this.#byPath.get(key);
    if (key !== former && !this.#isInUse(before)) this.#leave(before);
    if (kept === undefined) this.subscribe(binding);
    else if (key === former && this.#options.life === "registration") {
      kept.subscription.refresh(this.#expiresFor(binding));
    }
  }

  /**
   * "Binding gone": the subscription ends, and where there never was one a SUBSCRIBE with Expires 0
   * says so, unless the P-CSCF knows by other means or has another Contact behind this Path.
   */
  end(binding: Binding, isKnown: boolean): void {
    if (this.#isInUse(binding) || this.#leave(binding) || isKnown) return;
    if (binding.address.path.length > 0) this.#send(binding, 0, { onNotify: () => undefined });
  }

  #isInUse(gone: Binding): boolean {
    return this.#behind(gone).some(({ token }) => token !== gone.token);
  }

  /** The bindings behind the Path of this one. */
  #behind(binding: Binding): readonly Binding[] {
    const key = pathKey(binding);
    return this.#options.bindingsOf(binding.set).filter((one) => pathKey(one) === key);
  }

  /** False: there was no subscription to end. */
  #leave(binding: Binding): boolean {
    const key = pathKey(binding);
    const kept = this.#byPath.get(key);
    this.#byPath.delete(key);
    kept?.subscription.unsubscribe();
    return kept !== undefined;
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
    this.#byPath.clear();
  }

  #send(
    binding: Binding,
    expires: number,
    handlers: Parameters<SubscriberAgent["subscribe"]>[1],
  ): Subscription | undefined {
    const { agent, defaultImpu } = this.#options;
    const path = binding.address.path.map(uriOf);
    const target = path.at(-1);
    if (target === undefined) return undefined;
    const route = binding.address.path.slice(0, -1);
    const ownUri = this.#options.ownUri(path[0] ?? target);
    return agent.subscribe(
      {
        target,
        from: ownUri,
        to: defaultImpu(binding.set),
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

  #notified(binding: Binding, notify: SipRequest): void {
    const kept = this.#byPath.get(pathKey(binding));
    const reginfo = this.#options.reginfo.documentIn(notify);
    if (kept === undefined || reginfo === undefined) return;
    const contacts = reginfo.registrations.flatMap((one) => one.contacts);
    const asking = contacts.filter(
      ({ event, state }) => event === "shortened" && state === "active",
    );
    const asked = asking.map(keyOf).join();
    if (asking.length === 0 || asked === kept.asked) return;
    kept.asked = asked;
    const behind = this.#behind(binding);
    for (const { token, address } of behind) {
      const isNamed = asking.some(({ uri }) => isContact(address.contact, uri));
      if (isNamed || behind.length === 1) this.#options.onAsked(token);
    }
  }

  /** A foreign P-CSCF that knows no such thing: said once, life goes on without Figure 5. */
  #sayOver({ impi, address }: Binding, { why }: Ending): void {
    if (why.kind === "left") return;
    const pcscf = (address.path.at(-1) ?? "").replace(/^.*@/, "").replace(/[;>].*$/, "");
    const { log, maySay } = this.#options;
    if (maySay(pcscf)) log.info("pcscf.subscription-over", { pcscf, impi, why: said(why) });
  }
}

function said(why: Ending["why"]): string {
  switch (why.kind) {
    case "refused":
      return `SUBSCRIBE answered ${why.status}`;
    case "terminated":
      return `terminated by the P-CSCF: ${why.reason ?? "no reason given"}`;
    case "no-notify":
      return "no NOTIFY after SUBSCRIBE";
    case "unreachable":
      return `SUBSCRIBE not answered: ${why.failure}`;
    case "expired":
    case "left":
      return why.kind;
  }
}

/** A Path value is a name-addr; the URI in it is used unchanged. */
function uriOf(value: string): string {
  return parseNameAddr(value)?.uriText ?? value;
}

function pathKey({ impi, address }: Binding): string {
  return `${impi} ${address.path.join()}`;
}

function isContact(contact: string, listed: string): boolean {
  const uri = parseUri(listed);
  return uri !== undefined && isSameContact(contact, listed, uri);
}

function keyOf({ id, callId = "", cseq = 0 }: ReginfoContact): string {
  return `${id} ${callId} ${cseq}`;
}
