// A network rule's messages within a figure.
import {
  type FigureNumber,
  isAbout,
  type NetworkRule,
  type Place,
} from "@ims-lab/common/faults/network-rule";
import { type Figure, type FigureOptions, figurePlan, type Step } from "./figures.ts";
import type { Participant } from "./message-correlator.ts";

/** What a rule would never act on; undefined: its figure has such a message. */
export function whyNever(rule: NetworkRule, options: FigureOptions): string | undefined {
  if (rule.figure === undefined) return undefined;
  const figure = figureOf(rule.figure, options);
  if (figure === undefined) return `Figure ${rule.figure} has no counterpart in TS 24.229`;
  const meant = figure.steps.filter((step) => isOfStep(rule, step));
  if (meant.length > 0) return undefined;
  const names = new Set(figure.steps.filter((step) => isOfHop(rule, step)).map(nameOf));
  const there = names.size === 0 ? "nothing" : [...names].join(", ");
  return `Figure ${figure.label} has no such message; ${rule.from}>${rule.to} has ${there}`;
}

function figureOf(number: FigureNumber, options: FigureOptions): Figure | undefined {
  const { registration, byServing, byProxy } = figurePlan(options);
  const all = [...registration, byServing, ...(byProxy === undefined ? [] : [byProxy])];
  return all.find(({ label }) => numberOf(label) === number);
}

/** `4 of TS 24.229` stands in for Figure 4. */
export function numberOf(label: string): string {
  return label.charAt(0);
}

export const PLACES: Readonly<Record<Place, Participant>> = { U: "UE", P: "P-CSCF", S: "S-CSCF" };

/** What goes all the way is met at its sender. */
function isOfHop({ from, to }: NetworkRule, step: Step): boolean {
  const isAllTheWay = from !== "P" && to !== "P";
  return step.from === PLACES[from] && step.to === (isAllTheWay ? "P-CSCF" : PLACES[to]);
}

function isOfStep(rule: NetworkRule, step: Step): boolean {
  return isOfHop(rule, step) && isAbout(rule, step.method, step.status);
}

function nameOf({ method, status }: Step): string {
  return status === undefined ? method : `${status} ${method}`;
}
