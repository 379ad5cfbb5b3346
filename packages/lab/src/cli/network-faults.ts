// Rules of the network for a terminal: what holds at a node, how often it has acted.
import type { NetworkFaultView } from "@ims-lab/common/admin-api/network-faults";
import { printable } from "@ims-lab/common/platform/printable";
import type { AdminClient } from "./admin-client.ts";
import type { Session } from "./command.ts";
import { CommandFailure } from "./exit-codes.ts";
import { table } from "./table.ts";

export interface NetworkNode {
  readonly name: "UE" | "P-CSCF" | "S-CSCF";
  readonly client: AdminClient;
}

export function networkNodes({ ue, pcscf, scscf }: Session): readonly NetworkNode[] {
  return [
    { name: "UE", client: ue },
    { name: "P-CSCF", client: pcscf },
    { name: "S-CSCF", client: scscf },
  ];
}

export function networkFaultsTable(
  rules: readonly (NetworkFaultView & { readonly node: string })[],
  width: number,
): string {
  const rows = rules.map((view) => [view.node, printable(view.rule), progressText(view)]);
  return rows.length === 0 ? "" : table([["network at", "rule", "now"], ...rows], width);
}

/** "1st seen, acted 1 times": whether there is more to come. */
function progressText({ seen, acted, last }: NetworkFaultView): string {
  const isOver = last !== null && seen >= last;
  return `seen ${seen}, acted ${acted} times${isOver ? ", over" : ""}`;
}

/** One line for each rule that holds at a node that can be asked. */
export async function networkWarnings(session: Session): Promise<readonly string[]> {
  const nodes = await Promise.all(
    networkNodes(session).map(async ({ name, client }) =>
      (await rulesAt(client)).map(
        (view) => `network rule ${printable(view.rule)} of the ${name}: ${progressText(view)}`,
      ),
    ),
  );
  return nodes.flat();
}

async function rulesAt(client: AdminClient): Promise<readonly NetworkFaultView[]> {
  try {
    return (await client.all<NetworkFaultView>("/network-faults")).items;
  } catch (problem) {
    if (problem instanceof CommandFailure) return [];
    throw problem;
  }
}
