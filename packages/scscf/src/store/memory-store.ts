// The S-CSCF's store of registrations that live and die with its process.
import { memoryRows } from "@ims-lab/common/store/memory-rows";
import { TABLES } from "../rows.ts";
import type { Store } from "./store.ts";

export function memoryStore(): Store {
  return memoryRows(TABLES);
}
