// What `npm start` and `npm run demo` understand on the command line.
import { parseArgs } from "node:util";
import type { FigureOptions } from "./figures.ts";

export interface LabOptions extends FigureOptions {
  /** Exit when the figures have passed, instead of staying up. */
  readonly demo: boolean;
  readonly stack: "core" | "npm-sip";
  readonly transport: "udp" | "tcp";
  /** Added to every port, so that two labs can run on one machine. */
  readonly portOffset: number;
  /** Show the nodes' logs between the ladder's lines. */
  readonly verbose: boolean;
}

export type ParsedOptions =
  | { readonly kind: "options"; readonly options: LabOptions }
  | { readonly kind: "help" }
  | { readonly kind: "refused"; readonly reason: string };

const CHOICES = {
  profile: ["seed", "ts24229"],
  expires: ["registration", "unlimited"],
  stack: ["core", "npm-sip"],
  transport: ["udp", "tcp"],
} as const;

export const HELP = `Usage: npm start [-- OPTIONS]      the lab, until Ctrl-C
       npm run demo [-- OPTIONS]   the same, ends when the figures have passed (0) or not (1)

  --profile seed|ts24229           the 2001 document's procedure, or the standard's (default seed)
  --expires registration|unlimited how long subscriptions live: with the registration, so that they
                                   are renewed after it (the dashed messages), or until it ends
  --stack core|npm-sip             the UE's SIP stack: this project's, or the npm package sip
  --transport udp|tcp              between UE and P-CSCF (default udp)
  --port-offset N                  add N to every port, to run beside another lab (default 0)
  --verbose                        show the nodes' logs too
  --help                           this text
`;

export function parseOptions(argv: readonly string[]): ParsedOptions {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        demo: { type: "boolean", default: false },
        profile: { type: "string", default: "seed" },
        expires: { type: "string", default: "registration" },
        stack: { type: "string", default: "core" },
        transport: { type: "string", default: "udp" },
        "port-offset": { type: "string", default: "0" },
        verbose: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return { kind: "help" };
    const options: LabOptions = {
      demo: values.demo,
      verbose: values.verbose,
      profile: choice("profile", values.profile),
      expires: choice("expires", values.expires),
      stack: choice("stack", values.stack),
      transport: choice("transport", values.transport),
      portOffset: offset(values["port-offset"]),
    };
    return { kind: "options", options };
  } catch (problem) {
    return {
      kind: "refused",
      reason: problem instanceof Error ? problem.message : String(problem),
    };
  }
}

function choice<K extends keyof typeof CHOICES>(
  name: K,
  written: string,
): (typeof CHOICES)[K][number] {
  const found = CHOICES[name].find((word) => word === written);
  if (found === undefined)
    throw new Error(`--${name} ${written}: expected ${CHOICES[name].join(" or ")}`);
  return found;
}

function offset(written: string): number {
  const value = Number(written);
  if (!Number.isInteger(value) || value < 0 || value > 50_000)
    throw new Error(`--port-offset ${written}: expected a number from 0 to 50000`);
  return value;
}
