// What somebody is told who names a UE that is not here.
import type { UeNode } from "../node.ts";

export function knownUes({ ues: [first, ...others] }: UeNode): string {
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `Here is ${first?.view.impu ?? "none"}${more}; GET /state lists them.`;
}
