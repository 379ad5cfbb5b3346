// Calls of one UE: the owner of each request, limits, the view of them. RFC 3261 §12.2.2, §13.3.
import type { CallView } from "@ims-lab/common/admin-api/views";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import { type UserAgent, warnAgentOf } from "../user-agent/user-agent.ts";
import { Call } from "./call.ts";
import type { IncomingPolicy } from "./call-state.ts";
import { checkInvite } from "./invite-checks.ts";
import type { MediaSink } from "./media-sink.ts";
import { callerOf } from "./messages.ts";

export interface CallSettings {
  readonly incoming: IncomingPolicy;
  /** After so long a call that rings here gets 480. */
  readonly noAnswerSeconds: number;
  /** Further callers hear 486. */
  readonly atOnce: number;
  /** Session-Expires (RFC 4028); 90 or more. */
  readonly sessionExpiresSeconds: number;
}

export const CALL_DEFAULTS: CallSettings = {
  incoming: "answer",
  noAnswerSeconds: 60,
  atOnce: 1,
  sessionExpiresSeconds: 1800,
};

interface CallRecord {
  readonly call: Call;
  readonly startedAt: number;
  upAt: number | null;
  overAt: number | null;
  readonly packetsBefore: number;
  packets: number;
}

export interface CallsOptions {
  readonly userAgent: UserAgent;
  readonly settings: CallSettings;
  /** Timers T1 and T2, milliseconds. */
  readonly t1: number;
  readonly t2: number;
  /** Undefined: no audio is taken. */
  readonly media: MediaSink | undefined;
}

/** How many calls that are over are remembered. */
const REMEMBERED = 20;

export class Calls {
  readonly #options: CallsOptions;
  #records: CallRecord[] = [];

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** The latest last. */
  get view(): readonly CallView[] {
    return this.#records.map((record) => this.#viewOf(record));
  }

  get active(): readonly Call[] {
    return this.#records.map(({ call }) => call).filter(isActive);
  }

  /** @param from one of the user's identities; absent: the UE's own IMPU */
  dial(peer: string, from?: string): CallView {
    const record = this.#add(new Call({ ...this.#callOptions(peer), from }));
    record.call.apply({ kind: "dial" });
    return this.#viewOf(record);
  }

  /** INVITE, ACK, CANCEL, BYE, UPDATE. */
  handle(incoming: Incoming): void {
    const { request } = incoming;
    if (request.method === "CANCEL") {
      this.#cancelled(incoming);
      return;
    }
    const owner = this.active.find((call) => call.owns(request)); // §15.1.2: else 481
    if (owner !== undefined) owner.take(incoming);
    else if (request.method === "INVITE" && !request.to.params.has("tag")) this.#called(incoming);
    else if (request.method !== "ACK") incoming.respond(newResponse(request, 481));
  }

  /** Whether a request that came is within a call. */
  owns(request: SipRequest): boolean {
    return this.active.some((call) => call.owns(request));
  }

  /** What an INVITE would hear now (RFC 3261 §11.2). */
  get statusOfNext(): 200 | 486 | 603 {
    const { incoming, atOnce } = this.#options.settings;
    if (incoming === "busy" || this.#engaged >= atOnce) return 486;
    return incoming === "decline" ? 603 : 200;
  }

  /** The calls that count as busy: not those that wait for the answer to a BYE or CANCEL. */
  get #engaged(): number {
    return this.active.filter(({ state }) => {
      const isLeaving =
        "leaving" in state && state.leaving !== undefined && state.leaving !== false;
      return state.name !== "ending" && !isLeaving;
    }).length;
  }

  hangUpAll(): void {
    for (const call of this.active) call.apply({ kind: "hang-up" });
  }

