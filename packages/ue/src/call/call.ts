// One call: performs the effects of its machine, as messages of its dialog. RFC 3261 §12, §13, §14, §15; RFC 3311; RFC 4028.
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import {
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import type { SentRequest } from "../stack/stack.ts";
import { SDP_TYPE } from "../user-agent/capabilities.ts";
import { requestOutsideDialog, type UserAgent } from "../user-agent/user-agent.ts";
import { CallDialog } from "./call-dialog.ts";
import {
  type CallContext,
  type CallEffect,
  type CallInput,
  type CallState,
  IDLE,
} from "./call-state.ts";
import { backOffMs, CallTimers } from "./call-timers.ts";
import { Descriptions, holdIn } from "./descriptions.ts";
import { cancels, checkWithinCall, descriptionIn } from "./invite-checks.ts";
import { stepCall } from "./machine.ts";
import { SessionRefresh } from "./session-refresh.ts";

export interface CallOptions {
  readonly userAgent: UserAgent;
  readonly context: CallContext;
  readonly peer: string;
  /** In whose name it is made; absent: the UE's own IMPU. */
  readonly from?: string | undefined;
  /** Session-Expires that is asked for (RFC 4028). */
  readonly sessionSeconds: number;
  /** Where our audio is taken. */
  media(): HostPort;
  onChange(call: Call): void;
}

export class Call {
  readonly peer: string;
  readonly direction: "outgoing" | "incoming";
  readonly #options: CallOptions;
  readonly #timers: CallTimers;
  readonly #dialog: CallDialog;
  readonly #session: SessionRefresh;
  readonly #descriptions: Descriptions;
  #state: CallState = IDLE;
  /** The INVITE of the other side that was answered last, and the 2xx to it. */
  #received: Incoming | undefined;
  #success: SipResponse | undefined;
  /** The transaction of our last INVITE. */
  #sent: SentRequest | undefined;

  constructor(options: CallOptions, invite?: Incoming) {
    const { userAgent, sessionSeconds } = options;
    this.#options = options;
    this.#timers = new CallTimers(userAgent.clock, (timer) => this.apply({ kind: "timer", timer }));
    this.peer = options.peer;
    this.direction = invite === undefined ? "outgoing" : "incoming";
    this.#received = invite;
    this.#dialog = new CallDialog(userAgent, invite?.request);
    this.#descriptions = new Descriptions(options.media, userAgent.random);
    this.#session = new SessionRefresh(
      { dialog: this.#dialog, userAgent, apply: (input) => this.apply(input) },
      sessionSeconds,
    );
  }

  get callId(): string {
    return this.#dialog.callId;
  }

  get state(): CallState {
    return this.#state;
  }

  apply(input: CallInput): void {
    const { state, effects } = stepCall(this.#options.context, this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    if (this.#state.name === "over") this.#timers.stopAll();
    this.#options.onChange(this);
  }

  /** Whether a request that came belongs to this call. */
  owns(request: SipRequest): boolean {
    return this.#dialog.owns(request);
  }

  /** Whether a CANCEL is for the INVITE that rings here. */
  isCancelledBy(cancel: SipRequest): boolean {
    return this.#received !== undefined && cancels(cancel, this.#received.request);
  }

  /** A request within the dialog; ACK included. */
  take(incoming: Incoming): void {
    const { request } = incoming;
    if (!this.#dialog.isEstablished) return;
    if (request.method === "ACK") {
      this.#acknowledged(request);
      return;
    }
    if (!this.#dialog.count(request)) {
      incoming.respond(newResponse(request, 500)); // §12.2.2
      return;
    }
    if (request.method === "BYE") {
      incoming.respond(newResponse(request, 200));
      this.apply({ kind: "bye" });
      return;
    }
    const refused = checkWithinCall(request, this.#state, this.#options.userAgent);
    if (refused !== undefined) {
      incoming.respond(newResponse(request, refused.status, refused));
      return;
    }
    this.#dialog.renewTarget(request);
    if (request.method === "INVITE") this.#reInvited(incoming);
    else this.#updated(incoming);
  }

  close(): void {
    this.#timers.stopAll();
    this.#sent?.abandon();
  }

  #acknowledged(ack: SipRequest): void {
    const invite = this.#received?.request;
    if (ack.cseq.number !== invite?.cseq.number) return;
    // RFC 3264 §4: where the 2xx had the offer, the ACK has the answer.
    const described = descriptionIn(invite) ?? descriptionIn(ack);
    this.apply({ kind: "acknowledged", hold: holdIn(described) });
  }

  #reInvited(incoming: Incoming): void {
    const { request } = incoming;
    const before = this.#received;
    this.#received = incoming;
    this.apply({ kind: "re-invited", hold: holdIn(descriptionIn(request)) });
    // Refused: the ACK that is still due is that of the one before.
    if (this.#success?.cseq.number !== request.cseq.number) this.#received = before;
  }

  #updated(incoming: Incoming): void {
    const { request } = incoming;
    const offer = descriptionIn(request);
    const agreed = this.#session.answer(request);
    const body = offer && this.#descriptions.answer(offer, this.#isHeld);
    const headers = [
      ...this.#dialog.headers,
      ...agreed.headers,
      ...(body ? [["Content-Type", SDP_TYPE] as const] : []),
    ];
    incoming.respond(newResponse(request, 200, { headers, ...(body && { body }) }));
    this.#session.agree(agreed);
    this.apply({ kind: "updated", hold: holdIn(offer) });
  }

  #perform(effect: CallEffect): void {
    switch (effect.kind) {
      case "invite":
        this.#invite();
        return;
      case "re-invite":
        this.#reInvite(effect.hold);
        return;
      case "cancel":
        this.#sent?.cancel();
        return;
      case "abandon":
        this.#sent?.abandon();
        return;
      case "refresh":
        this.#session.refresh();
        return;
      case "ack":
        this.#dialog.acknowledge();
        return;
      case "bye":
        this.#bye();
        return;
      case "respond":
        this.#respond(effect.status);
        return;
      case "repeat":
        if (this.#success !== undefined) this.#received?.respond(this.#success.clone());
        return;
      case "start":
        this.#timers.start(effect.timer, effect.ms);
        return;
      case "back-off":
        this.#timers.start("again", backOffMs(this.direction, this.#options.userAgent.random));
        return;
      case "stop":
        this.#timers.stop(effect.timer);
        return;
    }
  }

  #invite(): void {
    const { userAgent, peer, from } = this.#options;
    const request = requestOutsideDialog(userAgent, "INVITE", {
      from,
      callId: this.callId,
      fromTag: this.#dialog.localTag,
      cseq: this.#session.raises + 1,
      to: peer,
      headers: [...this.#sdpHeaders, ...this.#session.headers],
      body: this.#descriptions.offer(false),
    });
    this.#send(request);
  }

  #reInvite(hold: boolean): void {
    if (!this.#dialog.isEstablished) return;
    const body = this.#descriptions.offer(hold);
    const headers = [...this.#sdpHeaders, ...this.#session.headers];
    const request = this.#dialog.next("INVITE", headers, body);
    if (request !== undefined) this.#send(request);
  }

  #send(invite: SipRequest): void {
    this.#sent = this.#options.userAgent.send(invite, {
      onResponse: (response) => this.#answered(invite, response),
      onFailure: (why) => this.apply({ kind: "no-response", why }),
    });
  }

  #answered(invite: SipRequest, response: SipResponse): void {
    const { status } = response;
    if (status === 422 && this.#session.raise(response)) {
      this.apply({ kind: "session-too-brief" });
      return;
    }
    if (status < 200 || status >= 300) {
      this.apply({ kind: "response", status });
      return;
    }
    const success = this.#dialog.takeSuccess(invite, response);
    if (success === "done") return;
    if (success === "unusable") {
      this.apply({ kind: "unusable-answer", why: `${status} without one SIP URI in Contact` });
      return;
    }
    this.apply({ kind: "response", status });
    this.#session.accepted(response);
  }

  #bye(): void {
    const left = (): void => this.apply({ kind: "left" });
    const request = this.#dialog.next("BYE");
    if (request === undefined) {
      left();
      return;
    }
    this.#options.userAgent.send(request, {
      onResponse: ({ status }) => {
        if (status >= 200) left();
      },
      onFailure: left,
    });
  }

  #respond(status: number): void {
    const invite = this.#received;
    if (invite === undefined) return;
    const { request } = invite;
    const toTag = this.#dialog.localTag;
    if (status >= 300) {
      invite.respond(newResponse(request, status, { toTag }));
      return;
    }
    if (status < 200) {
      invite.respond(newResponse(request, status, { toTag, headers: [this.#dialog.contact] }));
      return;
    }
    const agreed = this.#session.answer(request);
    const headers = [...this.#sdpHeaders, ...agreed.headers];
    const body = this.#descriptions.answer(descriptionIn(request), this.#isHeld);
    const response = newResponse(request, status, { toTag, headers, body });
    this.#success = response.clone();
    invite.respond(response);
    this.#session.agree(agreed);
  }

  get #isHeld(): boolean {
    return this.#state.name === "up" && this.#state.held.here;
  }

  get #sdpHeaders(): readonly (readonly [string, string])[] {
    return [...this.#dialog.headers, ["Content-Type", SDP_TYPE]];
  }
}
