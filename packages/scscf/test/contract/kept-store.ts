// A store that outlives the nodes which use it, in this process: what the contract is written against.
import { TextRows } from "@ims-lab/common/testing/text-rows";
import { TABLES, type Tables } from "../../src/rows.ts";

export function keptStore(): TextRows<Tables> {
  return new TextRows(TABLES);
}
