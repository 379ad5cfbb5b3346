// REGISTER: trust, identify, challenge, verify, bind. RFC 3261 §10.3; TS 24.229 §5.4.1.2.
import { credentialsOf, isMalformed } from "@ims-lab/common/ims/credentials";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import { newResponse, type SipRequest } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { answersChallenge } from "../authentication/outcome.ts";
import { deviceSource } from "../history/device-source.ts";
import type { SilentDevices } from "../history/silent-devices.ts";
import type { UserHistory } from "../history/user-history.ts";
import type { RefusalLog } from "../refusal-log.ts";
import { acceptedResponse } from "./accepted-response.ts";
import {
  type Attempt,
  attemptKey,
  bindingsMeant,
  isLeaving,
  overOwnFlow,
  overProvenFlow,
  type ReadingRules,
  readAttempt,
} from "./attempt.ts";
import type { Binding, BindingInput } from "./binding.ts";
import { type ChallengeReason, type Decision, type DecisionRules, decide } from "./decision.ts";
import type { BindingChange, Lifecycle } from "./lifecycle.ts";
import { type Plan, type PlanRules, planOf } from "./plan.ts";
import { headersOf, isRefusal, type Refusal, refusal, statusOf } from "./refusals.ts";
import type { Standing } from "./trust.ts";

