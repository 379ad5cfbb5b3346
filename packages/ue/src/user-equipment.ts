// One UE: stack, registration, subscription to it, calls and messages. TS 24.229 §5.1.1.
import { OWN_PACKAGE, REG_PACKAGE, type RegistrationPackage } from "@ims-lab/common/ims/events";
import type { ReginfoReader } from "@ims-lab/common/ims/reginfo";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import type { LocalAddress } from "@ims-lab/common/sip/endpoint/endpoint";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import {
  createSubscriberAgent,
  type SubscriberAgent,
} from "@ims-lab/common/sip/event/subscriber-agent";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import type { TransactionList } from "@ims-lab/common/sip/transaction/view";
import { CALL_DEFAULTS, type CallSettings, Calls } from "./call/calls.ts";
import type { MediaSink } from "./call/media-sink.ts";
import { Messages } from "./call/messages.ts";
import type { FaultyUe, UeFaults } from "./faults/ue-faults.ts";
import { IncomingRequests } from "./incoming-requests.ts";
import { RegistrationCheck } from "./registration/check.ts";
import type { Credentials } from "./registration/credentials.ts";
import { Registration } from "./registration/registration.ts";
import type { Granted } from "./registration/state.ts";
import type { Stack } from "./stack/stack.ts";
import { RegistrationSubscription } from "./subscription/subscription.ts";
import { contactUri, proxyRoute, type TransportAddress } from "./user-agent/addresses.ts";
import type { Identity } from "./user-agent/identity.ts";
import type { UserAgent } from "./user-agent/user-agent.ts";
import { type UeView, viewOf } from "./view.ts";

/** Who a UE is and how it proves it. */
export interface User {
  readonly impi: string;
  readonly impu: string;
  readonly domain: string;
  /** URN of its device (RFC 5626 §4.1); absent: it names none. */
  readonly instance?: string;
  readonly credentials: Credentials;
  /** An ISIM, no password. */
  readonly hasIsim?: boolean;
}

/** What all UEs of a node have in common. */
export interface UeSettings {
  /** The P-CSCF, by which everything goes. */
  readonly proxy: TransportAddress;
  readonly expiresSeconds: number;
  /** Between two questions whether the registration still stands; absent or 0: never asked. */
  readonly checkSeconds?: number;
  readonly subscription: {
    readonly event: RegistrationPackage | "none";
    readonly expiresSeconds: number;
  };
  /** Timers T1 and T2, milliseconds. */
  readonly t1: number;
  readonly t2?: number;
  readonly calls?: CallSettings;
  /** What the Contact names instead of the listening address. */
  readonly advertised: { readonly host: string; readonly port: number | undefined } | undefined;
}

export interface UeParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly stack: Stack;
  readonly reginfo: ReginfoReader;
  /** Where calls have their audio sent; undefined: nowhere. */
  readonly media?: MediaSink | undefined;
  readonly user: User;
  readonly settings: UeSettings;
  /** To test networks with; absent: it has none. */
  readonly faults?: UeFaults | undefined;
}

export class UserEquipment implements FaultyUe {
  readonly #parts: UeParts;
  readonly #agent: SubscriberAgent;
  #identity: Identity;
  #registration: Registration | undefined;
  readonly #requests: IncomingRequests;
  #subscription: RegistrationSubscription | undefined;
  readonly #check: RegistrationCheck;
  /** It shall be registered. */
  #isWanted = false;
  readonly calls: Calls;
  readonly messages: Messages;

