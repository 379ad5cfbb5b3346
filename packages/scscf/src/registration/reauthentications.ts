// Asking for re-authentications, looking at them, waiting for their end.
import type { ReauthenticationCause } from "@ims-lab/common/admin-api/views";
import type { Clock } from "@ims-lab/common/platform/clock";
import { Groups } from "@ims-lab/common/platform/groups";
import type { Random } from "@ims-lab/common/platform/random";
import type { Binding } from "./binding.ts";
import type { RegistrationEvent, RegistrationSubscriber } from "./events.ts";
import type { Due, Ended, Reauthentication } from "./reauthentication.ts";
import type { Registrations } from "./registrations.ts";

export interface Asked {
  /** False: it ran already, and was joined. */
  readonly isNew: boolean;
  readonly id: string;
}

/** Ended ones that are remembered; the oldest go first. */
const REMEMBERED = 10_000;

export class Reauthentications implements RegistrationSubscriber {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #registrations: Registrations;
  readonly #running = new Map<string, string>();
  /** By token: ids of those that were asked for and are not durable yet. */
  readonly #beginning = new Map<string, string>();
  readonly #ended = new Map<string, Ended>();
  readonly #waiting = new Groups<string, () => void>();

  constructor(options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly registrations: Registrations;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#registrations = options.registrations;
  }

  /**
   * One object per binding under one request id; a binding whose re-authentication runs is joined.
   * @param withinMs in the place of N; one that runs is only made shorter
   */
  ask(
    bindings: readonly Binding[],
    cause: ReauthenticationCause,
    withinMs?: number,
  ): readonly Asked[] {
    const requestId = this.#random.hex(8);
    const at = this.#clock.now();
    const asked: Asked[] = [];
    for (const { token, reauthentication } of bindings) {
      const runningId = reauthentication?.id ?? this.#beginning.get(token);
      const joins = runningId !== undefined;
      const id = runningId ?? this.#random.hex(8);
      asked.push({ isNew: !joins, id });
      this.#running.set(id, token);
      if (!joins) this.#beginning.set(token, id);
      const input = { kind: "asked", at, id, requestId, cause, withinMs, joins } as const;
      this.#registrations.input(token, input, { settled: () => this.#asked(token, id) });
    }
    return asked;
  }

  /** Nobody waits for one whose binding went before it could begin. */
  #asked(token: string, id: string): void {
    if (this.#beginning.get(token) === id) this.#beginning.delete(token);
    if (this.#dueOf(token)?.id === id || !this.#running.delete(id)) return;
    this.#wake(id);
  }

  #wake(id: string): void {
    for (const wake of this.#waiting.take(id)) wake();
  }

  on(event: RegistrationEvent): void {
    if (event.kind === "reauthentication-asked") {
      // Also those that began with a challenge.
      const { token, reauthentication: due } = event.binding;
      if (due !== undefined) this.#running.set(due.id, token);
    }
    if (event.kind !== "reauthentication-ended") return;
    const { reauthentication } = event;
    const { id } = reauthentication;
    this.#running.delete(id);
    this.#ended.set(id, reauthentication);
    if (this.#ended.size > REMEMBERED) this.#forgetOldest();
    this.#wake(id);
  }

  #forgetOldest(): void {
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined) this.#ended.delete(oldest);
  }

  get(id: string): Reauthentication | undefined {
    const token = this.#running.get(id);
    return token === undefined ? this.#ended.get(id) : this.#dueOf(token);
  }

  /** Running ones first, then the ended, latest first. */
  list(): readonly Reauthentication[] {
    const running = [...this.#running.values()].flatMap((token) => this.#dueOf(token) ?? []);
    return [...running, ...[...this.#ended.values()].reverse()];
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Resolves when all have ended or the time is over. */
  async wait(ids: readonly string[], milliseconds: number): Promise<void> {
    const open = ids.filter((id) => this.#running.has(id));
    if (open.length === 0 || milliseconds <= 0) return;
    await new Promise<void>((resolve) => {
      let left = open.length;
      const timer = this.#clock.after(milliseconds, resolve);
      const wake = (): void => {
        left -= 1;
        if (left > 0) return;
        timer.cancel();
        resolve();
      };
      for (const id of open) {
        this.#waiting.add(id, wake);
      }
    });
  }

  /** Another node has the binding, and what it is asked for: whoever waits for it here waits no more. */
  drop({ token }: Binding): void {
    const ids = [this.#dueOf(token)?.id, this.#beginning.get(token)];
    this.#beginning.delete(token);
    for (const id of ids) if (id !== undefined && this.#running.delete(id)) this.#wake(id);
  }

  restore({ token, reauthentication }: Binding): void {
    if (reauthentication !== undefined) this.#running.set(reauthentication.id, token);
  }

  #dueOf(token: string): Due | undefined {
    return this.#registrations.known(token)?.reauthentication;
  }
}
