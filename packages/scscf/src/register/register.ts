// REGISTER, in its six steps: origin, identify, authenticate, plan, commit, answer. RFC 3261 §10.3; TS 24.229 §5.4.1.2.
import { credentialsOf, isMalformed } from "@ims-lab/common/ims/credentials";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { answersChallenge } from "../authentication/outcome.ts";
import { deviceSource, type RequestOrigin } from "../origin.ts";
import { headersOf, isRefusal, type Refusal, refusal, statusOf } from "../outcomes.ts";
import type { RefusalLog } from "../refusal-log.ts";
import type { Claimant, RegistrationEvents } from "../registration/events.ts";
import type { Registrations } from "../registration/registrations.ts";
import type { SqnMarkTable } from "../subscribers/sqn-marks.ts";
import type { ContactPlan, ContactRules } from "./contact-plan.ts";
import { type DecisionRules, decide } from "./decision.ts";
import { planOf, type Reply } from "./plan.ts";
import {
  identifyRegister,
  isLeaving,
  type ReadingRules,
  type RegisterRequest,
  readRegister,
} from "./register-request.ts";
import { acceptedResponse, challengeResponse } from "./response.ts";

export interface RegistrarOptions extends ReadingRules, ContactRules, DecisionRules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly refusals: RefusalLog;
  readonly registrations: Registrations;
  readonly events: RegistrationEvents;
  readonly marks: SqnMarkTable;
  onLimited(limit: string): void;
}

export class Registrar {
  readonly #options: RegistrarOptions;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  handle(incoming: Incoming, origin: RequestOrigin): void {
    const { registrations, marks, events, clock } = this.#options;

    // 1 Origin: who may send REGISTERs here, and whether what it says can be read.
    const read = readRegister(this.#options, incoming.request, origin);
    if (isRefusal(read)) {
      this.#refuseStateless(incoming, read, origin);
      return;
    }

    // 2 Identify: the subscriber, the registration set, the bindings that its Contacts mean.
    const register = identifyRegister(this.#options, incoming, read);
    if (isRefusal(register)) {
      this.#refuseStateless(incoming, register, origin);
      return;
    }
    const { set, credentials, subscriber } = register;
    const { impi } = subscriber;
    if (credentials !== undefined && answersChallenge(credentials))
      events.publish({ kind: "answered", impi, callId: incoming.request.callId });
    if (!registrations.isSettled(set)) {
      // What has been read of the user's bindings may be true no more when their change is over.
      registrations.whenSettled(set, (problem) => {
        if (problem === undefined) this.handle(incoming, origin);
        else this.#refuse(register, notDurable(problem));
      });
      return;
    }

    // 3 Authenticate: accept, challenge or fail.
    const decision = decide(this.#options, register);

    // 4 Plan: what changes, and the answer to it.
    const at = clock.now();
    const { changes, reply } = planOf(this.#options, register, decision, at);

    // 5 Commit: bindings, re-authentications, subscriptions and the SQN mark at once.
    const rows = marks.unsaved(impi);
    registrations.commit({ set, changes, rows }, (problem) => {
      // 6 Answer: when it is durable; nothing has happened when it is not.
      if (problem !== undefined) {
        this.#refuse(register, notDurable(problem));
        return;
      }
      marks.saved(rows);
      this.#answer(register, reply, at);
    });
  }

  #answer(register: RegisterRequest, reply: Reply, at: number): void {
    const { events, onLimited } = this.#options;
    switch (reply.kind) {
      case "accept":
        if (reply.contacts.displaced > 0) onLimited("contacts-per-user");
        this.#accept(register, reply.contacts, at);
        if (reply.authenticated) {
          const { subscriber, impu, request } = register;
          const { callId } = request;
          events.publish({ kind: "authenticated", impi: subscriber.impi, impu, callId });
        }
        break;
      case "challenge":
        this.#challenge(register, reply.values);
        events.publish({
          kind: "challenged",
          claimant: this.#claimantOf(register),
          after: reply.after,
        });
        break;
      case "refuse":
        if (reply.failure !== undefined)
          events.publish({
            kind: "authentication-failed",
            claimant: this.#claimantOf(register),
            why: reply.failure,
          });
        this.#refuse(register, reply.refused);
        break;
    }
  }

  #accept(register: RegisterRequest, { token, left }: ContactPlan, at: number): void {
    const { request, subscriber, set, origin, incoming } = register;
    const leaves = isLeaving(register);
    if (leaves && left.length === 0) this.#logNothingLeft(register);
    const bindings = this.#options.bindings.ofSet(set);
    const response = acceptedResponse({
      request,
      subscriber,
      bindings,
      binding: bindings.find((one) => one.token === token),
      isLeaving: leaves,
      left,
      serviceRoute: (one) => `${origin.scheme}:${one}@${origin.self};lr`,
      path: origin.path,
      trusted: origin.trusted,
      toTag: this.#tag(),
      at,
    });
    incoming.respond(response);
  }

  #challenge(register: RegisterRequest, values: readonly string[]): void {
    const { incoming, request, origin, hiddenRefusal } = register;
    if (hiddenRefusal !== undefined)
      this.#logRefusal(incoming, challengedFirst(hiddenRefusal), origin);
    incoming.respond(challengeResponse(request, values, origin.trusted, this.#tag()));
  }

  /** A 200 all the same (RFC 3261 §10.3 step 7); whoever looks for the device should know. */
  #logNothingLeft({ subscriber, impu, request, bindings }: RegisterRequest): void {
    this.#options.log.info("registration.not-bound", {
      impi: subscriber.impi,
      impu,
      callId: request.callId,
      contact: request.texts("Contact").join(", "),
      bound: bindings.map(({ address }) => address.contact),
    });
  }

  /** RFC 3261 §8.2.7: nothing is kept for whoever it is. */
  #refuseStateless(incoming: Incoming, refused: Refusal, origin: RequestOrigin): void {
    this.#logRefusal(incoming, refused, origin);
    incoming.refuse(statusOf(refused), { headers: headersOf(refused) });
  }

  #refuse({ incoming, request, origin }: RegisterRequest, refused: Refusal): void {
    this.#logRefusal(incoming, refused, origin);
    const headers = headersOf(refused);
    incoming.respond(newResponse(request, statusOf(refused), { toTag: this.#tag(), headers }));
  }

  #logRefusal(incoming: Incoming, refused: Refusal, origin: RequestOrigin): void {
    const { request } = incoming;
    const fields = {
      status: statusOf(refused),
      reason: refused.refused,
      why: refused.detail,
      impi: this.#impiIn(request),
      impu: request.to.uriText,
      source: deviceSource(request, origin),
      callId: request.callId,
    };
    this.#options.refusals.warn("registration.refused", fields, "refused");
  }

  #claimantOf({ subscriber, impu, request, origin, hiddenRefusal }: RegisterRequest): Claimant {
    return {
      impi: subscriber.impi,
      impu,
      callId: ownCopy(request.callId),
      source: deviceSource(request, origin),
      isNobody: hiddenRefusal !== undefined,
    };
  }

  #impiIn(request: SipRequest): string | undefined {
    const read = credentialsOf(request, this.#options.domain);
    return isMalformed(read) ? undefined : read?.impi;
  }

  #tag(): string {
    return this.#options.random.hex(8);
  }
}

function notDurable({ message }: Error): Refusal {
  return refusal("store-failed", message);
}

/** The log says what the sender is kept from knowing. */
function challengedFirst(refused: Refusal): Refusal {
  return { ...refused, detail: `${refused.detail}; challenged all the same (hideUnknown)` };
}
