// What every store must do, whatever it is made of.
import { describe, expect, test } from "vitest";
import type { Binding } from "../../src/registration/binding.ts";
import type { Change, Store } from "../../src/store/store.ts";

function binding(token: string, more: Partial<Binding> = {}): Binding {
  return {
    id: `c-${token}`,
    token,
    impi: "bob@lab",
    set: "sip:bob@lab",
    impu: "sip:bob@lab",
    address: { contact: "sip:bob@192.0.2.1", params: ";q=0.5", path: ["<sip:t@p;lr>"] },
    callId: "call-1",
    cseq: 2,
    registeredAt: 1000,
    authenticatedAt: 1000,
    expiresAt: 3_601_000,
    event: "registered",
    mode: "enforce",
    duty: { state: "owed", by: 33_000 },
    ...more,
  };
}

/** @param fail makes the next commits of a store fail; undefined for a store that cannot */
export function storeContract<S extends Store>(
  name: string,
  open: () => S,
  fail?: (store: S, isFailing: boolean) => void,
): void {
  const commit = (store: Store, ...changes: readonly Change[]): Promise<Error | undefined> =>
    new Promise((resolve) => store.commit(changes, resolve));
  const put = (value: Binding): Change => ({ table: "bindings", id: value.token, value });

  describe(`the store contract: ${name}`, () => {
    test("a new one is empty", async () => {
      expect(await open().load()).toEqual({ bindings: [], subscriptions: [] });
    });
    test("what was committed is there, as it was", async () => {
      const store = open();
      expect(await commit(store, put(binding("a")), put(binding("b")))).toBeUndefined();
      const { bindings } = await store.load();
      expect([...bindings].sort((a, b) => a.token.localeCompare(b.token))).toEqual([
        binding("a"),
        binding("b"),
      ]);
    });
    test("a later commit replaces, a removal removes", async () => {
      const store = open();
      await commit(store, put(binding("a")), put(binding("b")));
      const gone: Change = { table: "bindings", id: "b", value: undefined };
      await commit(store, put(binding("a", { cseq: 3 })), gone);
      expect((await store.load()).bindings).toEqual([binding("a", { cseq: 3 })]);
    });
    test("within one commit the last change of a row counts", async () => {
      const store = open();
      const gone: Change = { table: "bindings", id: "a", value: undefined };
      await commit(store, put(binding("a")), gone);
      expect((await store.load()).bindings).toEqual([]);
    });
    test("removing what is not there is no problem", async () => {
      const gone: Change = { table: "subscriptions", id: "x", value: undefined };
      expect(await commit(open(), gone)).toBeUndefined();
    });
    test("`done` is called once per commit, in their order", async () => {
      const store = open();
      const order: number[] = [];
      await Promise.all(
        [1, 2, 3].map(
          (turn) =>
            new Promise<void>((resolve) => {
              store.commit([put(binding("a", { cseq: turn }))], () => {
                order.push(turn);
                resolve();
              });
            }),
        ),
      );
      expect(order).toEqual([1, 2, 3]);
      expect((await store.load()).bindings[0]?.cseq).toBe(3);
    });
    if (fail !== undefined) {
      test("a commit that fails says so, and leaves every row as it was", async () => {
        const store = open();
        await commit(store, put(binding("a")), put(binding("b")));
        fail(store, true);
        const gone: Change = { table: "bindings", id: "b", value: undefined };
        const changes = [put(binding("a", { cseq: 9 })), gone, put(binding("c"))];
        expect(await commit(store, ...changes)).toBeInstanceOf(Error);
        fail(store, false);
        const { bindings } = await store.load();
        expect(new Set(bindings)).toEqual(new Set([binding("a"), binding("b")]));
      });
      test("after one that failed, later ones are kept", async () => {
        const store = open();
        fail(store, true);
        const failed = commit(store, put(binding("a")));
        expect(await failed).toBeInstanceOf(Error);
        fail(store, false);
        expect(await commit(store, put(binding("b")))).toBeUndefined();
        expect((await store.load()).bindings).toEqual([binding("b")]);
      });
    }
    test("rows survive a trip through JSON", () => {
      expect(JSON.parse(JSON.stringify(binding("a")))).toEqual(binding("a"));
    });
  });
}
