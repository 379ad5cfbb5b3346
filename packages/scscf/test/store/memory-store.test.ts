import { memoryStore } from "../../src/store/memory-store.ts";
import { storeContract } from "../contract/store.ts";
import { tryingStore } from "../contract/trying-store.ts";

storeContract("memory", memoryStore);
storeContract("one that fails when told to", tryingStore, (store, isFailing) => {
  store.problem = isFailing ? new Error("disk full") : undefined;
});
