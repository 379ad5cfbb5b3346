// `imslab fault` against nodes that have faults: what is asked of which node, what is printed, what is refused.
import { type FaultCatalogue, scscfFaults, ueFaults } from "@ims-lab/common/admin-api/faults";
import { addFaultRoutes } from "@ims-lab/common/faults/fault-routes";
import { FaultSwitches } from "@ims-lab/common/faults/fault-switches";
import { adminServer } from "@ims-lab/common/platform/http";
import { adminOptions } from "@ims-lab/common/testing/admin-options";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { expect, test } from "vitest";
import { imslabAt } from "./imslab-at.ts";

const ALICE = "sip:alice@ims.example";

async function nodeOf(catalogue: FaultCatalogue, clock: FakeClock) {
  const log = memoryLogger();
  const switches = new FaultSwitches({
    catalogue,
    clock,
    log,
    subjectOf: (impu) => (impu === ALICE ? "alice" : undefined),
  });
  const app = await adminServer(adminOptions(catalogue.node));
  addFaultRoutes(app, switches, catalogue);
  return { app, switches };
}

async function lab() {
  const clock = new FakeClock();
  const ue = await nodeOf(ueFaults, clock);
  const scscf = await nodeOf(scscfFaults, clock);
  const apps = { 9062: scscf.app, 9063: ue.app };
  const run = (...argv: string[]) => imslabAt(apps, { clock, columns: 300 }, argv);
  return { run, ue: ue.switches, scscf: scscf.switches };
}

test("on: the node that has it, with its scope, its times, its parameters; then listed, then off", async () => {
  const { run, ue, scscf } = await lab();
  const on = await run(
    ...["fault", "on", "unavailable", "method=SUBSCRIBE", "retryAfterSeconds=7"],
    ...["--impu", ALICE, "--times", "2"],
  );
  expect([on.code, on.err]).toEqual([0, ""]);
  expect(on.out).toMatch(/^unavailable +ON for sip:alice@ims\.example, acted 0 times, 2 more/m);
  expect(scscf.look("unavailable", "alice")).toEqual({ method: "SUBSCRIBE", retryAfterSeconds: 7 });
  expect((await run("fault", "on", "no-subscribe")).code).toBe(0);
  expect(ue.look("no-subscribe", "whoever")).toEqual({});
  const list = await run("fault", "list");
  expect(list.out).toMatch(/^no-subscribe +ON for everybody/m);
  expect(list.out).toMatch(/^bad-autn +- /m);
  expect(list.out).toMatch(/^restored-hss .*\(old-sqn, auts-ignored\)$/m);
  expect((await run("fault", "off", "unavailable", "--impu", ALICE)).out).toBe(
    `unavailable: off for ${ALICE}\n`,
  );
  expect(scscf.count).toBe(0);
  await run("fault", "off");
  expect(ue.count).toBe(0);
});

test("--node lists one node; --json has the node's answer", async () => {
  const { run } = await lab();
  const list = await run("fault", "list", "--node", "ue", "--json");
  const { items, total } = JSON.parse(list.out) as { items: { node: string }[]; total: number };
  expect([total, items[0]?.node]).toEqual([ueFaults.faults.length + ueFaults.presets.length, "ue"]);
});

test.each([
  [["fault", "on"], "say which: imslab fault on NAME (imslab fault list)"],
  [["fault", "on", "no-such"], 'no fault "no-such": imslab fault list names them'],
  [["fault", "on", "bad-autn", "--node", "ue"], 'no fault "bad-autn" at the UE: imslab fault list'],
  [["fault", "on", "bad-autn", "times"], '"times": expected PARAMETER=VALUE'],
  [["fault", "on", "bad-autn", "--times", "x"], '--times: "x" is no whole number'],
  [["fault", "on", "bad-autn", "--times", "0"], "times: expected a whole number from 1"],
  [["fault", "on", "old-sqn", "behind=far"], "behind: expected a whole number from 1"],
  [["fault", "off", "bad-autn", "more"], '"more" is one word too many'],
  [["fault", "list", "bad-autn"], '"bad-autn" is one word too many'],
  [["fault", "list", "--impu", ALICE], "--impu goes with on and off"],
  [["fault", "off", "--times", "2"], "--times goes with imslab fault on"],
  [["fault", "break"], 'fault: "break" is none of list, on, off'],
])("%j is refused before anything is sent", async (argv, why) => {
  const { run, ue, scscf } = await lab();
  const { code, err } = await run(...argv);
  expect(code).toBe(2);
  expect(err).toContain(why);
  expect([ue.count, scscf.count]).toEqual([0, 0]);
});

test("nobody of that name: what the node says, exit 3", async () => {
  const { run } = await lab();
  const { code, err } = await run("fault", "on", "bad-autn", "--impu", "sip:eve@ims.example");
  expect([code, err]).toEqual([
    3,
    "imslab: not registered: impu: sip:eve@ims.example is nobody's at the S-CSCF\n",
  ]);
});
