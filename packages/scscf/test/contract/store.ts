// Contract of the store: all of a commit or nothing, in order, as it was, and still so in the next process.
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import { afterEach, describe, expect, test } from "vitest";
import type { Campaign } from "../../src/campaigns/campaign.ts";
import type { Binding } from "../../src/registration/binding.ts";
import type { Change, Contents } from "../../src/rows.ts";
import type { Store } from "../../src/store/store.ts";

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

function subscription(id: string, version: number): NotifierSubscription {
  return {
    id,
    dialog: {
      callId: "sub-1",
      localTag: id,
      remoteTag: "f",
      localUri: "sip:bob@lab",
      remoteUri: "sip:bob@lab",
      remoteTarget: "sip:bob@192.0.2.1",
      routeSet: ["<sip:p;lr>"],
      localCseq: version,
      remoteCseq: 1,
    },
    package: "reg",
    eventId: null,
    subject: "sip:bob@lab",
    memo: "device:a",
    contact: "<sip:s>",
    version,
    state: { name: "active", expiresAt: 3_601_000, sent: true, due: "nothing" },
  };
}

const DUE: NonNullable<Binding["reauthentication"]> = {
  id: "r1",
  requestId: "q1",
  impi: "bob@lab",
  impu: "sip:bob@lab",
  bindingId: "due",
  contact: "sip:bob@192.0.2.1",
  cause: "operator",
  askers: [{ cause: "operator", at: 2000 }],
  requestedAt: 2000,
  progress: "notified",
  deadline: 62_000,
  course: { notifiedAt: 2001 },
};

function campaign(id: string, asked: number): Campaign {
  return {
    id,
    name: "monthly",
    filter: { impu: "sip:*@lab", minAuthenticationAgeSeconds: 3600, userAgent: "Phone*" },
    percent: 12.5,
    pacePerSecond: 0.5,
    jitter: 0.1,
    seed: "s",
    status: "running",
    startedAt: 1000,
    matched: 200,
    total: 25,
    threshold: 0.1234567891234567,
    asked,
    joined: 1,
    skipped: 2,
    ends: { reauthenticated: 3, ignored: 1 },
    latency: { counts: { 50: 2, 51: 1 }, max: 88 },
  };
}

/** Beyond 32 bits, as SQNs are: SEQ(43) || IND(5). */
const SQN = 2 ** 47 - 1;

export interface StoreUnderTest<S extends Store> {
  readonly name: string;
  /** A new, empty one. */
  open(): S | Promise<S>;
  /** Makes the next commits of a store fail; absent for a store that cannot. */
  readonly fail?: (store: S, isFailing: boolean) => void;
  /** The same rows in the next process, after the end of this one. */
  readonly reopen?: (store: S) => Promise<S>;
}

