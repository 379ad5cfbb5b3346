// A device that does what a scenario tells it: registers, subscribes, then misbehaves. TS 24.229 §5.1 by hand.
import { OWN_PACKAGE, REGINFO_TYPE, type RegistrationPackage } from "@ims-lab/common/ims/events";
import { parseReginfo, type ReginfoContact } from "@ims-lab/common/ims/reginfo";
import { newSqnWindow } from "@ims-lab/common/ims/sqn";
import { type Dialog, dialogAsUac, nextRequest } from "@ims-lab/common/sip/dialog/dialog";
import { SubscriptionState, WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import type { HostPort, TransportName } from "@ims-lab/common/sip/transport/transport";
import {
  answerAgain,
  answerChallenge,
  initialAuthorization,
  type Secret,
  type Session,
} from "../../../ue/src/isim/answer.ts";
import { Isim, type IsimFaults } from "../../../ue/src/isim/isim.ts";
import { memorySqnStore } from "../../../ue/src/isim/sqn-store.ts";
import { ACCESS, DOMAIN, type Headers, impuOf, type Lab, type Peer } from "./lab.ts";
import { K, OPC } from "./nodes.ts";

export interface DeviceOptions {
  readonly at?: HostPort;
  readonly transport?: TransportName;
  /** `+sip.instance` of the Contact. */
  readonly instance?: string;
}

export interface RegisterOptions {
  readonly expires?: number;
  /** Replaces the Contact header value; undefined: the device's own. */
  readonly contact?: string;
  readonly headers?: Headers;
  /** The Authorization value of the first request; absent: empty credentials that name the IMPI. */
  readonly authorization?: string;
  readonly to?: HostPort;
}

/** What is answered for. */
const REGISTER = { method: "REGISTER", uri: `sip:${DOMAIN}`, cnonce: "c0ffee" };
/** Seconds that any exchange takes at most on the lab's network. */
const A_MOMENT = 0.02;

export class ScriptedUe {
  readonly user: string;
  readonly impu: string;
  readonly impi: string;
  readonly peer: Peer;
  /** Header value. */
  contact: string;
  callId: string;
  cseq = 0;
  serviceRoute: readonly string[] = [];
  /** The Authorization value that answered the last 401. */
  lastAnswer = "";
  /** What the card does wrong from now on. */
  faults: IsimFaults = {};
  readonly #lab: Lab;
  readonly #secret: Secret;
  readonly #dialogs = new Map<string, Dialog>();
  readonly #told = new Set<string>();
  #session: Session | undefined;
  #subscribes = 0;

  private constructor(lab: Lab, user: string, peer: Peer, options: DeviceOptions) {
    const { host, port } = peer.at;
    const { transport = "udp", instance } = options;
    const tcp = transport === "tcp" ? ";transport=tcp" : "";
    this.#lab = lab;
    this.user = user;
    this.impu = impuOf(user);
    this.impi = `${user}@${DOMAIN}`;
    this.peer = peer;
    this.contact = `<sip:${user}@${host}:${port}${tcp}>${
      instance === undefined ? "" : `;+sip.instance="<${instance}>"`
    }`;
    this.callId = `reg-${user}-${host}`;
    this.#secret = secretOf(user, this.impi);
  }

  static async start(lab: Lab, user: string, options: DeviceOptions = {}): Promise<ScriptedUe> {
    return new ScriptedUe(lab, user, await lab.peer({ ...options, as: "UE" }), options);
  }

  /** Registered and subscribed, its first NOTIFY read. */
  static async subscribed(
    lab: Lab,
    user: string,
    options: DeviceOptions & { readonly event?: RegistrationPackage } = {},
  ): Promise<ScriptedUe> {
    const ue = await ScriptedUe.start(lab, user, options);
    ue.register();
    ue.subscribe(options.event ?? OWN_PACKAGE);
    lab.pass(1);
    ue.news();
    return ue;
  }

  get contactUri(): string {
    return /<([^>]*)>/.exec(this.contact)?.[1] ?? "";
  }

  /** One REGISTER; what comes back, a 401 too. */
  ask(options: RegisterOptions = {}): SipResponse {
    const { expires = 600_000, contact = this.contact, headers = [], to = ACCESS } = options;
    const empty = initialAuthorization(this.impi, DOMAIN, `sip:${DOMAIN}`);
    const given = new Set(headers.map(([name]) => name));
    const usual: Headers = [
      ["Call-ID", this.callId],
      ["CSeq", `${++this.cseq} REGISTER`],
      ["Contact", contact],
      ["Expires", String(expires)],
      ["Supported", "path"],
      ["Authorization", options.authorization ?? empty],
    ];
    const kept = usual.filter(([name, value]) => !given.has(name) && value !== "");
    const request = this.peer.request("REGISTER", `sip:${DOMAIN}`, this.impu, [
      ...kept,
      ...headers,
    ]);
    const response = this.#lab.exchange(this.peer, request, to, A_MOMENT);
    if (response.status === 200) this.serviceRoute = response.texts("Service-Route");
    return response;
  }

  /** The Authorization value that this device has for a 401. */
  answerTo(challenged: SipResponse, secret: Secret = this.#secret): string {
    const made = answerChallenge(secret, challenged.all(WwwAuthenticate), REGISTER, this.faults);
    if (made.kind === "no-usable-challenge") throw new Error(made.why);
    if (made.kind === "answered") this.#session = made.session;
    return made.authorization;
  }

  /** Uses the last challenge on, unasked, with the next nc (RFC 7616 §3.6). */
  preemptive(): string {
    if (this.#session === undefined) throw new Error("no challenge yet");
    const made = answerAgain(this.impi, this.#session, REGISTER);
    this.#session = made.session;
    return made.authorization;
  }

  /** The whole exchange: asks, answers one 401. */
  register(options: RegisterOptions = {}): SipResponse {
    const first = this.ask(options);
    if (first.status !== 401) return first;
    this.lastAnswer = this.answerTo(first);
    return this.ask({ ...options, authorization: this.lastAnswer });
  }

  /** Initial, or in the dialog that stands. */
  subscribe(event: RegistrationPackage = OWN_PACKAGE, expires = 600_000): SipResponse {
    const headers: Headers = [
      ["Contact", `<${this.contactUri}>`],
      ["Event", event],
      ["Expires", String(expires)],
      ["Accept", REGINFO_TYPE],
    ];
    const response = this.#exchangeSubscribe(event, headers);
    if (response.status >= 300 || expires === 0) this.#dialogs.delete(event);
    return response;
  }

  #exchangeSubscribe(event: string, headers: Headers): SipResponse {
    const dialog = this.#dialogs.get(event);
    if (dialog !== undefined) {
      const next = nextRequest(dialog, "SUBSCRIBE", headers);
      this.#dialogs.set(event, next.dialog);
      next.request.push("Via", this.peer.request("SUBSCRIBE", "sip:x", "sip:x").text("Via") ?? "");
      return this.#lab.exchange(this.peer, next.request, ACCESS, A_MOMENT);
    }
    const request = this.request("SUBSCRIBE", this.impu, [
      ["Call-ID", `sub-${++this.#subscribes}-${this.callId}`],
      ...headers,
    ]);
    const response = this.#lab.exchange(this.peer, request, ACCESS, A_MOMENT);
    const made = response.status === 200 ? dialogAsUac(request, response) : undefined;
    if (made !== undefined) this.#dialogs.set(event, made);
    return response;
  }

  /** Out of any dialog, over the stored Service-Route. */
  request(method: string, uri: string, headers: Headers = []): SipRequest {
    const route: Headers =
      this.serviceRoute.length === 0 ? [] : [["Route", this.serviceRoute.join(", ")]];
    return this.peer.request(method, uri, this.impu, [...route, ...headers]);
  }

  /** The status of a MESSAGE to oneself: 403 for who is registered no more. */
  message(): number {
    return this.#lab.exchange(this.peer, this.request("MESSAGE", this.impu), ACCESS, A_MOMENT)
      .status;
  }

  /** What every NOTIFY since the last call said about this device's own contact. */
  news(): readonly News[] {
    return this.peer.requests
      .filter(({ method }) => method === "NOTIFY")
      .filter((notify) => this.#isNew(notify))
      .map((notify) => newsIn(notify, this.contactUri));
  }

  #isNew(notify: SipRequest): boolean {
    const key = `${notify.callId} ${notify.cseq.number}`;
    const isNew = !this.#told.has(key);
    this.#told.add(key);
    return isNew;
  }
}

export interface News {
  /** Value and reason of Subscription-State: `active`, `terminated noresource`. */
  readonly state: string;
  /** Event of the own contact; undefined when it is not mentioned. */
  readonly event: ReginfoContact["event"] | undefined;
  readonly contact: ReginfoContact | undefined;
  /** Events of all contacts of the first registration, by URI. */
  readonly contacts: ReadonlyMap<string, ReginfoContact["event"]>;
  readonly registration: string | undefined;
  readonly notify: SipRequest;
}

export function newsIn(notify: SipRequest, contactUri: string): News {
  const said = notify.get(SubscriptionState);
  const read = parseReginfo(notify.body, 16);
  if ("problem" in read) throw new Error(read.problem);
  const [registration] = read.reginfo.registrations;
  const contacts = registration?.contacts ?? [];
  const contact = contacts.find(({ uri }) => uri === contactUri);
  const reason = said?.params.get("reason");
  return {
    state: `${said?.value ?? ""}${reason === undefined ? "" : ` ${reason}`}`,
    event: contact?.event,
    contact,
    contacts: new Map(contacts.map(({ uri, event }) => [uri, event])),
    registration: registration?.state,
    notify,
  };
}

export function secretOf(user: string, impi: string): Secret {
  if (user !== "alice") return { scheme: "digest", impi, password: Buffer.from("pw") };
  const isim = new Isim(
    Buffer.from(K, "hex"),
    Buffer.from(OPC, "hex"),
    memorySqnStore(newSqnWindow(0)),
  );
  return { scheme: "aka", impi, isim };
}
