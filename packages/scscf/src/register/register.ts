// REGISTER: trust, identify, challenge, verify, bind. RFC 3261 §10.3; TS 24.229 §5.4.1.2.
import { credentialsOf, isMalformed } from "@ims-lab/common/ims/credentials";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Incoming } from "@ims-lab/common/sip/endpoint";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { answersChallenge } from "../authentication/outcome.ts";
import type { SilentDevices } from "../authentication/silent-devices.ts";
import type { UserHistory } from "../history/user-history.ts";
import type { RequestOrigin } from "../origin.ts";
import { deviceSource } from "../origin.ts";
import { headersOf, isRefusal, type Refusal, refusal, statusOf } from "../outcomes.ts";
import type { RefusalLog } from "../refusal-log.ts";
import type { Binding, BindingInput } from "../registration/binding.ts";
import type { BindingChange, Registrations } from "../registration/registrations.ts";
import { type ChallengeReason, type Decision, type DecisionRules, decide } from "./decision.ts";
import { type Plan, type PlanRules, planOf } from "./plan.ts";
import {
  bindingsMeant,
  challengeKey,
  isLeaving,
  overOwnFlow,
  overProvenFlow,
  type ReadingRules,
  type RegisterRequest,
  readRegister,
} from "./register-request.ts";
import { acceptedResponse } from "./response.ts";

export interface RegistrarOptions extends ReadingRules, PlanRules, DecisionRules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly refusals: RefusalLog;
  readonly registrations: Registrations;
  readonly history: UserHistory;
  readonly silent: SilentDevices;
  onLimited(limit: string): void;
  /** The one-line reason of a failed authentication, for the API. */
  onAuthenticationFailed(impi: string, why: string): void;
}

export class Registrar {
  readonly #options: RegistrarOptions;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  handle(incoming: Incoming, origin: RequestOrigin): void {
    const register = readRegister(this.#options, incoming, origin);
    if (isRefusal(register)) {
      this.#refuseStranger(incoming, register, origin);
      return;
    }
    const { registrations, silent } = this.#options;
    const { credentials, subscriber } = register;
    if (credentials !== undefined && answersChallenge(credentials))
      silent.answered({ impi: subscriber.impi, callId: incoming.request.callId });
    if (registrations.isSettled(register.set)) {
      this.#perform(register, decide(this.#options, register));
      return;
    }
    // What has been read of the user's bindings may be true no more by then.
    registrations.whenSettled(register.set, (problem) => {
      if (problem === undefined) this.handle(incoming, origin);
      else this.#refuse(register, refusal("store-failed", problem.message));
    });
  }

