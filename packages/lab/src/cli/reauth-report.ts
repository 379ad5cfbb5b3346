// The JUnit report of `imslab reauth`: a test case for each device of the user.

import { closeSync, openSync, writeFileSync } from "node:fs";
import type { ReauthenticationView } from "@ims-lab/common/admin-api/views";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import type { Session } from "./command.ts";
import { CommandFailure, EXIT } from "./exit-codes.ts";
import { type JunitCase, type JunitSuite, junitText } from "./junit.ts";

const CLASS = "imslab.reauth";

/** Runs `work`, which hands its outcome to `report`; a failure without outcome is a failed case, too. */
export async function reported(
  file: string,
  impu: string,
  { context }: Session,
  work: (report: (items: readonly ReauthenticationView[]) => void) => Promise<number>,
): Promise<number> {
  inFile(file, () => closeSync(openSync(file, "a"))); // before anybody is asked
  const at = context.clock.now();
  let cases: readonly JunitCase[] = [];
  try {
    return await work((items) => {
      cases = items.map(caseOf);
    });
  } catch (problem) {
    if (problem instanceof CommandFailure) {
      const seconds = (context.clock.now() - at) / 1000;
      cases = [caseWithout(impu, problem, seconds)];
    }
    throw problem;
  } finally {
    const suite: JunitSuite = { name: `re-authentication of ${impu}`, at, cases };
    inFile(file, () => writeFileSync(file, junitText([suite])));
  }
}

function caseOf(one: ReauthenticationView): JunitCase {
  const { impu, contact, end, progress, reason, requestedAt, endedAt } = one;
  const state = end ?? "running";
  const why = reason ?? (end === null ? `${progress}, not ended in time` : state);
  const message = end === null ? `not ended yet: ${why}` : `${state}: ${why}`;
  return {
    name: `${impu} (${contact})`,
    className: CLASS,
    seconds: endedAt === null ? 0 : (endedAt - requestedAt) / 1000,
    outcome:
      end === "reauthenticated"
        ? { kind: "passed" }
        : { kind: "failed", type: state, message, text: courseOf(one) },
  };
}

/** How far it came, step by step, in milliseconds from the asking. */
function courseOf(one: ReauthenticationView): string {
  const steps = [
    ["asked by", one.cause],
    ["notified", one.notifiedAt],
    ["acknowledged", one.acknowledgedAt],
    ["challenged", one.challengedAt],
    ["ended", one.endedAt],
    ["de-registered", one.deregisteredAt],
  ] as const;
  const lines = steps.flatMap(([name, at]) => {
    if (at === null) return [];
    return `${name} ${typeof at === "string" ? at : `after ${at - one.requestedAt} ms`}`;
  });
  return [...lines, `re-authentication ${one.id}, ${one.reason ?? "no reason given"}`].join("\n");
}

function caseWithout(
  impu: string,
  { message, exitCode }: CommandFailure,
  seconds: number,
): JunitCase {
  const type = exitCode === EXIT.notRegistered ? "not-registered" : "error";
  return { name: impu, className: CLASS, seconds, outcome: { kind: "failed", type, message } };
}

function inFile(file: string, work: () => void): void {
  try {
    work();
  } catch (problem) {
    const why = reasonOf(problem);
    throw new CommandFailure(EXIT.unknown, `--junit ${file} cannot be written: ${why}`);
  }
}
