// Command line of `npm run test:crash`.
import { parseArgs } from "node:util";

export const HELP = `Usage: npm run test:crash -- [--runs N] [--seed S] [--seconds N] [--store sqlite|redis] [--cluster] [--outage N] [--verbose]

SIPp registers users, subscribes and re-authenticates them through a P-CSCF and an S-CSCF with SQLite stores, on loopback.
The S-CSCF is killed (SIGKILL) at N instants (default 50), then the P-CSCF at a fifth as many; each is started again
at once. After each start everything that SIPp had been told of must be there: registrations, subscriptions,
re-authentications that were asked for, with their deadlines; CSeq and version of NOTIFYs rise in each dialog, sequence
numbers of a SIM never repeat, and at the end every user who was asked has re-authenticated.

--seconds N   no new run begins after this long (then half of the time is the S-CSCF's); at least two of each are made
--seed S      draws the instants and the users that are asked (default: at random, and printed)
--store redis both keep their state in a redis-server (default: sqlite)
--outage N    with redis, after the kills: redis-server is stopped for N seconds, then killed, away for N more, and started again. Meanwhile new
              users try to register: 500 or 503, at once; then service resumes by itself, with two lines in each log
--cluster     two S-CSCFs share their users in the redis-server, one of them is killed at a time, and the other one has to serve all of its users
              before it is started again

Ends with 0 if all of it held, with 1 and what was missing if not. Needs sipp (Debian: sip-tester), and redis-server for the last three.
`;

export interface CrashOptions {
  readonly runs: number;
  readonly seed: number;
  readonly seconds: number;
  readonly store: "sqlite" | "redis";
  readonly cluster: boolean;
  /** Seconds; 0: Redis stays. */
  readonly outage: number;
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
      store: { type: "string" },
      cluster: { type: "boolean", default: false },
      outage: { type: "string", default: "0" },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const { cluster, store = cluster ? "redis" : "sqlite", verbose } = values;
  if (store !== "sqlite" && store !== "redis")
    throw new Error(`--store ${store}: expected sqlite or redis`);
  if (cluster && store !== "redis") throw new Error("--cluster: expected --store redis, or none");
  const outage = numberOf("outage", values.outage, 0, 600);
  if (outage > 0 && store !== "redis") throw new Error("--outage: expected --store redis");
  return {
    runs: numberOf("runs", values.runs, 1, 10_000),
    seed: numberOf("seed", values.seed, 0, 2 ** 31 - 1),
    seconds: numberOf("seconds", values.seconds, 1, 86_400),
    store,
    cluster,
    outage,
    verbose,
  };
}

function numberOf(name: string, written: string, min: number, max: number): number {
  const value = /^\d+$/.test(written) ? Number(written) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`--${name} ${written}: expected a whole number, ${min} to ${max}`);
}