  #perform(register: RegisterRequest, decision: Decision): void {
    switch (decision.kind) {
      case "accept":
        this.#accept(register, decision.authenticated);
        break;
      case "challenge":
        this.#challenge(
          register,
          decision.values ?? this.#issue(register, decision.stale),
          decision.after,
        );
        break;
      case "fail":
        this.#fail(register, refusal(decision.refused, decision.why));
        break;
    }
  }

  /** Answered statelessly (RFC 3261 §8.2.7): nothing is kept for whoever it is. */
  #refuseStranger(incoming: Incoming, refused: Refusal, origin: RequestOrigin): void {
    this.#logRefusal(incoming, refused, origin);
    incoming.refuse(statusOf(refused), { headers: headersOf(refused) });
  }

  /** That it was challenged, and why once more. */
  #noteChallenge(register: RegisterRequest, after: ChallengeReason | undefined): void {
    const { subscriber, impu, request, origin } = register;
    const { impi } = subscriber;
    const { history, silent, refusals } = this.#options;
    const source = deviceSource(request, origin);
    silent.challenged({ impi, impu, callId: ownCopy(request.callId), source });
    if (after === undefined) {
      // Whom nobody knows is in no user's history, only among the strangers.
      if (register.hiddenRefusal === undefined) history.note(impi, "challenged");
      return;
    }
    const { kind: reason, why } = after;
    const [event, kind] = EVENT_OF_CHALLENGE[reason];
    refusals.info(event, { impi, impu, source, reason, why, callId: request.callId }, kind);
  }

  /** Nothing when the subscriber went meanwhile. */
  #issue(register: RegisterRequest, stale: boolean): readonly string[] {
    return this.#options.authenticator.challenge(challengeKey(register), { stale })?.values ?? [];
  }

  #challenge(
    register: RegisterRequest,
    values: readonly string[],
    after: ChallengeReason | undefined,
  ): void {
    if (values.length === 0) {
      this.#refuse(register, refusal("unknown-user", "the subscriber has gone"));
      return;
    }
    const { incoming, request, origin, hiddenRefusal } = register;
    this.#noteChallenge(register, after);
    if (hiddenRefusal !== undefined)
      this.#logRefusal(incoming, challengedFirst(hiddenRefusal), origin);
    const at = this.#options.clock.now();
    const inputs = (binding: Binding): readonly BindingInput[] => {
      const challenged = {
        kind: "challenged",
        at,
        ownFlow: overOwnFlow(register, binding),
      } as const;
      if (!isLeaving(register)) return [challenged];
      // A wish to leave that may be anybody's datagram waits for its answer, or for the deadline.
      const ownFlow = overProvenFlow(register, binding);
      return [challenged, { kind: "leave-challenged", at, ownFlow }];
    };
    this.#tell(register, inputs, () => {
      // TS 33.203 §6.1.1: session keys are for the P-CSCF; no device gets to see them.
      const shown = origin.trusted ? values : values.map(withoutKeys);
      const headers = shown.map(challengeHeader);
      incoming.respond(newResponse(request, 401, { toTag: this.#tag(), headers }));
    });
  }

  #fail(register: RegisterRequest, refused: Refusal): void {
    if (register.hiddenRefusal !== undefined) {
      this.#refuse(register, { ...refused, detail: register.hiddenRefusal.detail });
      return;
    }
    const { subscriber, impu, request, origin } = register;
    const { impi } = subscriber;
    const { clock, refusals, onAuthenticationFailed } = this.#options;
    const at = clock.now();
    const why = refused.detail;
    onAuthenticationFailed(impi, why);
    const source = deviceSource(request, origin);
    refusals.warn("authentication.failed", { impi, impu, source, why, callId: request.callId });
    this.#tell(
      register,
      (binding) => [{ kind: "failed", at, ownFlow: overOwnFlow(register, binding), why }],
      () => this.#refuse(register, refused),
    );
  }

  /** Inputs to every re-authentication that the REGISTER means; `then` when that is durable. */
  #tell(
    register: RegisterRequest,
    inputsFor: (binding: Binding) => readonly BindingInput[],
    then: () => void,
  ): void {
    const changes = bindingsMeant(register)
      .filter(({ reauthentication }) => reauthentication !== undefined)
      .flatMap((binding) =>
        inputsFor(binding).map(
          (input): BindingChange => ({ kind: "input", token: binding.token, input }),
        ),
      );
    this.#options.registrations.apply(register.set, changes, (problem) => {
      if (problem === undefined) then();
      else this.#refuse(register, refusal("store-failed", problem.message));
    });
  }

  #accept(register: RegisterRequest, authenticated: boolean): void {
    if (register.hiddenRefusal !== undefined) {
      this.#refuse(register, register.hiddenRefusal);
      return;
    }
    const { clock, registrations, onLimited } = this.#options;
    const at = clock.now();
    const plan = planOf(this.#options, register, { at, authenticated });
    if (isRefusal(plan)) {
      this.#refuse(register, plan);
      return;
    }
    registrations.apply(register.set, plan.changes, (problem) => {
      if (problem !== undefined) {
        this.#refuse(register, refusal("store-failed", problem.message));
        return;
      }
      if (plan.displaced > 0) onLimited("contacts-per-user");
      this.#respondAccepted(register, plan, at);
    });
  }

  #respondAccepted(register: RegisterRequest, { token, left }: Plan, at: number): void {
    const { request, subscriber, set, origin, incoming } = register;
    const { bindings } = this.#options;
    const response = acceptedResponse({
      request,
      subscriber,
      bindings: bindings.ofSet(set),
      binding: token === undefined ? undefined : bindings.get(token),
      isLeaving: isLeaving(register),
      left,
      serviceRoute: (one) => `${origin.scheme}:${one}@${origin.self};lr`,
      path: origin.path,
      trusted: origin.trusted,
      toTag: this.#tag(),
      at,
    });
    if (isLeaving(register) && left.length === 0) this.#logNothingLeft(register);
    incoming.respond(response);
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

  #impiIn(request: SipRequest): string | undefined {
    const read = credentialsOf(request, this.#options.domain);
    return isMalformed(read) ? undefined : read?.impi;
  }

  #tag(): string {
    return this.#options.random.hex(8);
  }
}

/** The log says what the sender is kept from knowing. */
function challengedFirst(refused: Refusal): Refusal {
  return { ...refused, detail: `${refused.detail}; challenged all the same (hideUnknown)` };
}

const EVENT_OF_CHALLENGE = {
  resync: ["authentication.resync", "resynchronised"],
  probe: ["authentication.probe", "probed"],
  stale: ["authentication.challenged-again", "challenged-again"],
  "unknown-nonce": ["authentication.challenged-again", "challenged-again"],
} as const;

function challengeHeader(value: string): readonly [string, string] {
  return ["WWW-Authenticate", value];
}

function withoutKeys(value: string): string {
  return value.replace(/,\s*[ic]k="[^"]*"/g, "");
}
