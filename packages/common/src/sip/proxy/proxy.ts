// The stateful proxy core: forks a request, carries its responses back, cancels. RFC 3261 §16, RFC 6026, RFC 5393.
import type { Clock, Timer } from "../../platform/clock.ts";
import { newResponse, type SipResponse } from "../message/message.ts";
import { reasonPhrase } from "../message/reason-phrases.ts";
import type {
  ClientTransaction,
  Incoming,
  RequestFailure,
  RequestSender,
} from "../transaction/user.ts";
import { groupsOf, type Target } from "./fork.ts";
import { loopTail } from "./loop.ts";
import {
  type ContextEffect,
  type ContextInput,
  type ContextState,
  type ContextTimer,
  newContext,
  stepContext,
} from "./response-context.ts";

export interface ProxyOptions {
  readonly clock: Clock;
  /** RFC 3261 §16.6 item 11: more than three minutes. Milliseconds. */
  readonly timerC?: number;
  /** How long a cancelled branch may stay silent (64*T1). Milliseconds. */
  readonly cancelledMs?: number;
}

export interface Forwarding {
  readonly incoming: Incoming;
  readonly sender: RequestSender;
  /** At least one. */
  readonly targets: readonly Target[];
  /** Edits a copy of each response, those made here included, before it goes back. */
  answer?(response: SipResponse, target: Target | undefined): SipResponse;
  /** §16.7 step 6: what stands for a 503 of the next hop. Default: a plain 500. */
  unavailable?(received: SipResponse | undefined): SipResponse;
}

const TIMER_C_MS = 185_000;
const CANCELLED_MS = 32_000;

export class ProxyCore {
  readonly #options: ProxyOptions;
  /** Found again by the CANCEL of the same hop. */
  readonly #contexts = new WeakMap<Incoming, ResponseContext>();
  readonly #timers = new Set<Timer>();

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  /** Ends all timers; nothing more is said. */
  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** Answers through `incoming`; never throws for what peers do. */
  forward(job: Forwarding): void {
    const { incoming, targets } = job;
    const { request } = incoming;
    const groups = groupsOf(request, targets);
    if (groups === undefined) {
      const refused = newResponse(request, 440, { reason: "Max-Breadth Exceeded" });
      incoming.respond(job.answer?.(refused, undefined) ?? refused);
      return;
    }
    const invite = request.method === "INVITE";
    // §16.2: at once for INVITE; for others the transaction sends it when due (RFC 4320 §4.1).
    if (invite) incoming.respond(newResponse(request, 100));
    const context = new ResponseContext(this.#options, job, groups, this.#timers);
    if (invite) this.#contexts.set(incoming, context);
    context.start();
  }

  /** §16.10: a CANCEL that came. False: it belongs to nothing here, which is a 481. */
  cancel(incoming: Incoming): boolean {
    const { cancels } = incoming;
    const context = cancels && this.#contexts.get(cancels);
    if (context === undefined) return false;
    incoming.respond(newResponse(incoming.request, 200));
    context.stop({ kind: "cancel" }, incoming.request.texts("Reason")); // RFC 3326 §2
    return true;
  }

  /**
   * Ends the INVITE that came: those who ring hear CANCEL, its sender 480.
   * @param reason a value of Reason
   */
  end(incoming: Incoming, reason: string): void {
    this.#contexts.get(incoming)?.stop({ kind: "end" }, [reason]);
  }

  /** The same for one target: it stops ringing, or is not tried when its turn comes. */
  withdraw(incoming: Incoming, target: Target, reason: string): void {
    this.#contexts.get(incoming)?.withdraw(target, [reason]);
  }
}

class ResponseContext {
  readonly #options: ProxyOptions;
  readonly #job: Forwarding;
  readonly #targets: readonly Target[];
  readonly #clients: ClientTransaction[] = [];
  readonly #finals = new Map<number, SipResponse>();
  readonly #timers = new Map<string, Timer>();
  readonly #running: Set<Timer>;
  #state: ContextState;
  /** What the caller, or who ended it in his place, has said. */
  #reasons: readonly string[] = [];
  readonly #withdrawn = new Set<Target>();

  /** @param running timers of all contexts */
  constructor(
    options: ProxyOptions,
    job: Forwarding,
    groups: readonly (readonly Target[])[],
    running: Set<Timer>,
  ) {
    this.#options = options;
    this.#job = job;
    this.#running = running;
    this.#targets = groups.flat();
    const sizes = groups.map(({ length }) => length);
    this.#state = newContext(job.incoming.request.method === "INVITE", sizes);
  }

  start(): void {
    this.apply({ kind: "start" });
  }

  stop(input: ContextInput, reasons: readonly string[]): void {
    this.#reasons = reasons;
    this.apply(input);
  }

