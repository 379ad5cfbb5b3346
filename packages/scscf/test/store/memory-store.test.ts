// The store that keeps nothing: commits succeed at once, in their order, and a new process finds nothing.
import { expect, test } from "vitest";
import { memoryStore } from "../../src/store/memory-store.ts";

test("answered at once, once, in order; nothing is there for the next process", async () => {
  const store = memoryStore();
  const order: number[] = [];
  for (const turn of [1, 2])
    store.commit([{ table: "sqnMarks", id: "x", value: turn }], (problem) => {
      expect(problem).toBeUndefined();
      order.push(turn);
    });
  expect(order).toEqual([1, 2]);
  const { bindings, subscriptions, sqnMarks } = await store.load();
  expect(bindings.size + subscriptions.size + sqnMarks.size).toBe(0);
  await store.close();
});
