// A device of a simulation that does what its habits say: several Contacts, wrong answers, silence, triggers ignored.
import { OWN_PACKAGE, REG_PACKAGE } from "@ims-lab/common/ims/events";
import type { Timer } from "@ims-lab/common/platform/clock";
import { type Dialog, dialogAsUac, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import {
  Contact,
  Expires,
  SubscriptionState,
  WwwAuthenticate,
} from "@ims-lab/common/sip/message/fields";
import {
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { memoryTransport } from "@ims-lab/common/sip/transport/memory";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { answerChallenge, type Secret } from "../../../ue/src/isim/answer.ts";
import { CoreStack } from "../../../ue/src/stack/core.ts";
import type { Device } from "./device.ts";
import { GOOD_HABITS, type Habits } from "./habits.ts";
import type { Life } from "./life.ts";
import type { DeviceParts } from "./own-device.ts";
import {
  type Headers,
  REGISTER,
  registerOf,
  secretOf,
  standaloneRequest,
  subscribeHeaders,
} from "./scripted-requests.ts";

/** How late a late one obeys, and how often one asks that never answers. */
const LATE_MS = 25_000;
const ASKS = 4;
const ASK_AGAIN_MS = 15_000;

export class ScriptedDevice implements Device {
  readonly isOwn = false;
  readonly #parts: DeviceParts;
  #habits: Habits;
  #secret: Secret;
  #host: string;
  #life: Life | undefined;
  #stack: CoreStack | undefined;
  #callId = "";
  #cseq = 0;
  #answers = 0;
  #isPending = false;
  #serviceRoute: readonly string[] = [];
  #dialog: Dialog | undefined;
  #registeredUntil = 0;
  #subscribedUntil = 0;
  #refresh: Timer | undefined;

  constructor(parts: DeviceParts, habits: Habits) {
    this.#parts = parts;
    this.#habits = habits;
    this.#host = parts.newHost();
    this.#secret = secretOf(parts);
  }

  get user(): number {
    return this.#parts.plan.user;
  }

  get isOn(): boolean {
    return this.#life?.isAlive === true;
  }

  async start(): Promise<void> {
    const { index, log } = this.#parts;
    const life = this.#parts.newLife();
    const world = this.#parts.worldOf(life);
    const seed = this.#parts.nextSeed();
    this.#life = life;
    this.#callId = `reg-${index}-${seed}`;
    this.#cseq = 0;
    this.#dialog = undefined;
    this.#isPending = false;
    this.#registeredUntil = 0;
    this.#subscribedUntil = 0;
    this.#stack = new CoreStack({
      name: "ue",
      clock: life,
      random: seededRandom(seed),
      log,
      transport: memoryTransport(life, { host: this.#host, port: 5060 }, "udp"),
      interceptors: world.interceptorsOf("UE"),
    });
    await this.#stack.listen((incoming) => this.#take(incoming));
  }

  register(): void {
    // TS 24.229 §5.1.1.2: none while one is under way.
    if (!this.#isPending) this.#sendRegister(this.#parts.plan.expiresSeconds);
  }

  deregister(): void {
    this.#sendRegister(0);
  }

  message(): void {
    if (this.isOn) this.#send(this.#request("MESSAGE", []));
  }

  call(): void {
    this.message(); // it cannot call
  }

  async reboot(): Promise<void> {
    this.switchOff();
    await this.start();
    this.register();
  }

  async move(): Promise<void> {
    this.#host = this.#parts.newHost();
    await this.reboot();
  }

  switchOff(): void {
    this.#life?.end();
  }

  behave(): void {
    this.#habits = { ...GOOD_HABITS, instance: this.#habits.instance };
    this.#subscribedUntil = 0;
  }

  get isRegistered(): boolean {
    return this.#registeredUntil > (this.#life?.now() ?? 0);
  }

  get wantsSubscription(): boolean {
    return this.#habits.subscribes !== "no";
  }

  get isSubscribed(): boolean {
    return !this.wantsSubscription || this.#subscribedUntil > (this.#life?.now() ?? 0);
  }

  get contacts(): readonly string[] {
    const { name } = this.#parts.user;
    return Array.from(
      { length: this.#habits.contacts },
      (_, at) => `sip:${name}${at === 0 ? "" : `-${at}`}@${this.#host}:5060`,
    );
  }

  get says(): string {
    return `${this.isRegistered ? "registered" : "not registered"}, scripted`;
  }

  #sendRegister(expires: number, authorization?: string): void {
    if (!this.isOn) return;
    const request = registerOf(this.#parts, {
      callId: this.#callId,
      cseq: ++this.#cseq,
      expires,
      contacts: this.contacts,
      hasInstance: this.#habits.instance && this.#habits.contacts === 1,
      authorization,
    });
    if (authorization === undefined) this.#answers = 0;
    this.#isPending = true;
    this.#send(
      request,
      (response) => {
        this.#isPending = false;
        this.#registerAnswered(response, expires);
      },
      () => {
        this.#isPending = false;
      },
    );
  }

  #registerAnswered(response: SipResponse, expires: number): void {
    if (response.status === 401) this.#challenged(response, expires);
    else if (response.status === 200 && expires === 0) this.#registeredUntil = 0;
    else if (response.status === 200) this.#registered(response);
  }

  #challenged(response: SipResponse, expires: number): void {
    const { answers } = this.#habits;
    if (answers === "never" || this.#answers >= 3) return;
    const wrongRes = answers === "wrong" || (answers === "second-right" && this.#answers === 0);
    this.#answers++;
    const made = answerChallenge(this.#secret, response.all(WwwAuthenticate), REGISTER, {
      wrongRes,
    });
    if (made.kind !== "no-usable-challenge") this.#sendRegister(expires, made.authorization);
  }

  #registered(response: SipResponse): void {
    const now = this.#life?.now() ?? 0;
    const listed = response.all(Contact);
    const seconds = listed.flatMap((one) =>
      one !== "*" && this.contacts.includes(one.uriText)
        ? Number(one.params.get("expires") ?? 0)
        : [],
    );
    const least = Math.min(...seconds);
    if (!Number.isFinite(least)) return;
    this.#registeredUntil = now + least * 1000;
    this.#serviceRoute = response.texts("Service-Route");
    this.#refresh?.cancel();
    if (this.#habits.refreshes)
      this.#refresh = this.#life?.after(least * 600, () => this.register());
    const isCovered = this.#subscribedUntil + 1000 >= this.#registeredUntil;
    if (this.#habits.subscribes !== "no" && !isCovered) this.#subscribe();
  }

  #subscribe(): void {
    const event = this.#habits.subscribes === "reg" ? REG_PACKAGE : OWN_PACKAGE;
    const request = this.#request("SUBSCRIBE", subscribeHeaders(this.contacts[0] ?? "", event));
    this.#send(request, (response) => {
      const dialog = response.status === 200 ? dialogAsUac(request, response) : undefined;
      if (dialog === undefined) return;
      this.#dialog = dialog;
      const seconds = Math.min(response.get(Expires) ?? 0, 3600);
      this.#subscribedUntil = (this.#life?.now() ?? 0) + seconds * 1000;
    });
  }

  #request(method: string, headers: Headers): SipRequest {
    const from = {
      callId: this.#callId,
      number: ++this.#cseq,
      serviceRoute: this.#serviceRoute,
    };
    return standaloneRequest(method, this.#parts, from, headers);
  }

  #send(
    request: SipRequest,
    then: (response: SipResponse) => void = () => undefined,
    onFailure: () => void = () => undefined,
  ): void {
    const proxy = this.#parts.proxy;
    this.#stack?.request(request, proxy, {
      onResponse: (response) => {
        if (response.status >= 200) then(response);
      },
      onFailure,
    });
  }

  #take(incoming: Incoming): void {
    const { request } = incoming;
    if (request.method !== "NOTIFY") {
      incoming.respond(newResponse(request, request.method === "MESSAGE" ? 200 : 486));
      return;
    }
    const status = this.#habits.notifyStatus;
    if (status !== 0) incoming.respond(newResponse(request, status));
    const isOver = request.get(SubscriptionState)?.value === "terminated";
    if (request.callId === this.#dialog?.callId && (isOver || status === 481)) {
      this.#subscribedUntil = 0;
      if (status === 200 && this.isRegistered && this.wantsSubscription) this.#subscribe();
    }
    if (status === 200 && request.body.includes('event="shortened"')) this.#obey();
  }

  #obey(): void {
    switch (this.#habits.obeys) {
      case "at-once":
        this.register();
        return;
      case "late":
        this.#life?.after(LATE_MS, () => this.register());
        return;
      case "asks-only":
        this.#askOnly(ASKS);
        return;
      case "never":
        return;
    }
  }

  /** Has itself challenged, and never answers. */
  #askOnly(left: number): void {
    if (left === 0) return;
    this.#habits = { ...this.#habits, answers: "never" };
    this.register();
    this.#life?.after(ASK_AGAIN_MS, () => this.#askOnly(left - 1));
  }

  err(): void {
    // Its habits are bad enough.
  }

  unsubscribe(): void {
    if (this.#dialog === undefined || !this.isOn) return;
    const next = nextRequest(this.#dialog, "SUBSCRIBE", [
      ["Contact", `<${this.contacts[0]}>`],
      ["Event", this.#habits.subscribes === "reg" ? REG_PACKAGE : OWN_PACKAGE],
      ["Expires", "0"],
    ]);
    this.#dialog = undefined;
    this.#subscribedUntil = 0;
    this.#send(next.request);
  }
}
