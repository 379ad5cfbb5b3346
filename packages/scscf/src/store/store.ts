// The store of the S-CSCF: its tables behind the store port. Contract: test/contract/store.ts.
import type { RowStore } from "@ims-lab/common/store/store";
import type { Tables } from "../rows.ts";

export type Store = RowStore<Tables>;
