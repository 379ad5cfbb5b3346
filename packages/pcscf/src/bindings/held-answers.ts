// Answers to REGISTER that wait for their binding's commit, and what follows them to the same UE: it leaves behind them.

interface Held {
  answers: number;
  readonly following: (() => void)[];
}

export class HeldAnswers {
  /** By the binding's token. */
  readonly #held = new Map<string, Held>();

  /** Until `release`. */
  hold(token: string): void {
    const held = this.#held.get(token);
    if (held === undefined) this.#held.set(token, { answers: 1, following: [] });
    else held.answers += 1;
  }

  /** The answer has left. */
  release(token: string): void {
    const held = this.#held.get(token);
    if (held === undefined) return;
    held.answers -= 1;
    if (held.answers > 0) return;
    this.#held.delete(token);
    for (const send of held.following) send();
  }

  /** At once, where no answer about this binding is held. */
  behind(token: string, send: () => void): void {
    const held = this.#held.get(token);
    if (held === undefined) send();
    else held.following.push(send);
  }
}