  withdraw(target: Target, reasons: readonly string[]): void {
    this.#withdrawn.add(target);
    this.stop({ kind: "withdraw", branch: this.#targets.indexOf(target) }, reasons);
  }

  apply(input: ContextInput, response?: SipResponse): void {
    const { state, effects } = stepContext(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#perform(effect, input, response);
  }

  #perform(effect: ContextEffect, input: ContextInput, response: SipResponse | undefined): void {
    switch (effect.kind) {
      case "launch":
        for (let at = 0; at < effect.count; at++) this.#launch(effect.first + at);
        return;
      case "forward":
        if (response !== undefined && input.kind === "response")
          this.#back(response, this.#targets[input.branch]);
        return;
      case "answer":
        this.#answer(effect.branch, effect.status);
        return;
      case "cancel":
        this.#clients[effect.branch]?.cancel(this.#reasonsFor(input));
        return;
      case "abandon":
        this.#clients[effect.branch]?.abandon();
        return;
      case "start":
        this.#arm(effect.timer, effect.branch);
        return;
      case "stop":
        this.#stop(`${effect.timer} ${effect.branch}`);
        return;
    }
  }

  #launch(branch: number): void {
    const { sender, incoming } = this.#job;
    const target = this.#targets[branch];
    if (target === undefined) return;
    if (this.#withdrawn.has(target)) {
      this.apply({ kind: "response", branch, status: 480 });
      return;
    }
    const handlers = {
      onResponse: (response: SipResponse): void => this.#received(branch, response),
      onFailure: (why: RequestFailure): void =>
        this.apply({
          kind: "failure",
          branch,
          why: why === "timeout" ? "timeout" : "unavailable",
        }),
    };
    const branchTail = loopTail(incoming.request);
    this.#clients[branch] = sender.request(target.request, target.to, handlers, { branchTail });
  }

  #reasonsFor(input: ContextInput): readonly string[] {
    switch (input.kind) {
      case "cancel":
      case "end":
      case "withdraw":
        return this.#reasons;
      case "response":
        return [answeredElsewhere(input.status)];
      case "start":
      case "failure":
      case "timer":
        return [];
    }
  }

  #received(branch: number, received: SipResponse): void {
    const { status } = received;
    if (status === 100) {
      this.apply({ kind: "response", branch, status });
      return;
    }
    const response = received.clone().withOwnLength();
    response.pop("Via");
    if (!response.has("Via")) return; // §16.7 step 3: it was meant for us
    if (status >= 300) this.#finals.set(branch, response);
    this.apply({ kind: "response", branch, status }, response);
  }

  #arm(timer: ContextTimer, branch: number): void {
    const { clock, timerC = TIMER_C_MS, cancelledMs = CANCELLED_MS } = this.#options;
    const key = `${timer} ${branch}`;
    this.#stop(key);
    const armed = clock.after(timer === "C" ? timerC : cancelledMs, () => {
      this.#running.delete(armed);
      this.apply({ kind: "timer", timer, branch });
    });
    this.#timers.set(key, armed);
    this.#running.add(armed);
  }

  #stop(key: string): void {
    const timer = this.#timers.get(key);
    if (timer === undefined) return;
    timer.cancel();
    this.#running.delete(timer);
  }

  /** The response of a branch, else one made here for what happened to it. */
  #answer(branch: number, status: number): void {
    const { incoming, unavailable } = this.#job;
    const own = this.#finals.get(branch);
    const received = own?.status === status ? own : undefined;
    const target = this.#targets[branch];
    if (status === 503) {
      this.#back(unavailable?.(received) ?? newResponse(incoming.request, 500), target);
      return;
    }
    const response = received ?? newResponse(incoming.request, status);
    if (status === 401 || status === 407) this.#gatherChallenges(response, branch);
    this.#back(response, target);
  }

  /** §16.7 step 7: the caller answers all challenges at once. */
  #gatherChallenges(response: SipResponse, chosen: number): void {
    for (const [branch, other] of this.#finals) {
      if (branch === chosen || (other.status !== 401 && other.status !== 407)) continue;
      for (const name of ["WWW-Authenticate", "Proxy-Authenticate"] as const)
        for (const value of other.texts(name)) response.append(name, value);
    }
  }

  #back(response: SipResponse, target: Target | undefined): void {
    const { incoming, answer } = this.#job;
    incoming.respond(answer === undefined ? response : answer(response, target));
  }
}

/** RFC 3326 §3.1: so that a phone does not list as missed what was answered or declined elsewhere. */
function answeredElsewhere(status: number): string {
  const text = status < 300 ? "Call completed elsewhere" : reasonPhrase(status);
  return `SIP;cause=${status < 300 ? 200 : status};text="${text}"`;
}
