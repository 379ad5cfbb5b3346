// The S-CSCF's own subscriptions at P-CSCFs: Figures 4 and 5 of seed/S3z010092. RFC 6665 §4.1.
import { OWN_PACKAGE, REGINFO_TYPE, UNLIMITED_EXPIRES } from "@ims-lab/common/ims/events";
import type { ReginfoContact, ReginfoReader } from "@ims-lab/common/ims/reginfo";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { IncomingRequest } from "@ims-lab/common/sip/event/sender";
import type { Ending } from "@ims-lab/common/sip/event/subscriber-state";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
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
  readonly #byToken = new Map<string, Kept>();

  constructor(options: PcscfSubscriptionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byToken.size;
  }

  /** Figure 4, messages 13 and 14; one per binding. Devices without P-CSCF have none. */
  subscribe(binding: Binding): void {
    if (binding.address.path.length === 0 || this.#byToken.has(binding.token)) return;
    const { token } = binding;
    const subscription = this.#send(binding, this.#expiresFor(binding), {
      judge: (notify) => this.#options.reginfo.judge(notify),
      onNotify: (notify) => this.#notified(token, notify),
      refreshAfter: () => undefined,
      onEnded: (ending) => {
        this.#byToken.delete(token);
        this.#sayOver(binding, ending);
      },
    });
    if (subscription !== undefined) this.#byToken.set(token, { subscription, asked: "" });
  }

  /** The dashed messages 19 and 20, after each re-registration; another Path needs another one. */
  renew(binding: Binding, before: Binding): void {
    const kept = this.#byToken.get(binding.token);
    const samePath = binding.address.path.join() === before.address.path.join();
    if (kept === undefined) this.subscribe(binding);
    else if (!samePath) {
      kept.subscription.unsubscribe();
      this.#byToken.delete(binding.token);
      this.subscribe(binding);
    } else if (this.#options.life === "registration") {
      kept.subscription.refresh(this.#expiresFor(binding));
    }
  }

  /**
   * "Binding gone": the subscription ends, and where there never was one a SUBSCRIBE with Expires 0
   * says so (design §3), unless the P-CSCF knows by other means.
   */
  end(binding: Binding, isKnown: boolean): void {
    const kept = this.#byToken.get(binding.token);
    this.#byToken.delete(binding.token);
    if (kept !== undefined) kept.subscription.unsubscribe();
    else if (!isKnown && binding.address.path.length > 0) {
      this.#send(binding, 0, { onNotify: () => undefined });
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
    this.#byToken.clear();
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

  #notified(token: string, notify: SipRequest): void {
    const kept = this.#byToken.get(token);
    const reginfo = this.#options.reginfo.documentIn(notify);
    if (kept === undefined || reginfo === undefined) return;
    const contacts = reginfo.registrations.flatMap((one) => one.contacts);
    const asking = contacts.find(({ event, state }) => event === "shortened" && state === "active");
    if (asking === undefined || keyOf(asking) === kept.asked) return;
    kept.asked = keyOf(asking);
    this.#options.onAsked(token);
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
  return /<([^<>]*)>/.exec(value)?.[1] ?? value;
}

function keyOf({ id, callId = "", cseq = 0 }: ReginfoContact): string {
  return `${id} ${callId} ${cseq}`;
}
