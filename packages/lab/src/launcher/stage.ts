// A stretch of the run: some figures watched at once, until all have passed or the time is over.
import type { Clock, Timer } from "@ims-lab/common/platform/clock";
import { type Figure, FigureWatch } from "./figures.ts";
import type { SeenMessage } from "./sightings.ts";

export interface StageStep {
  readonly figure: Figure;
  readonly number: number;
}

export class Stage {
  readonly watches: readonly FigureWatch[];
  /** Resolves when every figure has passed, or `seconds` after the start. */
  readonly over: Promise<void>;
  #finish: () => void = () => undefined;
  readonly #timer: Timer;

  constructor(figures: readonly Figure[], clock: Clock, seconds: number) {
    this.watches = figures.map((figure) => new FigureWatch(figure));
    this.over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#timer = clock.after(seconds * 1000, () => this.#finish());
  }

  /** The step this message is; of several figures the first that has it names it. */
  take(seen: SeenMessage): StageStep | undefined {
    let step: StageStep | undefined;
    for (const watch of this.watches) {
      const number = watch.take(seen);
      if (number !== undefined) step ??= { figure: watch.figure, number };
    }
    if (this.hasPassed) {
      this.#timer.cancel();
      this.#finish();
    }
    return step;
  }

  get hasPassed(): boolean {
    return this.watches.every((watch) => watch.missing.length === 0);
  }
}