  close(): void {
    for (const { call } of this.#records) call.close();
  }

  /** As if there had been none; nothing is sent. */
  forget(): void {
    this.close();
    this.#records = [];
  }

  #called(incoming: Incoming): void {
    const { request } = incoming;
    const { userAgent, settings } = this.#options;
    const toTag = userAgent.random.hex(8);
    const lacking = checkInvite(request, warnAgentOf(userAgent));
    if (lacking !== undefined) {
      incoming.respond(newResponse(request, lacking.status, { ...lacking, toTag }));
      return;
    }
    const engaged = this.#engaged >= settings.atOnce;
    const record = this.#add(new Call(this.#callOptions(callerOf(request)), incoming));
    record.call.apply({ kind: "called", policy: settings.incoming, engaged });
  }

  /** §9.2: a CANCEL that finds nothing to end is answered 200 as well. */
  #cancelled(incoming: Incoming): void {
    const { request } = incoming;
    const owner = this.#records.find(({ call }) => call.isCancelledBy(request));
    incoming.respond(newResponse(request, owner === undefined ? 481 : 200));
    owner?.call.apply({ kind: "cancelled" });
  }

  #callOptions(peer: string): ConstructorParameters<typeof Call>[0] {
    const { userAgent, settings, t1, t2, media } = this.#options;
    return {
      userAgent,
      peer,
      sessionSeconds: settings.sessionExpiresSeconds,
      context: { t1, t2, noAnswerMs: settings.noAnswerSeconds * 1000 },
      media: () => audioAddress(userAgent, media),
      onChange: (call) => this.#changed(call),
    };
  }

  #add(call: Call): CallRecord {
    const startedAt = Math.floor(this.#options.userAgent.clock.now());
    const packetsBefore = this.#options.media?.packets ?? 0;
    const record = { call, startedAt, upAt: null, overAt: null, packetsBefore, packets: 0 };
    this.#records.push(record);
    this.#forgetOld();
    return record;
  }

  #forgetOld(): void {
    const ended = this.#records.filter(({ overAt }) => overAt !== null);
    const old = new Set(ended.slice(0, Math.max(0, ended.length - REMEMBERED)));
    if (old.size > 0) this.#records = this.#records.filter((record) => !old.has(record));
  }

  #changed(call: Call): void {
    const record = this.#records.find((one) => one.call === call);
    if (record === undefined) return;
    const now = Math.floor(this.#options.userAgent.clock.now());
    if (call.state.name === "up") record.upAt ??= now;
    if (call.state.name !== "over" || record.overAt !== null) return;
    record.overAt = now;
    record.packets = this.#packetsOf(record);
  }

  #packetsOf({ packetsBefore }: CallRecord): number {
    return (this.#options.media?.packets ?? 0) - packetsBefore;
  }

  #viewOf(record: CallRecord): CallView {
    const { call, startedAt, upAt, overAt } = record;
    const { state, callId, direction, peer } = call;
    const held = state.name === "up" ? state.held : { here: false, there: false };
    const ringing = state.name === "inviting" && state.ringing;
    return {
      callId,
      direction,
      peer,
      state: ringing ? "ringing" : state.name,
      why: "why" in state ? state.why : null,
      heldHere: held.here,
      heldThere: held.there,
      startedAt,
      upAt,
      overAt,
      packets: overAt === null ? this.#packetsOf(record) : record.packets,
    };
  }
}

function isActive({ state }: Call): boolean {
  return state.name !== "over";
}

/** Discard, RFC 863: of a UE that takes no audio. */
const DISCARD_PORT = 9;

/** As reachable as the Contact: a wildcard would put the other side on hold (RFC 3264 §8.4). */
function audioAddress({ identity }: UserAgent, media: MediaSink | undefined): HostPort {
  const uri = parseUri(identity.contactUri);
  const local = media?.address;
  const isNamed = local !== undefined && !WILDCARDS.has(local.host);
  const host = isNamed ? local.host : isSip(uri) ? uri.host : "127.0.0.1";
  return { host, port: local?.port ?? DISCARD_PORT };
}

const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
