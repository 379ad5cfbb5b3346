// Command line of `npm run test:crash`.
import { parseArgs } from "node:util";

export const HELP = `Usage: npm run test:crash -- [--runs N] [--seed S] [--seconds N] [--verbose]

SIPp registers users, subscribes and re-authenticates them through a P-CSCF and an S-CSCF with SQLite stores, on loopback.
The S-CSCF is killed (SIGKILL) at N instants (default 50), then the P-CSCF at a fifth as many; each is started again
at once. After each start everything that SIPp had been told of must be there: registrations, subscriptions,
re-authentications that were asked for, with their deadlines; CSeq and version of NOTIFYs rise in each dialog, sequence
numbers of a SIM never repeat, and at the end every user who was asked has re-authenticated.

--seconds N   no new run begins after this long (then half of the time is the S-CSCF's); at least two of each are made
--seed S      draws the instants and the users that are asked (default: at random, and printed)

Ends with 0 if all of it held, with 1 and what was missing if not. Needs sipp (Debian: sip-tester).
`;

export interface CrashOptions {
  readonly runs: number;
  readonly seed: number;
  readonly seconds: number;
  readonly verbose: boolean;
}

/** Undefined: help is asked for. Throws when they cannot be read. */
export function readOptions(argv: readonly string[], drawnSeed: number): CrashOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runs: { type: "string", default: "50" },
      seed: { type: "string", default: String(drawnSeed) },
      seconds: { type: "string", default: "3600" },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    runs: numberOf("runs", values.runs, 1, 10_000),
    seed: numberOf("seed", values.seed, 0, 2 ** 31 - 1),
    seconds: numberOf("seconds", values.seconds, 1, 86_400),
    verbose: values.verbose,
  };
}

function numberOf(name: string, written: string, min: number, max: number): number {
  const value = /^\d+$/.test(written) ? Number(written) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`--${name} ${written}: expected a whole number, ${min} to ${max}`);
}
