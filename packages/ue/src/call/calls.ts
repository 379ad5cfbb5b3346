// The calls of one UE: which one a request belongs to, and what a person sees of them. RFC 3261 §12.2.2, §13.3.
import type { CallView } from "@ims-lab/common/admin-api/views";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { Call } from "./call.ts";
import type { IncomingPolicy } from "./call-state.ts";
import { checkInvite } from "./invite-checks.ts";
import { agentOf, type Line } from "./line.ts";
import type { MediaSink } from "./media.ts";
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

interface Kept {
  readonly call: Call;
  readonly startedAt: number;
  upAt: number | null;
  overAt: number | null;
  readonly packetsBefore: number;
  packets: number;
}

export interface CallsOptions {
  readonly line: Line;
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
  #kept: Kept[] = [];

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** The latest last. */
  get view(): readonly CallView[] {
    return this.#kept.map((kept) => this.#viewOf(kept));
  }

  get active(): readonly Call[] {
    return this.#kept.map(({ call }) => call).filter(isActive);
  }

  /** @param from one of the user's identities; absent: the UE's own IMPU */
  dial(peer: string, from?: string): CallView {
    const kept = this.#add(new Call({ ...this.#callOptions(peer), from }));
    kept.call.apply({ kind: "dial" });
    return this.#viewOf(kept);
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

  /** Calls that somebody is in; one that waits for the answer to its BYE or CANCEL keeps nobody. */
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
    for (const { call } of this.#kept) call.close();
  }

  #called(incoming: Incoming): void {
    const { request } = incoming;
    const { line, settings } = this.#options;
    const toTag = line.random.hex(8);
    const lacking = checkInvite(request, agentOf(line));
    if (lacking !== undefined) {
      incoming.respond(newResponse(request, lacking.status, { ...lacking, toTag }));
      return;
    }
    const engaged = this.#engaged >= settings.atOnce;
    const kept = this.#add(new Call(this.#callOptions(callerOf(request)), incoming));
    kept.call.apply({ kind: "called", policy: settings.incoming, engaged });
  }

  /** §9.2: a CANCEL that finds nothing to end is answered 200 as well. */
  #cancelled(incoming: Incoming): void {
    const { request } = incoming;
    const owner = this.#kept.find(({ call }) => call.isCancelledBy(request));
    incoming.respond(newResponse(request, owner === undefined ? 481 : 200));
    owner?.call.apply({ kind: "cancelled" });
  }

  #callOptions(peer: string): ConstructorParameters<typeof Call>[0] {
    const { line, settings, t1, t2, media } = this.#options;
    return {
      line,
      peer,
      sessionSeconds: settings.sessionExpiresSeconds,
      context: { t1, t2, noAnswerMs: settings.noAnswerSeconds * 1000 },
      media: () => media?.address ?? { host: "0.0.0.0", port: 9 },
      onChange: (call) => this.#changed(call),
    };
  }

  #add(call: Call): Kept {
    const startedAt = Math.floor(this.#options.line.clock.now());
    const packetsBefore = this.#options.media?.packets ?? 0;
    const kept = { call, startedAt, upAt: null, overAt: null, packetsBefore, packets: 0 };
    this.#kept.push(kept);
    this.#forgetOld();
    return kept;
  }

  #forgetOld(): void {
    const ended = this.#kept.filter(({ overAt }) => overAt !== null);
    const old = new Set(ended.slice(0, Math.max(0, ended.length - REMEMBERED)));
    if (old.size > 0) this.#kept = this.#kept.filter((kept) => !old.has(kept));
  }

  #changed(call: Call): void {
    const kept = this.#kept.find((one) => one.call === call);
    if (kept === undefined) return;
    const now = Math.floor(this.#options.line.clock.now());
    if (call.state.name === "up") kept.upAt ??= now;
    if (call.state.name !== "over" || kept.overAt !== null) return;
    kept.overAt = now;
    kept.packets = this.#packetsOf(kept);
  }

  #packetsOf({ packetsBefore }: Kept): number {
    return (this.#options.media?.packets ?? 0) - packetsBefore;
  }

  #viewOf(kept: Kept): CallView {
    const { call, startedAt, upAt, overAt } = kept;
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
      packets: overAt === null ? this.#packetsOf(kept) : kept.packets,
    };
  }
}

function isActive({ state }: Call): boolean {
  return state.name !== "over";
}
