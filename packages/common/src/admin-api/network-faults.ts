// Rules of the network as the admin interfaces show them. docs/faults.md.

export interface NetworkFaultView {
  /** `drop NOTIFY S>P 1`. */
  readonly rule: string;
  /** Which of the messages that it is about, from 1. */
  readonly first: number;
  /** null: all that follow. */
  readonly last: number | null;
  /** Messages that it was about, since it was put. */
  readonly seen: number;
  /** Those that it has spoilt. */
  readonly acted: number;
}

export const networkFaultSchema = {
  type: "object",
  properties: {
    rule: { type: "string" },
    first: {
      type: "integer",
      minimum: 1,
      description: "Which of the messages that it is about, from 1.",
    },
    last: { type: ["integer", "null"], description: "null: all that follow." },
    seen: {
      type: "integer",
      minimum: 0,
      description: "Messages that it was about, since it was put.",
    },
    acted: { type: "integer", minimum: 0, description: "Those that it has spoilt." },
  },
  required: ["rule", "first", "last", "seen", "acted"],
  additionalProperties: false,
} as const;
