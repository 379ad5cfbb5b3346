// The tally of a series of runs, as text.
import type { RunResult } from "./run.ts";

export class Tally {
  #runs = 0;
  #failed = 0;
  #steps = 0;
  #messages = 0;
  #restarts = 0;
  readonly #acts = new Map<string, number>();
  readonly #ends = new Map<string, number>();

  add({ violation, steps, messages, restarts, acts, ends }: RunResult): void {
    this.#runs++;
    this.#failed += Number(violation !== undefined);
    this.#steps += steps;
    this.#messages += messages;
    this.#restarts += restarts;
    addUp(this.#acts, acts);
    addUp(this.#ends, ends);
  }

  get failed(): number {
    return this.#failed;
  }

  /** @param of how many runs there are to be */
  progress(of: number): string {
    return `${this.#runs} of ${of} runs, ${this.#steps} steps, ${this.#messages} messages, ${this.#failed} failed`;
  }

  get summary(): string {
    return [
      `runs      ${this.#runs}, ${this.#failed} failed`,
      `steps     ${this.#steps}`,
      `messages  ${this.#messages}`,
      `restarts  ${this.#restarts} of CSCFs`,
      `acts      ${inWords(this.#acts)}`,
      `ends      ${inWords(this.#ends)}`,
    ].join("\n");
  }
}

function addUp(sums: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [name, count] of more) sums.set(name, (sums.get(name) ?? 0) + count);
}

/** The most frequent first. */
function inWords(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}
