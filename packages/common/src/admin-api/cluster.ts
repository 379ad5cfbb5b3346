// The nodes of a cluster, as `GET /cluster` of an S-CSCF shows them, with their schema.
import { count, object, type Schema, textSchema } from "./schema-parts.ts";

/** One node of the cluster. */
export interface ClusterNodeView {
  readonly name: string;
  /** Its SIP address, in its own words. */
  readonly address: string;
  readonly isSelf: boolean;
  /** Until others take its users, if it does not renew its lease meanwhile; 0: they may now. */
  readonly leaseSeconds: number;
  /** Registration sets and campaigns that are its own. */
  readonly groups: number;
}

export const clusterNodeSchema: Schema = object({
  name: textSchema,
  address: textSchema,
  isSelf: { type: "boolean" },
  leaseSeconds: { type: "number", minimum: 0 },
  groups: count,
});
