// One call as it runs: the machine's effects as messages of a dialog. RFC 3261 §12, §13, §14, §15; RFC 3311; RFC 4028.
import {
  acceptRequest,
  acceptResponse,
  type Dialog,
  dialogAsUac,
  dialogAsUas,
  dialogWithoutContact,
  isInDialog,
  nextRequest,
  tagOf,
} from "@ims-lab/common/sip/dialog/dialog";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import {
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import type { Refusal } from "@ims-lab/common/sip/transaction/user";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import { ALLOW, SUPPORTED } from "../abilities.ts";
import type { SentRequest } from "../stack/stack.ts";
import {
  type CallContext,
  type CallEffect,
  type CallInput,
  type CallState,
  IDLE,
} from "./call-state.ts";
import { CallTimers } from "./call-timers.ts";
import { Descriptions, holdIn } from "./descriptions.ts";
import { checkInvite, checkMoment, checkUpdateMoment, descriptionIn } from "./invite-checks.ts";
import { ackIn, agentOf, firstRequest, type Line } from "./line.ts";
import { stepCall } from "./machine.ts";
import { SDP_TYPE } from "./sdp.ts";
import { SessionRefresh } from "./session-refresh.ts";

export interface CallOptions {
  readonly line: Line;
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

type Headers = readonly (readonly [string, string])[];

export class Call {
  readonly callId: string;
  readonly peer: string;
  readonly direction: "outgoing" | "incoming";
  readonly #options: CallOptions;
  readonly #localTag: string;
  readonly #timers: CallTimers;
  #state: CallState = IDLE;
  #dialog: Dialog | undefined;
  /** The INVITE of the other side that was answered last. */
  #came: Incoming | undefined;
  /** Our INVITE that was sent last, and its transaction. */
  #sent: { readonly request: SipRequest; readonly transaction: SentRequest } | undefined;
  #ok: SipResponse | undefined;
  readonly #session: SessionRefresh;
  readonly #descriptions: Descriptions;

  constructor(options: CallOptions, invite?: Incoming) {
    const { random, clock } = options.line;
    this.#options = options;
    this.#timers = new CallTimers(clock, (timer) => this.apply({ kind: "timer", timer }));
    this.#session = this.#sessionTimer(options.sessionSeconds);
    this.peer = options.peer;
    this.direction = invite === undefined ? "outgoing" : "incoming";
    this.callId = invite?.request.callId ?? random.hex(16);
    this.#localTag = random.hex(8);
    this.#descriptions = new Descriptions(options.media, random);
    this.#came = invite;
    if (invite !== undefined) this.#dialog = dialogAsUas(invite.request, this.#localTag);
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
    return this.#dialog !== undefined && isInDialog(this.#dialog, request);
  }

  /** Whether a CANCEL is for the INVITE that rings here. */
  isCancelledBy(cancel: SipRequest): boolean {
    const invite = this.#came?.request;
    return (
      invite?.callId === cancel.callId &&
      invite.cseq.number === cancel.cseq.number &&
      tagOf(invite.from) === tagOf(cancel.from)
    );
  }

  /** A request within the dialog; ACK included. */
  take(incoming: Incoming): void {
    const { request } = incoming;
    if (this.#dialog === undefined) return;
    if (request.method === "ACK") {
      const invite = this.#came?.request;
      if (request.cseq.number !== invite?.cseq.number) return;
      // RFC 3264 §4: where the 2xx had the offer, the ACK has the answer.
      const described = descriptionIn(invite) ?? descriptionIn(request);
      this.apply({ kind: "acknowledged", hold: holdIn(described) });
      return;
    }
    const accepted = acceptRequest(this.#dialog, request);
    if (accepted.kind === "out-of-order") {
      incoming.respond(newResponse(request, 500));
      return;
    }
    if (request.method === "BYE") {
      this.#dialog = accepted.dialog;
      incoming.respond(newResponse(request, 200));
      this.apply({ kind: "bye" });
      return;
    }
    // §12.2.2: its number counts, whatever becomes of it.
    this.#dialog = { ...this.#dialog, remoteCseq: request.cseq.number };
    const refused = this.#check(request);
    if (refused !== undefined) {
      incoming.respond(newResponse(request, refused.status, refused));
      return;
    }
    this.#dialog = accepted.dialog;
    if (request.method === "INVITE") this.#reInvited(incoming);
    else this.#updated(incoming);
  }

  /** Of a later INVITE or an UPDATE: refused, it leaves everything as it was (§14.2). */
  #check(request: SipRequest): Refusal | undefined {
    const { line } = this.#options;
    const lacking = checkInvite(request, agentOf(line));
    if (lacking !== undefined) return lacking;
    if (request.method === "INVITE") return checkMoment(this.#state, line.random);
    return checkUpdateMoment(this.#state, descriptionIn(request) !== undefined, line.random);
  }

  close(): void {
    this.#timers.stopAll();
    this.#sent?.transaction.abandon();
  }

  #reInvited(incoming: Incoming): void {
    const { request } = incoming;
    const before = this.#came;
    this.#came = incoming;
    this.apply({ kind: "re-invited", hold: holdIn(descriptionIn(request)) });
    // Refused: the ACK that is still due is that of the one before.
    if (this.#ok?.cseq.number !== request.cseq.number) this.#came = before;
  }

  #updated(incoming: Incoming): void {
    const { request } = incoming;
    const offer = descriptionIn(request);
    const agreed = this.#session.answer(request);
    const body = offer && this.#descriptions.answer(offer, this.#isHeld);
    const headers = [
      this.#contact(),
      ALLOW,
      SUPPORTED,
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
        this.#sent?.transaction.cancel();
        return;
      case "abandon":
        this.#sent?.transaction.abandon();
        return;
      case "refresh":
        this.#session.refresh();
        return;
      case "ack":
        this.#acknowledge();
        return;
      case "bye":
        this.#bye();
        return;
      case "respond":
        this.#respond(effect.status);
        return;
      case "repeat":
        if (this.#ok !== undefined) this.#came?.respond(this.#ok.clone());
        return;
      case "start":
        this.#timers.start(effect.timer, effect.ms);
        return;
      case "back-off":
        this.#timers.start("again", this.#backOffMs());
        return;
      case "stop":
        this.#timers.stop(effect.timer);
        return;
    }
  }

  /** §14.1: whoever chose the Call-ID waits longer, so that the two do not meet again. */
  #backOffMs(): number {
    const units = this.#options.line.random.fraction();
    return this.direction === "outgoing"
      ? 2100 + 10 * Math.floor(190 * units)
      : 10 * Math.floor(200 * units);
  }

  #invite(): void {
    const { line, peer, from } = this.#options;
    const request = firstRequest(line, "INVITE", {
      from,
      callId: this.callId,
      fromTag: this.#localTag,
      cseq: this.#session.raises + 1,
      to: peer,
      headers: [...this.#sessionHeaders(), ...this.#session.headers],
      body: this.#descriptions.offer(false),
    });
    this.#send(request);
  }

  #reInvite(hold: boolean): void {
    if (this.#dialog === undefined) return;
    const body = this.#descriptions.offer(hold);
    const headers = [...this.#sessionHeaders(), ...this.#session.headers];
    const next = nextRequest(this.#dialog, "INVITE", headers, body);
    this.#dialog = next.dialog;
    this.#send(next.request);
  }

  #send(request: SipRequest): void {
    const transaction = this.#options.line.send(request, {
      onResponse: (response) => this.#answered(request, response),
      onFailure: (why) => this.apply({ kind: "no-response", why }),
    });
    this.#sent = { request, transaction };
  }

  #answered(request: SipRequest, response: SipResponse): void {
    const { status } = response;
    if (status === 422 && this.#session.raise(response)) {
      this.apply({ kind: "session-too-brief" });
      return;
    }
    if (status < 200 || status >= 300) {
      this.apply({ kind: "response", status });
      return;
    }
    const made = dialogAsUac(request, response);
    const dialog = made ?? dialogWithoutContact(request, response);
    const isFirst = this.#dialog === undefined;
    if (!isFirst && this.#dialog?.remoteTag !== dialog.remoteTag) {
      this.#leaveFork(dialog, request); // §13.2.2.4: another branch answered as well
      return;
    }
    const before = this.#dialog;
    this.#dialog = before === undefined ? dialog : acceptResponse(before, response);
    if (this.#acked === request.cseq.number) {
      this.#acknowledge(); // §13.2.2.4: each time it comes
      return;
    }
    this.#acked = request.cseq.number;
    if (isFirst && made === undefined) {
      this.apply({ kind: "unusable-answer", why: `${status} without one SIP URI in Contact` });
      return;
    }
    this.apply({ kind: "response", status });
    this.#session.accepted(response);
  }

  #sessionTimer(seconds: number): SessionRefresh {
    return new SessionRefresh(
      {
        apply: (input) => this.apply(input),
        update: (headers, handlers) => {
          if (this.#dialog === undefined) return;
          const all = [this.#contact(), ALLOW, SUPPORTED, ...headers];
          const { dialog, request } = nextRequest(this.#dialog, "UPDATE", all);
          this.#dialog = dialog;
          this.#options.line.send(request, handlers);
        },
        renewTarget: (response) => {
          this.#dialog = this.#dialog && acceptResponse(this.#dialog, response);
        },
      },
      seconds,
    );
  }

  /** CSeq of the INVITE whose 2xx came last. */
  #acked = 0;

  #acknowledge(): void {
    const { line } = this.#options;
    if (this.#dialog !== undefined) line.sendStateless(ackIn(this.#dialog, this.#acked));
  }

  #leaveFork(fork: Dialog, invite: SipRequest): void {
    const { line } = this.#options;
    line.sendStateless(ackIn(fork, invite.cseq.number));
    line.send(nextRequest(fork, "BYE").request, UNHEARD);
  }

  #bye(): void {
    const left = (): void => this.apply({ kind: "left" });
    if (this.#dialog === undefined) {
      left();
      return;
    }
    const { dialog, request } = nextRequest(this.#dialog, "BYE");
    this.#dialog = dialog;
    this.#options.line.send(request, {
      onResponse: ({ status }) => {
        if (status >= 200) left();
      },
      onFailure: left,
    });
  }

  #respond(status: number): void {
    const invite = this.#came;
    if (invite === undefined) return;
    const { request } = invite;
    const toTag = this.#localTag;
    if (status >= 300) {
      invite.respond(newResponse(request, status, { toTag }));
      return;
    }
    if (status < 200) {
      invite.respond(newResponse(request, status, { toTag, headers: [this.#contact()] }));
      return;
    }
    const agreed = this.#session.answer(request);
    const headers = [...this.#sessionHeaders(), ...agreed.headers];
    const body = this.#descriptions.answer(descriptionIn(request), this.#isHeld);
    const response = newResponse(request, status, { toTag, headers, body });
    this.#ok = response.clone();
    invite.respond(response);
    this.#session.agree(agreed);
  }

  get #isHeld(): boolean {
    return this.#state.name === "up" && this.#state.held.here;
  }

  #contact(): readonly [string, string] {
    return ["Contact", `<${this.#options.line.identity.contactUri}>`];
  }

  #sessionHeaders(): Headers {
    return [this.#contact(), ALLOW, SUPPORTED, ["Content-Type", SDP_TYPE]];
  }
}

const UNHEARD = { onResponse: () => undefined, onFailure: () => undefined };
