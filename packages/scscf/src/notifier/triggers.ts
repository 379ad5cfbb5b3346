// Triggers: the NOTIFYs that ask a device to re-register, and what follows from their answers. TS 24.229 §5.4.1.6.
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type {
  Foreseen,
  NotifierSubscription,
  NotifyOutcome,
  NotifyRequest,
} from "@ims-lab/common/sip/event/notifier-agent";
import { Resending } from "@ims-lab/common/sip/event/resending";
import type { Binding } from "../registration/binding.ts";
import type { Bindings } from "../registration/bindings.ts";
import type { Registrations } from "../registration/registrations.ts";
import { describeFailure, silentParty } from "./notify-failure.ts";

/** By subscription: what the commit of a trigger has made durable already. */
export type ForeseenById = ReadonlyMap<string, Foreseen>;

export interface TriggersOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly bindings: Bindings;
  readonly registrations: Registrations;
  /** The device's own live subscriptions, the best one first. */
  subscriptionsOf(binding: Binding): readonly NotifierSubscription[];
  /** Tells the subscription of this binding's contact. */
  notify(id: string, binding: Binding, request: NotifyRequest): void;
  /** The first NOTIFY of a trigger has left. */
  onAnnounced(binding: Binding): void;
}

export class Triggers {
  readonly #options: TriggersOptions;
  /** Tokens of devices whose trigger has not left yet: behind a NOTIFY that nobody has answered, it waits. */
  readonly #announcing = new Set<string>();
  /** Triggers that did not reach the device, by token. */
  readonly #resending: Resending;

  constructor(options: TriggersOptions) {
    this.#options = options;
    this.#resending = new Resending(options.clock);
  }

  /** Tokens of devices whose trigger has not left yet. */
  get announcing(): ReadonlySet<string> {
    return this.#announcing;
  }

  /** Asks the device to re-register: the own package alone where it has both. */
  trigger(binding: Binding, foreseen?: ForeseenById): void {
    const target = this.#options.subscriptionsOf(binding)[0];
    if (target === undefined) return; // its next subscription triggers anew
    this.#announcing.add(binding.token);
    this.#ask(target, binding, foreseen);
  }

  /** A NOTIFY that shows the device what it is asked has left: N runs from the first one, whichever it is. */
  asked(token: string, at: number): void {
    const { registrations, bindings, onAnnounced } = this.#options;
    if (!this.#announcing.delete(token)) return;
    registrations.input(token, { kind: "notified", at });
    const binding = bindings.get(token);
    if (binding !== undefined) onAnnounced(binding);
  }

  gone({ token }: Binding): void {
    this.#announcing.delete(token);
  }

  /** Another node asks the device. */
  drop({ token }: Binding): void {
    this.#announcing.delete(token);
    this.#resending.forget(token);
  }

  close(): void {
    this.#resending.close();
  }

  #ask(target: NotifierSubscription, binding: Binding, foreseen?: ForeseenById): void {
    const { registrations, notify } = this.#options;
    const { token } = binding;
    notify(target.id, binding, {
      foreseen: foreseen?.get(target.id),
      onSent: (at) => {
        if (this.#announcing.has(token)) this.asked(token, at);
        else registrations.input(token, { kind: "notified", at });
      },
      onOutcome: (outcome) => this.#answered(binding, target, outcome),
    });
  }

  #answered(binding: Binding, target: NotifierSubscription, outcome: NotifyOutcome): void {
    const { registrations, clock, log, subscriptionsOf } = this.#options;
    const { token, impi, impu } = binding;
    this.#announcing.delete(token);
    if (outcome.kind === "acknowledged") {
      this.#resending.forget(token);
      registrations.input(token, { kind: "acknowledged", at: clock.now() });
      return;
    }
    const why = describeFailure(outcome);
    const { callId } = target.dialog;
    const silent = silentParty(outcome, binding);
    const fields = { bindingId: token, impi, impu, callId, why, silent };
    log.warn("reauthentication.notify-failed", fields);
    registrations.input(token, { kind: "notify-failed", why });
    const next = this.#running(binding) === undefined ? undefined : subscriptionsOf(binding)[0];
    if (next === undefined) this.#resending.forget(token);
    else if (next.id !== target.id) this.trigger(binding);
    else this.#resending.failed(token, outcome, () => this.#askAgain(binding));
  }

  /** 430, 503 and the like leave the subscription alone: while nothing was heard of the device, it is asked again. */
  #askAgain(asked: Binding): void {
    const now = this.#running(asked);
    const isUnheard = now?.reauthentication?.progress === "notified";
    const [target] = isUnheard ? this.#options.subscriptionsOf(now) : [];
    if (now === undefined || target === undefined) this.#resending.forget(asked.token);
    else this.#ask(target, now);
  }

  /** The binding as it is now, while the re-authentication that it was asked for runs. */
  #running({ token, reauthentication }: Binding): Binding | undefined {
    const now = this.#options.bindings.get(token);
    return now?.reauthentication?.id === reauthentication?.id ? now : undefined;
  }
}
