// What a person sees of a run: headings, ladder lines, verdicts.
import type { Figure, FigureWatch } from "./figures.ts";
import { ladderHead, ladderLine, paint } from "./ladder.ts";
import type { SeenMessage } from "./sightings.ts";
import type { Stage, StageStep } from "./stage.ts";

export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export class View {
  readonly #terminal: Terminal;
  readonly #colour: boolean;
  #shown: Figure | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#colour = terminal.isTTY === true;
  }

  say(text = ""): void {
    this.#terminal.write(`${text}\n`);
  }

  /** A ladder line; a heading before it when it opens another figure. */
  message(seen: SeenMessage, step: StageStep | undefined): void {
    if (step !== undefined && step.figure !== this.#shown) {
      this.#shown = step.figure;
      this.heading(`Figure ${step.figure.label}: ${step.figure.title}`);
      this.say(ladderHead());
    }
    const label = step === undefined ? "" : `${step.figure.label.slice(0, 1)}.${step.number}`;
    this.say(ladderLine(seen, label, this.#colour));
  }

  heading(text: string): void {
    this.say();
    this.say(paint(this.#colour, 1, text));
  }

  /** A line per figure: complete, or what is missing. */
  verdict(stage: Stage): void {
    this.say();
    for (const watch of stage.watches) this.say(this.#verdictOf(watch));
  }

  #verdictOf({ figure, missing }: FigureWatch): string {
    const of = `Figure ${figure.label}`;
    const [first] = missing;
    if (first === undefined)
      return paint(this.#colour, 32, `${of}: all ${figure.steps.length} messages passed in order`);
    const left = missing.length === 1 ? "1 message" : `${missing.length} messages`;
    const where = `message ${first.number}, ${first.name}, from ${first.from} to ${first.to}`;
    return paint(this.#colour, 31, `${of}: ${left} missing; the first is ${where}`);
  }
}
