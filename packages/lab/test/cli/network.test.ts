// `imslab network` against nodes that obey rules: put at the sender, listed, ended; what is refused.
import { addNetworkFaultRoutes } from "@ims-lab/common/faults/network-fault-routes";
import { NetworkFaults } from "@ims-lab/common/faults/network-faults";
import type { Place } from "@ims-lab/common/faults/network-rule";
import { adminServer } from "@ims-lab/common/platform/http";
import { adminOptions } from "@ims-lab/common/testing/admin-options";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { expect, test } from "vitest";
import { imslabAt } from "./imslab-at.ts";

async function nodeOf(node: "UE" | "P-CSCF" | "S-CSCF", from: Place) {
  const log = memoryLogger();
  const faults = new NetworkFaults({ from, clock: new FakeClock(), log, rules: [] });
  const app = await adminServer(adminOptions(node));
  addNetworkFaultRoutes(app, faults);
  return { app, faults };
}

async function lab() {
  const nodes = {
    9063: await nodeOf("UE", "U"),
    9061: await nodeOf("P-CSCF", "P"),
    9062: await nodeOf("S-CSCF", "S"),
  };
  const apps = Object.fromEntries(Object.entries(nodes).map(([port, { app }]) => [port, app]));
  const run = (...argv: string[]) => imslabAt(apps, { clock: new FakeClock() }, argv);
  const held = (): readonly string[] =>
    Object.values(nodes).flatMap(({ faults }) => faults.views.map(({ rule }) => rule));
  return { run, nodes, held };
}

test("put at the node that sends, listed, ended one by one and all", async () => {
  const { run, nodes, held } = await lab();
  const put = await run("network", "drop", "NOTIFY S>P 1");
  expect([put.code, put.err]).toEqual([0, ""]);
  expect(put.out).toMatch(/^S-CSCF +drop NOTIFY S>P 1 +seen 0, acted 0 times$/m);
  expect(nodes[9062].faults.size).toBe(1);
  // Without quotes around all of it, as long as > has some.
  expect((await run("network", "delay", "200", "U>S", "2", "500ms")).code).toBe(0);
  expect((await run("network", "reorder", "* P>U *")).code).toBe(0);
  const list = await run("network");
  expect(list.out.split("\n").slice(1, -1)).toEqual([
    expect.stringMatching(/^UE +delay 200 U>S 2 500ms/),
    expect.stringMatching(/^P-CSCF +reorder \* P>U \*/),
    expect.stringMatching(/^S-CSCF +drop NOTIFY S>P 1/),
  ]);
  const off = await run("network", "off", "drop NOTIFY S>P 1");
  expect([off.code, off.out]).toEqual([0, "drop NOTIFY S>P 1: off\n"]);
  expect(held()).toHaveLength(2);
  const again = await run("network", "off", "drop NOTIFY S>P 1");
  expect([again.code, again.err]).toEqual([
    1,
    'imslab: S-CSCF: No such rule: "drop NOTIFY S>P 1" does not hold here.\n',
  ]);
  expect((await run("network", "off")).out).toBe("all rules of the network: off\n");
  expect(held()).toEqual([]);
  expect((await run("network", "list")).out).toBe("no rule of the network holds\n");
});

test("--json has the rules with their nodes", async () => {
  const { run } = await lab();
  await run("network", "duplicate", "REGISTER U>P *");
  const { out } = await run("network", "list", "--json");
  expect(JSON.parse(out)).toEqual({
    items: [
      { node: "UE", rule: "duplicate REGISTER U>P *", first: 1, last: null, seen: 0, acted: 0 },
    ],
    total: 1,
  });
});

test.each([
  [["network", "lose"], 'network: "lose" is none of list, drop, delay, duplicate, reorder, off'],
  [["network", "drop"], 'drop "": expected WHAT FROM>TO'],
  [["network", "drop", "NOTIFY"], 'drop "NOTIFY": expected WHAT FROM>TO'],
  [["network", "delay", "NOTIFY S>P 1"], "a delay says how long: 500ms or 2s"],
  [["network", "drop", "NOTIFY S>P 1 @figure3"], "@figure3 goes with npm start"],
  [["network", "drop", "\u001b[2J S>P"], "\\x1b[2J"],
  [["network", "list", "drop"], '"drop" is one word too many'],
  [["network", "off", "NOTIFY S>P 1"], '"NOTIFY": expected drop, delay, duplicate, reorder'],
])("%j is refused before anything is sent", async (argv, why) => {
  const { run, held } = await lab();
  const { code, out, err } = await run(...argv);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(why);
  expect(err).not.toContain("\u001b");
  expect(held()).toEqual([]);
});
