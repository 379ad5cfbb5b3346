// Terminal output of a run: headings, ladder lines, remarks, verdicts.
import { printable } from "@ims-lab/common/platform/printable";
import {
  type Environment,
  hasColours,
  paint,
  type Terminal,
  widthOf,
  wrapped,
} from "../terminal.ts";
import type { Device } from "./devices.ts";
import type { Figure, FigureProgress } from "./figures.ts";
import { ladderHead, ladderLine } from "./ladder.ts";
import type { LadderMessage } from "./message-correlator.ts";
import type { Remark } from "./remark-queue.ts";
import type { PassedStep, ScenarioRun } from "./scenario-run.ts";

/** Of devices, in order of appearance: not those of methods and statuses. */
const COLOURS = [35, 34, 95, 94, 33, 96];
const MARKS = { good: ["✔", 32], bad: ["✗", 31], note: ["·", 2] } as const;

export class TerminalOutput {
  readonly #terminal: Terminal;
  readonly #env: Environment;
  readonly #colours = new Map<string, number>();
  #shown: Figure | undefined;

  constructor(terminal: Terminal, env: Environment) {
    this.#terminal = terminal;
    this.#env = env;
  }

  get width(): number {
    return widthOf(this.#terminal, this.#env);
  }

  /** A line that fits, broken where it does not; what is to be copied goes through `sayWhole`. */
  say(text = "", indent = 0): void {
    for (const line of wrapped(printable(text), this.width, indent)) this.sayWhole(line);
  }

  sayWhole(line: string): void {
    this.#terminal.write(`${line}\n`);
  }

  /** A ladder line; a heading before it when it opens another figure. */
  message(seen: LadderMessage, device: Device, step: PassedStep | undefined): void {
    if (step !== undefined && step.figure !== this.#shown) {
      this.#shown = step.figure;
      this.heading(`Figure ${step.figure.label}: ${step.figure.title}`);
      this.sayWhole(ladderHead(this.width));
    }
    const label = step === undefined ? "" : `${step.figure.label.slice(0, 1)}.${step.number}`;
    const line = { step: label, who: device.label, colour: this.#colourOf(device.label) };
    this.sayWhole(ladderLine(seen, line, { width: this.width, colour: this.#hasColours }));
  }

  remark({ tone, who, text }: Remark): void {
    const [mark, code] = MARKS[tone];
    const indent = " ".repeat(this.width < 60 ? 2 : 18);
    const said = `${indent}${mark} ${printable(who === "" ? text : `${who}${text}`)}`;
    for (const line of wrapped(said, this.width, indent.length + 2))
      this.sayWhole(paint(this.#hasColours, code, line));
  }

  heading(text: string): void {
    this.say();
    for (const line of wrapped(printable(text), this.width, 0))
      this.sayWhole(paint(this.#hasColours, 1, line));
  }

  /** A line per figure: complete, or what is missing. */
  verdict(run: ScenarioRun): void {
    this.say();
    for (const watch of run.progress) this.#verdictOf(watch);
  }

  /** The demo's last line. */
  result(passed: boolean, text: string): void {
    const word = passed ? "PASS" : "FAIL";
    this.sayWhole(paint(this.#hasColours, passed ? 32 : 31, `${word}: ${text}`));
  }

  get #hasColours(): boolean {
    return hasColours(this.#terminal, this.#env);
  }

  /** A user's devices have the user's colour. */
  #colourOf(label: string): number {
    const key = label.replace(/#\d+$/, "");
    const colour = this.#colours.get(key) ?? COLOURS[this.#colours.size % COLOURS.length] ?? 35;
    if (this.#colours.size < 1_000) this.#colours.set(key, colour);
    return colour;
  }

  #verdictOf({ figure, missing }: FigureProgress): void {
    const of = `Figure ${figure.label}`;
    const [first] = missing;
    const left = missing.length === 1 ? "1 message" : `${missing.length} messages`;
    const text =
      first === undefined
        ? `${of}: all ${figure.steps.length} messages passed in order`
        : `${of}: ${left} missing; the first is message ${first.number}, ${first.name}, from ${first.from} to ${first.to}`;
    for (const line of wrapped(text, this.width, 0))
      this.sayWhole(paint(this.#hasColours, first === undefined ? 32 : 31, line));
  }
}
