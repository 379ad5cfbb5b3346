// SIPp calls SIPp through the P-CSCF, both registered. See docs/interop/sipp.md.
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "./free-ports.ts";
import { requirePrograms } from "./programs.ts";
import { LabAdmin, type RunningLab, startLab } from "./running-lab.ts";
import { shippedAccounts } from "./shipped-accounts.ts";
import {
  loadUsers,
  packUsers,
  runSipp,
  type Scenario,
  type SippResult,
  startAnswerer,
} from "./sipp.ts";

const CALLS = 1000;
const PER_SECOND = 75;

const { aka, softphone } = shippedAccounts();

let lab: RunningLab;
let admin: LabAdmin;

beforeAll(async () => {
  requirePrograms(["sipp"]);
  lab = await startLab({ scscf: {}, pcscf: {} });
  admin = new LabAdmin(lab);
});
afterAll(async () => {
  await lab?.stop();
});

async function passes(scenario: Scenario, users: string, port: number): Promise<void> {
  const result = await runSipp({ scenario, users, port, access: lab.ports.access });
  expect(result, result.errors).toMatchObject({ exitCode: 0 });
}

/** Why calls failed, as SIPp counts it. */
function outcome({ statistics }: Pick<SippResult, "statistics">): {
  successful: number;
  failures: string[];
} {
  const failures = [...statistics].filter(
    ([name, count]) => /^Failed.*\(C\)$/.test(name) && count !== "0",
  );
  return {
    successful: Number(statistics.get("SuccessfulCall(C)")),
    failures: failures.map(([name, count]) => `${name} ${count}`),
  };
}

const userOf = (impu: string): string => impu.replace(/^sip:/, "");

const digest = { users: packUsers("softphone"), impu: softphone.impu, attach: "register" } as const;
const sim = { users: packUsers("aka"), impu: aka.impu, attach: "attach" } as const;
const load = { users: loadUsers(1), impu: `sip:load1@${aka.domain}`, attach: "register" } as const;

test.each([
  { what: "digest calls AKA", caller: digest, callee: sim },
  { what: "AKA calls digest", caller: sim, callee: load },
])(`${CALLS} calls, none lost: $what`, async ({ caller, callee }) => {
  const { access } = lab.ports;
  const [from = 0, at = 0] = await freePorts(2);
  await passes(callee.attach, callee.users, at);
  await passes(caller.attach, caller.users, from);
  const answerer = startAnswerer({ access, port: at, user: "sipp" });
  const calling = runSipp({
    scenario: "call",
    users: caller.users,
    callee: userOf(callee.impu),
    access,
    port: from,
    calls: CALLS,
    perSecond: PER_SECOND,
    seconds: 60,
  });
  // While they talk the network asks the AKA user to authenticate: SIPp answers the NOTIFY and goes on.
  const { answer } = await admin.reauthenticate(aka.impu, 2);
  expect(answer.items.map(({ progress }) => progress)).toContain("acknowledged");
  const called = await calling;
  const answered = await answerer.stop();
  expect({ ...outcome(called), exitCode: called.exitCode }, called.errors).toEqual({
    successful: CALLS,
    failures: [],
    exitCode: 0,
  });
  expect(outcome(answered), answered.errors).toMatchObject({ failures: [] });
});

test("neither node complained or had a fault of its own", () => {
  expect(lab.complaints).toEqual([]);
  expect(lab.events.filter(({ level }) => level === "error")).toEqual([]);
});
