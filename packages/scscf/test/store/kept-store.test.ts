// The kept store of the tests, under the store's contract.
import { keptStore } from "../contract/kept-store.ts";
import { storeContract } from "../contract/store.ts";
import { tryingStore } from "../contract/trying-store.ts";

storeContract({
  name: "kept",
  open: keptStore,
  reopen: (store) => Promise.resolve(store.reopened()),
  fail: (store, isFailing) => {
    store.isFailing = isFailing;
  },
});
storeContract({
  name: "one that fails when told to",
  open: tryingStore,
  fail: (store, isFailing) => {
    store.problem = isFailing ? new Error("disk full") : undefined;
  },
});
