// The UEs that a control request names, by IMPU or IMPI.
import { problem } from "@ims-lab/common/platform/http/problem";
import type { UeNode } from "../node.ts";
import type { UserEquipment } from "../user-equipment.ts";

export interface UeSelection {
  readonly identity?: string;
}

/** Without an identity every UE of the process. Throws an HTTP problem, 404. */
export function selectedUes(node: UeNode, { identity }: UeSelection): readonly UserEquipment[] {
  return identity === undefined ? node.ues : [ueNamed(node, identity)];
}

/** Without an identity the only UE of the process. Throws an HTTP problem, 400 or 404. */
export function selectedUe(node: UeNode, { identity }: UeSelection): UserEquipment {
  if (identity !== undefined) return ueNamed(node, identity);
  const [only, ...others] = node.ues;
  if (others.length > 0) throw problem(400, "Which UE", "There are several: name one by identity.");
  if (only === undefined) throw noSuchUe(node);
  return only;
}

function ueNamed(node: UeNode, identity: string): UserEquipment {
  const ue = node.find(identity);
  if (ue === undefined) throw noSuchUe(node);
  return ue;
}

function noSuchUe({ ues: [first, ...others] }: UeNode): Error {
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const known = `Here is ${first?.view.impu ?? "none"}${more}; GET /state lists them.`;
  return problem(404, "No such UE", known);
}