  constructor(bare: UeParts) {
    const parts = equipped(bare);
    const { clock, random, stack, user, settings } = parts;
    this.#parts = { ...parts, log: parts.log.child({ impi: user.impi, impu: user.impu }) };
    this.#identity = { ...user, contactUri: "", instance: user.instance };
    this.#agent = createSubscriberAgent({
      clock,
      random,
      send: this.#send,
      packages: [OWN_PACKAGE, REG_PACKAGE],
      timerN: 64 * settings.t1,
    });
    const userAgent = this.#userAgent();
    const { t1, t2 = 8 * t1, calls = CALL_DEFAULTS } = settings;
    this.calls = new Calls({ userAgent, settings: calls, t1, t2, media: parts.media });
    this.messages = new Messages(userAgent);
    this.#requests = new IncomingRequests({
      userAgent,
      proxy: settings.proxy,
      log: this.#parts.log,
      calls: this.calls,
      messages: this.messages,
      agent: this.#agent,
    });
    this.#check = new RegistrationCheck({
      clock,
      userAgent,
      seconds: settings.checkSeconds ?? 0,
      granted: () =>
        this.#registration?.isPending === true ? undefined : this.#registration?.granted,
      onLost: (why) => this.#registration?.apply({ kind: "lost", why }),
      onChange: ({ status, why }) => {
        if (why === null) this.#parts.log.info("registration.confirmed", { status });
        else this.#parts.log.warn("registration.unconfirmed", { status, why });
      },
    });
    stack.onFlowClosed(() => {
      this.#subscription?.onFlowLost();
      this.#registration?.apply({ kind: "flow-lost" });
    });
  }

  /** Binds the stack; sends nothing yet. Rejects with the system's error. */
  async listen(): Promise<void> {
    const { stack, user, settings } = this.#parts;
    await stack.listen((incoming) => this.#requests.handle(incoming));
    this.#identity = { ...this.#identity, contactUri: ownContactUri(user, stack, settings) };
    this.#begin();
  }

  #begin(): void {
    const { clock, random, user, settings } = this.#parts;
    const registration = new Registration({
      clock,
      random,
      identity: this.#identity,
      credentials: user.credentials,
      send: this.#send,
      expiresSeconds: settings.expiresSeconds,
      events: {
        onRegistered: (granted, first) => this.#onRegistered(granted, first),
        onEnded: (why) => this.#onEnded(why),
        onFailed: (why) => this.#parts.log.warn("registration.failed", { why }),
      },
    });
    this.#registration = registration;
    this.#subscription = this.#watch(registration);
  }

  register(): void {
    this.#isWanted = true;
    this.#registration?.apply({ kind: "register" });
  }

  /** TS 24.229 §5.1.1.6.1: its calls end before. */
  deregister(): void {
    this.#isWanted = false;
    this.calls.hangUpAll();
    this.#registration?.apply({ kind: "deregister" });
  }

  /** Forgets registration, subscription and calls without a word; what shall be registered registers anew. */
  reboot(): void {
    this.#check.stop();
    this.#registration?.close();
    this.#subscription?.close();
    this.calls.forget();
    this.#begin();
    if (this.#isWanted) this.register();
  }

  get impi(): string {
    return this.#identity.impi;
  }

  get hasIsim(): boolean {
    return this.#parts.user.hasIsim === true;
  }

  get move(): (() => Promise<void>) | undefined {
    return this.#parts.stack.move;
  }

  /** As the network writes it (P-Associated-URI): TS 24.229 §5.1.1.4, any of them may call. */
  associated(impu: string): string | undefined {
    const wanted = aorOfText(impu);
    const uris = this.#registration?.granted?.associatedUris ?? [];
    return wanted === undefined ? undefined : uris.find((uri) => aorOfText(uri) === wanted);
  }

  /** Where it listens; undefined before `listen`. */
  get address(): LocalAddress | undefined {
    return this.#parts.stack.local[0];
  }

  get transactionList(): TransactionList | undefined {
    return this.#parts.stack.transactionList;
  }

  /** Whether it is registered, if it shall be, and nothing says otherwise. */
  get isReady(): boolean {
    if (!this.#isWanted) return true;
    return this.#registration?.granted !== undefined && (this.#check.last?.why ?? null) === null;
  }

  get view(): UeView {
    return viewOf({
      identity: this.#identity,
      state: this.#registration?.state,
      check: this.#check.last,
      subscription: this.#subscription,
      calls: this.calls.view,
      messages: this.messages.view,
    });
  }

  async close(): Promise<void> {
    this.#check.stop();
    this.#registration?.close();
    this.#subscription?.close();
    this.#agent.close();
    this.calls.close();
    await this.#parts.media?.close();
    await this.#parts.stack.close();
  }

  get #proxyRoute(): string {
    const { user, settings } = this.#parts;
    return proxyRoute(user.impu, settings.proxy);
  }

  /** What calls and messages go out by. */
  #userAgent(): UserAgent {
    const { clock, random, stack, settings } = this.#parts;
    const ue = this;
    return {
      clock,
      random,
      get identity() {
        return ue.#identity;
      },
      route: () => [this.#proxyRoute, ...(this.#registration?.granted?.serviceRoute ?? [])],
      send: (request, handlers) => stack.request(request, settings.proxy, handlers),
      sendStateless: (request) => stack.sendStateless(request, settings.proxy),
    };
  }

  #watch(registration: Registration): RegistrationSubscription | undefined {
    const { clock, random, settings, log, reginfo } = this.#parts;
    const { event, expiresSeconds } = settings.subscription;
    if (event === "none") return undefined;
    return new RegistrationSubscription({
      clock,
      random,
      agent: this.#agent,
      reginfo,
      identity: this.#identity,
      package: event,
      expiresSeconds,
      proxyRoute: this.#proxyRoute,
      registration,
      onEnded: (why) => log.info("subscription.ended", { why }),
    });
  }

  readonly #send: SendRequest = (request, handlers) => {
    const { stack, settings } = this.#parts;
    const { proxy } = settings;
    stack.request(request, proxy, {
      onResponse: (response, flow) => {
        this.#requests.learn(flow);
        handlers.onResponse(response);
      },
      onFailure: (why) => handlers.onFailure(why),
    });
  };

  #onRegistered(granted: Granted, first: boolean): void {
    const { expiresAt, serviceRoute } = granted;
    this.#parts.log.info("registration.granted", { first, expiresAt, serviceRoute });
    this.#check.start();
    this.#subscription?.onRegistered(granted, first);
    const failed = (error: unknown): void => {
      this.#parts.log.warn("media.failed", { error: String(error) });
    };
    this.#parts.media?.open().catch(failed);
  }

  #onEnded(why: string): void {
    this.#parts.log.info("registration.ended", { why });
    this.#check.stop();
    this.calls.hangUpAll(); // TS 24.229 §5.1.1.7
    this.#subscription?.onDeregistered();
  }
}

function equipped(parts: UeParts): UeParts {
  const { faults, user, stack } = parts;
  if (faults === undefined) return parts;
  const { stack: faulty, credentials } = faults.equip(user.impi, stack, user.credentials);
  return { ...parts, stack: faulty, user: { ...user, credentials } };
}

function aorOfText(text: string): string | undefined {
  const uri = parseUri(text);
  return uri && aorOf(uri);
}

function ownContactUri({ impi, impu }: User, stack: Stack, settings: UeSettings): string {
  const [local] = stack.local;
  const { advertised, proxy } = settings;
  const [name = ""] = impi.split("@");
  const host = advertised?.host ?? local?.host ?? "127.0.0.1";
  const port = advertised?.port ?? local?.port ?? 5060;
  return contactUri(impu, name, { host, port, transport: proxy.transport });
}