export function storeContract<S extends Store>(tested: StoreUnderTest<S>): void {
  const { name, fail, reopen } = tested;
  let opened: Store[] = [];
  afterEach(async () => {
    for (const store of opened) await store.close();
    opened = [];
  });
  const open = async (): Promise<S> => {
    const store = await tested.open();
    opened.push(store);
    return store;
  };
  const commit = (store: Store, ...changes: readonly Change[]): Promise<Error | undefined> =>
    new Promise((resolve) => store.commit(changes, resolve));
  const put = (value: Binding): Change => ({ table: "bindings", id: value.token, value });
  const watch = (value: NotifierSubscription): Change => ({
    table: "subscriptions",
    id: value.id,
    value,
  });
  const mark = (impi: string, value: number | undefined): Change => ({
    table: "sqnMarks",
    id: impi,
    value,
  });
  const run = (value: Campaign): Change => ({ table: "campaigns", id: value.id, value });
  const gone = (table: "bindings" | "subscriptions" | "campaigns", id: string): Change => ({
    table,
    id,
    value: undefined,
  });
  const contents = async (
    store: Store,
  ): Promise<Record<Exclude<keyof Contents, "policy" | "subscribers">, unknown>> => {
    const { bindings, subscriptions, sqnMarks, campaigns } = await store.load();
    return {
      bindings: Object.fromEntries(bindings),
      subscriptions: Object.fromEntries(subscriptions),
      sqnMarks: Object.fromEntries(sqnMarks),
      campaigns: Object.fromEntries(campaigns),
    };
  };

  describe(`the store contract: ${name}`, () => {
    test("a new one is empty", async () => {
      expect(await contents(await open())).toEqual({
        bindings: {},
        subscriptions: {},
        sqnMarks: {},
        campaigns: {},
      });
    });

    test("what was committed is there, as it was, in every table", async () => {
      const store = await open();
      const [a, b] = [binding("a"), binding("b", { duty: { state: "none" }, leavingBy: 5 })];
      expect(
        await commit(store, put(a), watch(subscription("s", 1)), mark("bob@lab", SQN), put(b)),
      ).toBeUndefined();
      expect(await commit(store, run(campaign("k", 7)))).toBeUndefined();
      expect(await contents(store)).toEqual({
        bindings: { a, b },
        subscriptions: { s: subscription("s", 1) },
        sqnMarks: { "bob@lab": SQN },
        campaigns: { k: campaign("k", 7) },
      });
    });

    test("the policy is a row like others", async () => {
      const store = await open();
      const value = { document: { rules: [{ maxAgeSeconds: 60 }] }, changedAt: 5 };
      await commit(store, { table: "policy", id: "in-force", value }, mark("x", 1));
      expect(Object.fromEntries((await store.load()).policy)).toEqual({ "in-force": value });
      await commit(store, { table: "policy", id: "in-force", value: undefined });
      expect((await store.load()).policy.size).toBe(0);
    });

    test("a later commit replaces, a removal removes", async () => {
      const store = await open();
      await commit(store, put(binding("a")), put(binding("b")), mark("x", 32));
      await commit(store, put(binding("a", { cseq: 3 })), gone("bindings", "b"), mark("x", 64));
      expect(await contents(store)).toEqual({
        bindings: { a: binding("a", { cseq: 3 }) },
        subscriptions: {},
        sqnMarks: { x: 64 },
        campaigns: {},
      });
    });

    test("the same id in two tables is two rows", async () => {
      const store = await open();
      await commit(store, put(binding("a")), watch(subscription("a", 1)), run(campaign("a", 1)));
      await commit(store, gone("subscriptions", "a"));
      await commit(store, gone("campaigns", "a"));
      expect(Object.keys((await contents(store)).bindings as object)).toEqual(["a"]);
    });

    test("within one commit the last change of a row counts", async () => {
      const store = await open();
      await commit(store, put(binding("a")), gone("bindings", "a"), mark("x", 1), mark("x", 2));
      await commit(store, gone("subscriptions", "s"), watch(subscription("s", 7)));
      await commit(store, run(campaign("k", 1)), run(campaign("k", 2)));
      expect(await contents(store)).toEqual({
        bindings: {},
        subscriptions: { s: subscription("s", 7) },
        sqnMarks: { x: 2 },
        campaigns: { k: campaign("k", 2) },
      });
    });

    test("removing what is not there is no problem", async () => {
      expect(await commit(await open(), gone("subscriptions", "x"))).toBeUndefined();
    });

    test("an empty commit succeeds in its turn", async () => {
      const store = await open();
      const order: string[] = [];
      await Promise.all([
        commit(store, put(binding("a"))).then(() => order.push("first")),
        commit(store).then(() => order.push("empty")),
        commit(store, mark("x", 1)).then(() => order.push("last")),
      ]);
      expect(order).toEqual(["first", "empty", "last"]);
    });

    test("`done` is called once per commit, in their order", async () => {
      const store = await open();
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
      expect((await store.load()).bindings.get("a")?.cseq).toBe(3);
    });

    test("a commit made from within `done` is kept, behind those before it", async () => {
      const store = await open();
      const inner = new Promise<Error | undefined>((resolve) => {
        store.commit([mark("x", 1)], () => store.commit([mark("x", 3)], resolve));
      });
      await inner;
      expect((await store.load()).sqnMarks.get("x")).toBe(3);
    });

    test("the caller's object may change after `done`: what was committed stays", async () => {
      const store = await open();
      const rows = [put(binding("a"))];
      await commit(store, ...rows);
      rows.splice(0);
      expect((await store.load()).bindings.size).toBe(1);
    });

    test("many rows at once", async () => {
      const store = await open();
      const rows = Array.from({ length: 2000 }, (_, at) => mark(`user${at}`, at));
      expect(await commit(store, ...rows)).toBeUndefined();
      const { sqnMarks } = await store.load();
      expect(sqnMarks.size).toBe(2000);
      expect(sqnMarks.get("user1999")).toBe(1999);
    });

    test("what load gave does not follow later commits", async () => {
      const store = await open();
      await commit(store, mark("x", 1));
      const before = await store.load();
      await commit(store, mark("x", 2), mark("y", 1));
      expect(before.sqnMarks.get("x")).toBe(1);
      expect(before.sqnMarks.has("y")).toBe(false);
    });

    if (fail !== undefined) {
      test("a commit that fails says so, and leaves every row of every table as it was", async () => {
        const store = await open();
        await commit(store, put(binding("a")), put(binding("b")), watch(subscription("s", 1)));
        await commit(store, mark("bob@lab", 32), run(campaign("k", 1)));
        const before = await contents(store);
        fail(store, true);
        const changes = [
          put(binding("a", { cseq: 9 })),
          gone("bindings", "b"),
          put(binding("c")),
          watch(subscription("s", 2)),
          watch(subscription("t", 1)),
          mark("bob@lab", 64),
          mark("carol@lab", 32),
          run(campaign("k", 2)),
          run(campaign("l", 1)),
        ];
        expect(await commit(store, ...changes)).toBeInstanceOf(Error);
        fail(store, false);
        expect(await contents(store)).toEqual(before);
      });

      test("after one that failed, later ones are kept", async () => {
        const store = await open();
        fail(store, true);
        expect(await commit(store, put(binding("a")))).toBeInstanceOf(Error);
        fail(store, false);
        expect(await commit(store, put(binding("b")))).toBeUndefined();
        expect([...(await store.load()).bindings.keys()]).toEqual(["b"]);
      });

      test("failed and kept ones are answered once each, in their order", async () => {
        const store = await open();
        const order: string[] = [];
        const told = (what: string): Promise<void> =>
          new Promise((resolve) => {
            store.commit([mark(what, 1)], (problem) => {
              order.push(`${what} ${problem === undefined ? "kept" : "failed"}`);
              resolve();
            });
          });
        await told("a");
        fail(store, true);
        await Promise.all([told("b"), told("c")]);
        fail(store, false);
        await told("d");
        expect(order).toEqual(["a kept", "b failed", "c failed", "d kept"]);
        expect([...(await store.load()).sqnMarks.keys()].sort()).toEqual(["a", "d"]);
      });
    }

    if (reopen !== undefined) {
      test("the next process finds every commit that was answered, as it was", async () => {
        const store = await open();
        const due = binding("due", { reauthentication: DUE, expiresAt: DUE.deadline });
        const phone = binding("phone", { userAgent: "Phone/1.0" });
        const rows = [put(due), put(binding("a")), put(phone), watch(subscription("s", 3))];
        expect(await commit(store, ...rows, mark("x", SQN), run(campaign("k", 1)))).toBeUndefined();
        expect(await commit(store, gone("bindings", "a"))).toBeUndefined();
        const before = await contents(store);
        const next = await reopen(store);
        opened = [next];
        expect(before).toEqual({
          bindings: { due, phone },
          subscriptions: { s: subscription("s", 3) },
          sqnMarks: { x: SQN },
          campaigns: { k: campaign("k", 1) },
        });
        expect(await contents(next)).toEqual(before);
        expect(await commit(next, mark("x", 1))).toBeUndefined();
        expect((await next.load()).sqnMarks.get("x")).toBe(1);
      });

      test("`close` ends when every commit has been answered, and they are kept", async () => {
        const store = await open();
        const order: string[] = [];
        for (const id of ["a", "b", "c"])
          store.commit([put(binding(id))], (problem) => order.push(problem?.message ?? id));
        const next = await reopen(store);
        opened = [next];
        expect(order).toEqual(["a", "b", "c"]);
        expect([...(await next.load()).bindings.keys()].sort()).toEqual(["a", "b", "c"]);
      });
    }

    test("rows and ids of any text come back as they were", async () => {
      const store = await open();
      const odd = ['it\'s "quoted"', "a\u0000b", "\u20ac \u{1f600}", "%_\\", " ", "x".repeat(5000)];
      const changes = odd.flatMap((text) => [
        put(binding(text, { callId: text, impi: text })),
        mark(text, 7),
      ]);
      expect(await commit(store, ...changes)).toBeUndefined();
      const { bindings, sqnMarks } = await store.load();
      expect([...sqnMarks.keys()].sort()).toEqual([...odd].sort());
      for (const text of odd)
        expect(bindings.get(text)).toEqual(binding(text, { callId: text, impi: text }));
    });

    test("a row in each of its states comes back as it was", async () => {
      const store = await open();
      const states: readonly NotifierSubscription["state"][] = [
        { name: "active", expiresAt: 5, sent: false, due: "nothing" },
        { name: "active", expiresAt: 5, sent: true, due: "full" },
        { name: "pending", expiresAt: 5, sent: false, due: "nothing" },
      ];
      const watched = states.map((state, at) => ({ ...subscription(`s${at}`, at), state }));
      const bound = [
        binding("a", { duty: { state: "fulfilled" }, event: "refreshed" }),
        binding("b", { mode: "warn", duty: { state: "overdue" } }),
        binding("c", { reauthentication: DUE }),
        binding("d", {
          address: { contact: "sip:d@h", params: "", path: [], instance: "<urn:x>" },
        }),
      ];
      await commit(store, ...watched.map(watch), ...bound.map(put));
      const kept = await contents(store);
      expect(kept.subscriptions).toEqual(Object.fromEntries(watched.map((one) => [one.id, one])));
      expect(kept.bindings).toEqual(Object.fromEntries(bound.map((one) => [one.token, one])));
    });

    test("rows survive a trip through JSON", () => {
      for (const row of [binding("a"), subscription("s", 1), SQN, campaign("k", 1)])
        expect(JSON.parse(JSON.stringify(row))).toEqual(row);
    });
  });
}
