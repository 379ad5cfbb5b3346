// The `imslab` command: one invocation, from its arguments to its exit code. docs/operations.md.

import { readFileSync } from "node:fs";
import { printable } from "@ims-lab/common/platform/printable";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { adminClient } from "./admin-client.ts";
import { type Invocation, readArguments } from "./arguments.ts";
import type { CommandContext, Session } from "./command.ts";
import { CommandFailure, EXIT } from "./exit-codes.ts";
import { tokenOf, UsageError } from "./option-values.ts";

/** Never throws for anything a user or a node can do; answers the exit code. */
export async function imslab(argv: readonly string[], context: CommandContext): Promise<number> {
  try {
    const invocation = readArguments(argv, context.env);
    const { task } = invocation;
    if ("run" in task) return await task.run(sessionOf(invocation, context));
    context.stdout.write(task.help);
    return EXIT.done;
  } catch (problem) {
    if (problem instanceof UsageError) {
      context.stderr.write(`imslab: ${printable(problem.message)}\nimslab --help says more\n`);
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
  const common = { token: bearerOf(invocation), fetch: context.fetch };
  return {
    context,
    json,
    scscf: adminClient({ ...common, node: "S-CSCF", url: scscfUrl, urlOption: "--url" }),
    pcscf: adminClient({ ...common, node: "P-CSCF", url: pcscfUrl, urlOption: "--pcscf-url" }),
    ue: adminClient({ ...common, node: "UE", url: ueUrl, urlOption: "--ue-url" }),
  };
}

function bearerOf({ token, tokenFile }: Invocation): string | undefined {
  if (token !== undefined || tokenFile === undefined) return token;
  let text: string;
  try {
    text = readFileSync(tokenFile, "utf8").trim();
  } catch (problem) {
    throw new UsageError(`--token-file: ${reasonOf(problem)}`);
  }
  return tokenOf(`--token-file ${tokenFile}`, text);
}
