// One run of a scenario: its figures, until all have passed or its time is over.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { type Figure, FigureProgress } from "./figures.ts";
import type { LadderMessage } from "./message-correlator.ts";

export interface PassedStep {
  readonly figure: Figure;
  readonly number: number;
}

export class ScenarioRun {
  readonly progress: readonly FigureProgress[];
  /** Resolves when every figure has passed, or `seconds` after the start. */
  readonly over: Promise<void>;
  #finish: () => void = () => undefined;
  readonly #timer: Timer;

  readonly #onPassed: (figure: Figure) => void;

  /** @param onPassed told once of each figure that has passed */
  constructor(
    figures: readonly Figure[],
    clock: Clock,
    seconds: number,
    onPassed: (figure: Figure) => void = () => undefined,
  ) {
    this.#onPassed = onPassed;
    this.progress = figures.map((figure) => new FigureProgress(figure));
    this.over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#timer = clock.after(seconds * 1000, () => this.#finish());
  }

  /** The step this message is; of several figures the first that has it names it. */
  take(seen: LadderMessage): PassedStep | undefined {
    let step: PassedStep | undefined;
    for (const followed of this.progress) {
      const number = followed.take(seen);
      if (number === undefined) continue;
      step ??= { figure: followed.figure, number };
      if (followed.missing.length === 0) this.#onPassed(followed.figure);
    }
    if (this.hasPassed) {
      this.#timer.cancel();
      this.#finish();
    }
    return step;
  }

  get hasPassed(): boolean {
    return this.progress.every(({ missing }) => missing.length === 0);
  }
}
