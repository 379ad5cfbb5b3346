// The shape of an invariant of a simulation.

/** Times are milliseconds since the epoch. */
export interface Invariant<Facts> {
  readonly name: string;
  /** Where it is written. */
  readonly clause: string;
  /** What must hold. */
  readonly holds: string;
  /** Each way in which it does not, in words; empty: it holds. */
  check(facts: Facts): readonly string[];
}

/** A 200 says whole seconds, and a commit takes its time. */
export const SLACK_MS = 1_100;

export function unless(holds: boolean, otherwise: () => string): readonly string[] {
  return holds ? [] : [otherwise()];
}

export function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
