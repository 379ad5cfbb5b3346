// One call as it runs: the machine's effects as messages of a dialog. RFC 3261 §12, §13, §14, §15.
import type { Timer } from "@ims-lab/common/platform/clock";
import {
  acceptRequest,
  acceptResponse,
  type Dialog,
  dialogAsUac,
  dialogAsUas,
  isInDialog,
  nextRequest,
  tagOf,
} from "@ims-lab/common/sip/dialog/dialog";
import type { Incoming } from "@ims-lab/common/sip/endpoint";
import {
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import type { SentRequest } from "../stack/stack.ts";
import {
  type CallContext,
  type CallEffect,
  type CallInput,
  type CallState,
  type CallTimer,
  IDLE,
} from "./call-state.ts";
import { Descriptions, holdIn } from "./descriptions.ts";
import { checkInvite, checkMoment } from "./invite-checks.ts";
import { ackIn, firstRequest, type Line } from "./line.ts";
import { stepCall } from "./machine.ts";
import { SDP_TYPE } from "./sdp.ts";

export interface CallOptions {
  readonly line: Line;
  readonly context: CallContext;
  readonly peer: string;
  /** In whose name it is made; absent: the UE's own IMPU. */
  readonly from?: string | undefined;
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
  readonly #timers = new Map<CallTimer, Timer>();
  #state: CallState = IDLE;
  #dialog: Dialog | undefined;
  /** The INVITE of the other side that was answered last. */
  #came: Incoming | undefined;
  /** Our INVITE that was sent last, and its transaction. */
  #sent: { readonly request: SipRequest; readonly transaction: SentRequest } | undefined;
  #ok: SipResponse | undefined;
  readonly #descriptions: Descriptions;

  constructor(options: CallOptions, invite?: Incoming) {
    const { random } = options.line;
    this.#options = options;
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
      const described = invite.body.length === 0 ? request : invite;
      this.apply({ kind: "acknowledged", hold: holdIn(described) });
      return;
    }
    const accepted = acceptRequest(this.#dialog, request);
    if (accepted.kind === "out-of-order") {
      incoming.respond(newResponse(request, 500));
      return;
    }
    this.#dialog = accepted.dialog;
    if (request.method === "BYE") {
      incoming.respond(newResponse(request, 200));
      this.apply({ kind: "bye" });
    } else this.#reInvited(incoming);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#sent?.transaction.abandon();
  }

  #reInvited(incoming: Incoming): void {
    const { request } = incoming;
    const refused = checkInvite(request) ?? checkMoment(this.#state, this.#options.line.random);
    if (refused !== undefined) {
      incoming.respond(newResponse(request, refused.status, refused));
      return;
    }
    const before = this.#came;
    this.#came = incoming;
    this.apply({ kind: "re-invited", hold: holdIn(request) });
    // Refused: the ACK that is still due is that of the one before.
    if (this.#ok?.cseq.number !== request.cseq.number) this.#came = before;
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
        this.#start(effect.timer, effect.ms);
        return;
      case "back-off":
        this.#start("again", this.#backOffMs());
        return;
      case "stop":
        this.#timers.get(effect.timer)?.cancel();
        return;
    }
  }

  #start(timer: CallTimer, ms: number): void {
    this.#timers.get(timer)?.cancel();
    const fire = (): void => this.apply({ kind: "timer", timer });
    this.#timers.set(timer, this.#options.line.clock.after(ms, fire));
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
      to: peer,
      headers: this.#sessionHeaders(),
      body: this.#descriptions.offer(false),
    });
    this.#send(request);
  }

  #reInvite(hold: boolean): void {
    if (this.#dialog === undefined) return;
    const body = this.#descriptions.offer(hold);
    const next = nextRequest(this.#dialog, "INVITE", this.#sessionHeaders(), body);
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
    if (status < 200 || status >= 300) {
      this.apply({ kind: "response", status });
      return;
    }
    const made = dialogAsUac(request, response);
    const isFirst = this.#dialog === undefined;
    const isOurs = isFirst || this.#dialog?.remoteTag === tagOf(response.to);
    if (made !== undefined && !isOurs) {
      this.#leaveFork(made, request); // §13.2.2.4: another branch answered as well
      return;
    }
    const before = this.#dialog;
    this.#dialog = before === undefined ? made : acceptResponse(before, response);
    const isNew = this.#acked !== request.cseq.number;
    if (isNew) {
      this.#acked = request.cseq.number;
      this.apply({ kind: "response", status });
    } else this.#acknowledge(); // §13.2.2.4: each time it comes
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
    if (this.#dialog === undefined) return;
    const { dialog, request } = nextRequest(this.#dialog, "BYE");
    this.#dialog = dialog;
    const left = (): void => this.apply({ kind: "left" });
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
    const headers = status === 200 ? this.#sessionHeaders() : [this.#contact()];
    const body = status === 200 ? this.#descriptions.answer(request, this.#isHeld) : undefined;
    const response = newResponse(request, status, { toTag, headers, ...(body && { body }) });
    if (status === 200) this.#ok = response.clone();
    invite.respond(response);
  }

  get #isHeld(): boolean {
    return this.#state.name === "up" && this.#state.held.here;
  }

  #contact(): readonly [string, string] {
    return ["Contact", `<${this.#options.line.identity.contactUri}>`];
  }

  #sessionHeaders(): Headers {
    return [this.#contact(), ["Allow", CALL_METHODS], ["Content-Type", SDP_TYPE]];
  }
}

/** What this UE takes in a call. */
const CALL_METHODS = "INVITE, ACK, CANCEL, BYE, MESSAGE, NOTIFY, OPTIONS";
const UNHEARD = { onResponse: () => undefined, onFailure: () => undefined };
