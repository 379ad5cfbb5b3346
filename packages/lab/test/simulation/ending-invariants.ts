// Invariants of ends: each re-authentication has one, and everybody counts it. TS 24.229 §5.4.1.6.
import { type Invariant, unless } from "./invariant.ts";

export interface EndFacts {
  /** Re-authentications that began, and how many ends each has had. */
  readonly ends: ReadonlyMap<string, number>;
  /** Known to run still. */
  readonly running: ReadonlySet<string>;
}

export const ONE_END: Invariant<EndFacts> = {
  name: "one end each",
  clause: "TS 24.229 §5.4.1.6",
  holds: "each re-authentication that was asked for runs, or has ended in exactly one end",
  check: ({ ends, running }) =>
    [...ends].flatMap(([id, count]) => {
      const expected = running.has(id) ? 0 : 1;
      return unless(count === expected, () => `re-authentication ${id} has ended ${count} times`);
    }),
};

export interface CountFacts {
  /** Of one life of an S-CSCF: by end, as its events said and as its metrics and its list say. */
  readonly events: ReadonlyMap<string, number>;
  readonly metrics: ReadonlyMap<string, number>;
  readonly listed: ReadonlyMap<string, number>;
}

export const COUNTS_AGREE: Invariant<CountFacts> = {
  name: "counts agree",
  clause: "docs/operations.md, metrics",
  holds: "events, metrics and the list of re-authentications name the same ends equally often",
  check: ({ events, metrics, listed }) =>
    [...new Set([...events.keys(), ...metrics.keys(), ...listed.keys()])].flatMap((end) => {
      const [said, counted, shown] = [events, metrics, listed].map((one) => one.get(end) ?? 0);
      return unless(
        said === counted && counted === shown,
        () => `${end}: ${said} events, ${counted} in the metrics, ${shown} in the list`,
      );
    }),
};

export interface CampaignCountFacts {
  readonly id: string;
  /** Re-authentications that it has asked for, and how many of them the store has an end of. */
  readonly asked: number;
  readonly ended: number;
  /** The same as the campaign says. */
  readonly saysAsked: number;
  readonly saysEnded: number;
}

export const CAMPAIGNS_COUNT: Invariant<CampaignCountFacts> = {
  name: "campaigns count all",
  clause: "docs/operations.md, campaigns",
  holds:
    "a campaign counts each re-authentication that it asked for once, and its end once, whenever the node dies",
  check: ({ id, asked, ended, saysAsked, saysEnded }) => [
    ...unless(asked === saysAsked, () => `${id}: ${asked} were asked, it says ${saysAsked}`),
    ...unless(ended === saysEnded, () => `${id}: ${ended} have ended, it says ${saysEnded}`),
  ],
};
