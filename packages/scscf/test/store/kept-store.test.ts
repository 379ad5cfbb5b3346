// The kept store of the tests, under the store's contract.
import { keptStore } from "../contract/kept-store.ts";
import { storeContract } from "../contract/store.ts";
import { tryingStore } from "../contract/trying-store.ts";

storeContract("kept", keptStore);
storeContract("one that fails when told to", tryingStore, (store, isFailing) => {
  store.problem = isFailing ? new Error("disk full") : undefined;
});