export interface RegistrarOptions extends ReadingRules, PlanRules, DecisionRules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly refusals: RefusalLog;
  readonly lifecycle: Lifecycle;
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

  handle(incoming: Incoming, standing: Standing): void {
    const attempt = readAttempt(this.#options, incoming, standing);
    if (isRefusal(attempt)) {
      this.#refuseStranger(incoming, attempt, standing);
      return;
    }
    const { lifecycle, silent } = this.#options;
    const { credentials, subscriber } = attempt;
    if (credentials !== undefined && answersChallenge(credentials))
      silent.answered({ impi: subscriber.impi, callId: incoming.request.callId });
    if (lifecycle.isSettled(attempt.set)) {
      this.#perform(attempt, decide(this.#options, attempt));
      return;
    }
    // What has been read of the user's bindings may be true no more by then.
    lifecycle.whenSettled(attempt.set, (problem) => {
      if (problem === undefined) this.handle(incoming, standing);
      else this.#refuse(attempt, refusal("store-failed", problem.message));
    });
  }

  #perform(attempt: Attempt, decision: Decision): void {
    switch (decision.kind) {
      case "accept":
        this.#accept(attempt, decision.authenticated);
        break;
      case "challenge":
        this.#challenge(
          attempt,
          decision.values ?? this.#issue(attempt, decision.stale),
          decision.after,
        );
        break;
      case "fail":
        this.#fail(attempt, refusal(decision.refused, decision.why));
        break;
    }
  }

  /** Answered statelessly (RFC 3261 §8.2.7): nothing is kept for whoever it is. */
  #refuseStranger(incoming: Incoming, refused: Refusal, standing: Standing): void {
    this.#logRefusal(incoming, refused, standing);
    incoming.refuse(statusOf(refused), { headers: headersOf(refused) });
  }

  /** That it was challenged, and why once more. */
  #noteChallenge(attempt: Attempt, after: ChallengeReason | undefined): void {
    const { subscriber, impu, request, standing } = attempt;
    const { impi } = subscriber;
    const { history, silent, refusals } = this.#options;
    const source = deviceSource(request, standing);
    silent.challenged({ impi, impu, callId: ownCopy(request.callId), source });
    if (after === undefined) {
      // Whom nobody knows is in no user's history, only among the strangers.
      if (attempt.hiddenRefusal === undefined) history.note(impi, "challenged");
      return;
    }
    const { kind: reason, why } = after;
    const [event, kind] = EVENT_OF_CHALLENGE[reason];
    refusals.info(event, { impi, impu, source, reason, why, callId: request.callId }, kind);
  }

  /** Nothing when the subscriber went meanwhile. */
  #issue(attempt: Attempt, stale: boolean): readonly string[] {
    return this.#options.authenticator.challenge(attemptKey(attempt), { stale })?.values ?? [];
  }

  #challenge(
    attempt: Attempt,
    values: readonly string[],
    after: ChallengeReason | undefined,
  ): void {
    if (values.length === 0) {
      this.#refuse(attempt, refusal("unknown-user", "the subscriber has gone"));
      return;
    }
    const { incoming, request, standing, hiddenRefusal } = attempt;
    this.#noteChallenge(attempt, after);
    if (hiddenRefusal !== undefined)
      this.#logRefusal(incoming, challengedFirst(hiddenRefusal), standing);
    const at = this.#options.clock.now();
    const inputs = (binding: Binding): readonly BindingInput[] => {
      const challenged = {
        kind: "challenged",
        at,
        ownFlow: overOwnFlow(attempt, binding),
      } as const;
      if (!isLeaving(attempt)) return [challenged];
      // A wish to leave that may be anybody's datagram waits for its answer, or for the deadline.
      const ownFlow = overProvenFlow(attempt, binding);
      return [challenged, { kind: "leave-challenged", at, ownFlow }];
    };
    this.#tell(attempt, inputs, () => {
      // TS 33.203 §6.1.1: session keys are for the P-CSCF; no device gets to see them.
      const shown = standing.trusted ? values : values.map(withoutKeys);
      const headers = shown.map(challengeHeader);
      incoming.respond(newResponse(request, 401, { toTag: this.#tag(), headers }));
    });
  }

  #fail(attempt: Attempt, refused: Refusal): void {
    if (attempt.hiddenRefusal !== undefined) {
      this.#refuse(attempt, { ...refused, detail: attempt.hiddenRefusal.detail });
      return;
    }
    const { subscriber, impu, request, standing } = attempt;
    const { impi } = subscriber;
    const { clock, refusals, onAuthenticationFailed } = this.#options;
    const at = clock.now();
    const why = refused.detail;
    onAuthenticationFailed(impi, why);
    const source = deviceSource(request, standing);
    refusals.warn("authentication.failed", { impi, impu, source, why, callId: request.callId });
    this.#tell(
      attempt,
      (binding) => [{ kind: "failed", at, ownFlow: overOwnFlow(attempt, binding), why }],
      () => this.#refuse(attempt, refused),
    );
  }

  /** Inputs to every re-authentication that the REGISTER means; `then` when that is durable. */
  #tell(
    attempt: Attempt,
    inputsFor: (binding: Binding) => readonly BindingInput[],
    then: () => void,
  ): void {
    const changes = bindingsMeant(attempt)
      .filter(({ reauthentication }) => reauthentication !== undefined)
      .flatMap((binding) =>
        inputsFor(binding).map(
          (input): BindingChange => ({ kind: "input", token: binding.token, input }),
        ),
      );
    this.#options.lifecycle.apply(attempt.set, changes, (problem) => {
      if (problem === undefined) then();
      else this.#refuse(attempt, refusal("store-failed", problem.message));
    });
  }

  #accept(attempt: Attempt, authenticated: boolean): void {
    if (attempt.hiddenRefusal !== undefined) {
      this.#refuse(attempt, attempt.hiddenRefusal);
      return;
    }
    const { clock, lifecycle, onLimited } = this.#options;
    const at = clock.now();
    const plan = planOf(this.#options, attempt, { at, authenticated });
    if (isRefusal(plan)) {
      this.#refuse(attempt, plan);
      return;
    }
    lifecycle.apply(attempt.set, plan.changes, (problem) => {
      if (problem !== undefined) {
        this.#refuse(attempt, refusal("store-failed", problem.message));
        return;
      }
      if (plan.displaced > 0) onLimited("contacts-per-user");
      this.#respondAccepted(attempt, plan, at);
    });
  }

  #respondAccepted(attempt: Attempt, { token, left }: Plan, at: number): void {
    const { request, subscriber, set, standing, incoming } = attempt;
    const { bindings } = this.#options;
    const response = acceptedResponse({
      request,
      subscriber,
      bindings: bindings.ofSet(set),
      binding: token === undefined ? undefined : bindings.get(token),
      isLeaving: isLeaving(attempt),
      left,
      serviceRoute: (one) => `${standing.scheme}:${one}@${standing.self};lr`,
      path: standing.path,
      trusted: standing.trusted,
      toTag: this.#tag(),
      at,
    });
    if (isLeaving(attempt) && left.length === 0) this.#logNothingLeft(attempt);
    incoming.respond(response);
  }

  /** A 200 all the same (RFC 3261 §10.3 step 7); whoever looks for the device should know. */
  #logNothingLeft({ subscriber, impu, request, bindings }: Attempt): void {
    this.#options.log.info("registration.not-bound", {
      impi: subscriber.impi,
      impu,
      callId: request.callId,
      contact: request.texts("Contact").join(", "),
      bound: bindings.map(({ address }) => address.contact),
    });
  }

  #refuse({ incoming, request, standing }: Attempt, refused: Refusal): void {
    this.#logRefusal(incoming, refused, standing);
    const headers = headersOf(refused);
    incoming.respond(newResponse(request, statusOf(refused), { toTag: this.#tag(), headers }));
  }

  #logRefusal(incoming: Incoming, refused: Refusal, standing: Standing): void {
    const { request } = incoming;
    const fields = {
      status: statusOf(refused),
      reason: refused.refused,
      why: refused.detail,
      impi: this.#impiIn(request),
      impu: request.to.uriText,
      source: deviceSource(request, standing),
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
