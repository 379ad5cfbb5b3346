// Command line of the bench.

import { parseArgs } from "node:util";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { Refused } from "./refused.ts";
import { STORES, type StoreName } from "./registrations/ims-lab.ts";

export const USAGE = `npm run bench -- [options]

  --only codec|work|way|cycle|registrations|memory|deadlines|subscribers|restart|
          campaign|overload
                     one part (default: all but campaign and overload)
  --rates N,N,…      registrations per second (default 1000,2000,4000)
  --seconds N        of load per run, 1 to 60 (default 10)
  --rounds N         runs per rate and server, 1 to 10 (default 1)
  --stores S,S       of the nodes in the registrations, in turn: memory, sqlite, redis
                     (default memory)
  --users N          in the parts memory, restart and campaign, 1000 to 1000000 (default 100000)
  --pace N           re-authentications per second of the campaign, 1 to 10000 (default 400)
  --alone            without Kamailio
  --profile FOLDER   a CPU profile of each node during the registrations
  --port-base N      first of eight ports, ten more for each store after the first (default 17060)
  --json             the results as JSON
  --help
`;

export const PARTS = [
  "codec",
  "work",
  "way",
  "cycle",
  "registrations",
  "memory",
  "deadlines",
  "restart",
  "subscribers",
  "campaign",
  "overload",
] as const;
/** The others take minutes, or want the machine for themselves. */
const USUAL = PARTS.filter((part) => part !== "overload" && part !== "campaign");
export type Part = (typeof PARTS)[number];

export interface BenchOptions {
  readonly parts: readonly Part[];
  readonly rates: readonly number[];
  readonly seconds: number;
  readonly rounds: number;
  readonly users: number;
  readonly pace: number;
  readonly alone: boolean;
  readonly stores: readonly StoreName[];
  readonly profileFolder: string | undefined;
  readonly portBase: number;
  readonly json: boolean;
  readonly help: boolean;
}

export function readOptions(argv: readonly string[]): BenchOptions {
  const values = parse(argv);
  return {
    parts: values.only === undefined ? USUAL : [partOf(values.only)],
    rates: (values.rates ?? "1000,2000,4000")
      .split(",")
      .map((rate) => whole("rates", rate, 1, 20_000)),
    seconds: whole("seconds", values.seconds ?? "10", 1, 60),
    rounds: whole("rounds", values.rounds ?? "1", 1, 10),
    users: whole("users", values.users ?? "100000", 1000, 1_000_000),
    pace: whole("pace", values.pace ?? "400", 1, 10_000),
    alone: values.alone === true,
    stores: (values.stores ?? "memory").split(",").map(storeOf),
    profileFolder: values.profile,
    portBase: whole("port-base", values["port-base"] ?? "17060", 1024, 65_000),
    json: values.json === true,
    help: values.help === true,
  };
}

const STRINGS = [
  "only",
  "rates",
  "seconds",
  "rounds",
  "users",
  "stores",
  "pace",
  "profile",
  "port-base",
] as const;
const FLAGS = ["alone", "json", "help"] as const;
type Values = Partial<Record<(typeof STRINGS)[number], string>> &
  Partial<Record<(typeof FLAGS)[number], boolean>>;

function parse(argv: readonly string[]): Values {
  const options = Object.fromEntries([
    ...STRINGS.map((name) => [name, { type: "string" }] as const),
    ...FLAGS.map((name) => [name, { type: "boolean" }] as const),
  ]);
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values as Values;
  } catch (error) {
    throw new Refused(`${reasonOf(error)}\n\n${USAGE}`);
  }
}

function storeOf(written: string): StoreName {
  const store = STORES.find((each) => each === written);
  if (store === undefined) throw new Refused(`--stores: of ${STORES.join(", ")}, not ${written}`);
  return store;
}

function partOf(written: string): Part {
  const part = PARTS.find((each) => each === written);
  if (part === undefined) throw new Refused(`--only: one of ${PARTS.join(", ")}, not ${written}`);
  return part;
}

function whole(name: string, written: string, min: number, max: number): number {
  const value = /^\d+$/.test(written) ? Number(written) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Refused(`--${name}: whole numbers from ${min} to ${max}, not ${written}`);
}
