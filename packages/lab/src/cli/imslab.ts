// The `imslab` command: one invocation, from its arguments to its exit code. docs/operations.md.
import { readFileSync } from "node:fs";
import { printable } from "@ims-lab/common/platform/printable";
import { adminClient } from "./admin-client.ts";
import { IMSLAB_HELP, type Invocation, readArguments } from "./arguments.ts";
import type { CommandContext, Session } from "./command.ts";
import { CommandFailure, EXIT } from "./exit-codes.ts";
import { UsageError } from "./option-values.ts";

/** Never throws for anything a user or a node can do; answers the exit code. */
export async function imslab(argv: readonly string[], context: CommandContext): Promise<number> {
  try {
    const invocation = readArguments(argv, context.env);
    if (invocation.run !== undefined) return await invocation.run(sessionOf(invocation, context));
    context.stdout.write(IMSLAB_HELP);
    return EXIT.done;
  } catch (problem) {
    if (problem instanceof UsageError) {
      context.stderr.write(`imslab: ${problem.message}\nimslab --help says more\n`);
      return EXIT.usage;
    }
    if (problem instanceof CommandFailure) {
      context.stderr.write(`imslab: ${printable(problem.message)}\n`);
      for (const detail of problem.details) context.stderr.write(`  ${printable(detail)}\n`);
      return problem.exitCode;
    }
    throw problem;
  }
}

function sessionOf(invocation: Invocation, context: CommandContext): Session {
  const { json, scscfUrl, pcscfUrl, ueUrl } = invocation;
  const common = { token: tokenOf(invocation), fetch: context.fetch };
  return {
    context,
    json,
    scscf: adminClient({ ...common, node: "S-CSCF", url: scscfUrl, urlOption: "--url" }),
    pcscf: adminClient({ ...common, node: "P-CSCF", url: pcscfUrl, urlOption: "--pcscf-url" }),
    ue: adminClient({ ...common, node: "UE", url: ueUrl, urlOption: "--ue-url" }),
  };
}

function tokenOf({ token, tokenFile }: Invocation): string | undefined {
  if (token !== undefined || tokenFile === undefined) return token;
  try {
    return readFileSync(tokenFile, "utf8").trim();
  } catch (problem) {
    throw new UsageError(`--token-file: ${problem instanceof Error ? problem.message : problem}`);
  }
}
