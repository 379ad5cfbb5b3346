// Bindings found by token, flow, IMPI and identity; refreshed, moved, expired. TS 24.229 §5.2.2.1, RFC 5626 §5.3.
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { beforeEach, describe, expect, test } from "vitest";
import type { Binding, BoundContact } from "../../src/bindings/binding.ts";
import { FlowTable } from "../../src/bindings/flow-table.ts";

const ALICE = "sip:alice@ims.example";

let clock: FakeClock;
let table: FlowTable;
let told: string[];

beforeEach(() => {
  clock = new FakeClock();
  told = [];
  table = new FlowTable({
    clock,
    lingerMs: 32_000,
    onContactGone: (_binding, contact, cause) => told.push(`${contact} ${cause}`),
    onGone: (_binding, cause) => told.push(`gone ${cause}`),
    onForgotten: () => told.push("forgotten"),
  });
});

function flowOf(id: string): Binding["flow"] {
  const local = { host: "10.0.0.1", port: 5060 };
  return { id, transport: "tcp", local, remote: { host: "192.0.2.1", port: 9 } };
}

function contactFor(contact: string, seconds: number): BoundContact {
  return { contact, callId: "c", cseq: 1, heard: 1, expiresAt: clock.now() + seconds * 1000 };
}

function bind(changes: Partial<Binding> = {}): Binding {
  const binding: Binding = {
    ...contactFor("sip:alice@192.0.2.1", 600),
    token: "t",
    impi: "alice@ims.example",
    aor: ALICE,
    impus: [ALICE, "tel:+15550001"],
    flow: flowOf("1"),
    flowLost: false,
    source: undefined,
    natted: false,
    serviceRoute: [],
    scscf: "sip:10.1.0.2",
    registeredAt: clock.now(),
    authenticatedAt: clock.now(),
    ...changes,
  };
  table.bind(binding);
  return binding;
}

/** Where "t" is found. */
function places(): readonly string[] {
  const has = (bindings: readonly Binding[]): boolean =>
    bindings.some(({ token }) => token === "t");
  const found = {
    token: table.registered("t") !== undefined,
    "flow 1": has(table.onFlow(flowOf("1"))),
    "flow 2": has(table.onFlow(flowOf("2"))),
    impi: has(table.ofImpi("alice@ims.example")),
    alice: has(table.ofImpu(ALICE)),
    tel: has(table.ofImpuText("tel:+15550001")),
    bob: has(table.ofImpuText("sip:bob@ims.example")),
  };
  return Object.entries(found).flatMap(([place, isThere]) => (isThere ? place : []));
}

describe("a 200 for a binding that there is", () => {
  test.each([
    ["the same over the same flow", {}, ["token", "flow 1", "impi", "alice", "tel"]],
    ["over another flow", { flow: flowOf("2") }, ["token", "flow 2", "impi", "alice", "tel"]],
    [
      "with other identities",
      { impus: [ALICE, "sip:bob@ims.example"] },
      ["token", "flow 1", "impi", "alice", "bob"],
    ],
    [
      "with one identity in two spellings",
      { impus: [ALICE, "sip:alice@IMS.example"] },
      ["token", "flow 1", "impi", "alice"],
    ],
    [
      "with one more identity",
      { impus: [ALICE, "tel:+15550001", "sip:bob@ims.example"] },
      ["token", "flow 1", "impi", "alice", "tel", "bob"],
    ],
    ["of another user", { impi: "bob@ims.example" }, ["token", "flow 1", "alice", "tel"]],
  ])("%s: found where it is now, and nowhere else", (_what, changes, expected) => {
    bind();
    const now = bind(changes);
    expect(places()).toEqual(expected);
    expect(table.registered("t")).toBe(now);
    expect([table.size, table.contacts]).toEqual([1, 1]);
    table.end("t", "core");
    clock.advance(32_000);
    expect(places()).toEqual([]);
    expect(table.find("t")).toBeUndefined();
    expect(table.countOnFlow(now.flow)).toBe(0);
  });

  test("a refresh moves its end, and takes up a flow that was lost", () => {
    const { flow } = bind();
    expect(table.flowClosed(flow)).toMatchObject([{ token: "t", flowLost: true }]);
    clock.advance(599_000);
    bind();
    expect(table.registered("t")?.flowLost).toBe(false);
    clock.advance(599_999);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual(["gone expired"]);
  });

  test("one that has just gone begins anew", () => {
    bind();
    table.end("t", "core");
    bind();
    clock.advance(32_000);
    expect(told).toEqual(["gone core"]);
    expect(places()).toContain("alice");
    expect(table.size).toBe(1);
  });
});

test("several Contacts: each ends by itself, the binding with the last", () => {
  bind({ others: [contactFor("sip:b@192.0.2.1", 300), contactFor("sip:c@192.0.2.1", 900)] });
  expect([table.size, table.contacts]).toEqual([1, 3]);
  clock.advance(300_000);
  expect(told).toEqual(["sip:b@192.0.2.1 expired"]);
  clock.advance(300_000);
  expect(told.at(-1)).toBe("sip:alice@192.0.2.1 expired");
  expect(table.registered("t")).toMatchObject({ contact: "sip:c@192.0.2.1", others: undefined });
  clock.advance(300_000);
  expect(told.at(-1)).toBe("gone expired");
  expect([table.size, table.contacts]).toEqual([0, 0]);
});
