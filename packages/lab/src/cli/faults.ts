// Faults for a terminal: what there is, what is on, for whom, how often still.
import type { ActiveFaultView, FaultParameter, FaultView } from "@ims-lab/common/admin-api/faults";
import type { AdminClient } from "./admin-client.ts";
import type { Session } from "./command.ts";
import { CommandFailure } from "./exit-codes.ts";
import { table } from "./table.ts";

export function faultsTable(node: string, views: readonly FaultView[], width: number): string {
  const rows = views.map((view) => [view.name, stateOf(view), describe(view)]);
  return table([[`${node}'s fault`, "now", "what"], ...rows], width);
}

function stateOf({ active }: FaultView): string {
  return active.length === 0 ? "-" : active.map(activeText).join("; ");
}

function activeText({ impu, remaining, acted }: ActiveFaultView): string {
  const left = remaining === null ? "" : `, ${remaining} more`;
  return `ON for ${impu ?? "everybody"}, acted ${acted} times${left}`;
}

function describe({ doc, combines, parameters }: FaultView): string {
  if (combines.length > 0) return `${doc} (${combines.join(", ")})`;
  return parameters.length === 0 ? doc : `${doc} ${parameters.map(parameterText).join(", ")}`;
}

function parameterText(parameter: FaultParameter): string {
  const values =
    parameter.kind === "word" ? parameter.words.join("|") : `${parameter.min}..${parameter.max}`;
  return `${parameter.name}=${values} (${parameter.default})`;
}

/** One line for each fault that is on at a node that can be asked: nobody should forget it. */
export async function faultWarnings({ ue, scscf }: Session): Promise<readonly string[]> {
  const [atUe, atScscf] = await Promise.all([activeAt(ue), activeAt(scscf)]);
  const lines = (node: string, views: readonly FaultView[]): readonly string[] =>
    views.flatMap(({ name, active }) =>
      active.map((one) => `fault ${name} of the ${node}: ${activeText(one)}`),
    );
  return [...lines("UE", atUe), ...lines("S-CSCF", atScscf)];
}

async function activeAt(client: AdminClient): Promise<readonly FaultView[]> {
  try {
    const { items } = await client.all<FaultView>("/faults");
    return items.filter(({ active }) => active.length > 0);
  } catch (problem) {
    if (problem instanceof CommandFailure) return [];
    throw problem;
  }
}
