// `imslab policy` against both CSCFs: shown, checked, put; what it prints, its exit code, and what the network does then.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminServer } from "@ims-lab/common/platform/http";
import { adminOptions } from "@ims-lab/common/testing/admin-options";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addRoutes as pcscfRoutes } from "../../../pcscf/src/admin/routes.ts";
import { addRoutes as scscfRoutes } from "../../../scscf/src/admin/routes.ts";
import { type AdminServer, imslabAt } from "../cli/imslab-at.ts";
import { impuOf, Lab, type LabOptions } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";
import { callUp, lastCall, registered } from "./two-ues.ts";
import type { Ue } from "./ue.ts";

let folder: string;
let lab: Lab;
let alice: Ue;
let apps: Readonly<Record<string, AdminServer>>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "policy-"));
  await begin();
});
afterEach(() => rmSync(folder, { recursive: true }));

async function begin(options: LabOptions = {}): Promise<void> {
  ({ lab, alice } = await Lab.withAlice(options));
  apps = { 9062: await serverOf("S-CSCF"), 9061: await serverOf("P-CSCF") };
}

async function serverOf(node: "S-CSCF" | "P-CSCF"): Promise<AdminServer> {
  const app = await adminServer(adminOptions(node));
  if (node === "S-CSCF") scscfRoutes(app, lab.scscf, { clock: lab.clock });
  else pcscfRoutes(app, lab.pcscf, { clock: lab.clock });
  return app;
}

const run = (...argv: readonly string[]): ReturnType<typeof imslabAt> =>
  imslabAt(apps, { clock: lab.clock, columns: 0 }, argv);

function fileOf(text: string): string {
  const file = join(folder, "policy.yaml");
  writeFileSync(file, text);
  return file;
}

test("what is shown can be changed and put; it counts for who is registered", async () => {
  const shown = await run("policy", "show");
  expect(shown).toEqual({
    code: 0,
    err: "",
    out: "# of the settings\n# 1 registered device\npacePerSecond: 50\nrules: []\n",
  });
  const file = fileOf(shown.out.replace("rules: []", "rules:\n  - { maxAgeSeconds: 3600 }"));
  const checked = await run("policy", "check", file);
  expect(checked.out.split("\n")).toEqual([
    "new maxAgeSeconds: asks everybody 3600 s after the last authentication",
    "maxAgeSeconds concerns 1 of 1 registered devices",
    "only checked: not in force",
    "",
  ]);
  expect((await run("policy")).out).toBe(shown.out);
  const put = await run("policy", "set", file);
  expect([put.code, put.out.split("\n").at(-2)]).toEqual([0, "in force"]);
  expect((await run("policy", "set", file)).out).toContain("nothing changes");
  const after = (await run("policy")).out;
  expect(after).toMatch(/^# of the operator since \d{4}-\d\d-\d\dT[\d:.]+Z\n/);
  expect(after).toContain(
    "# maxAgeSeconds: asks everybody 3600 s after the last authentication (concerns 1)\n",
  );
  lab.pass(3600);
  expect(lab.reauthentications).toMatchObject([
    { cause: "policy:maxAgeSeconds", end: "reauthenticated" },
  ]);
  expect(alice.state).toBe("registered");
});

test("JSON in, JSON out", async () => {
  const file = fileOf('{"rules":[{"onRefresh":"never"}]}');
  const { code, out } = await run("policy", "set", file, "--json");
  expect([code, JSON.parse(out)]).toMatchObject([
    0,
    { inForce: true, policy: { rules: [{ onRefresh: "never" }] } },
  ]);
});

test("many at once: 1 and why, until it is confirmed", async () => {
  lab.pass(100);
  const file = fileOf("{ pacePerSecond: 0.5, rules: [{ maxAgeSeconds: 60 }] }");
  const checked = await run("policy", "check", file);
  expect([checked.code, checked.out]).toEqual([
    0,
    expect.stringContaining("needs --confirm: 1 of 1 registered devices would have to"),
  ]);
  const refused = await run("policy", "set", file);
  expect([refused.code, refused.out]).toEqual([1, ""]);
  expect(refused.err).toContain("Confirm this policy: 1 of 1 registered devices would have to");
  expect((await run("policy", "set", file, "--confirm")).code).toBe(0);
  lab.pass(3);
  expect(lab.onlyEnd).toBe("reauthenticated");
});

describe("refused, with what to write", () => {
  test.each([
    ["[]", 1, "S-CSCF: Bad policy: the policy: a list of 0"],
    ["rules: [{ onRefresh: sometimes }]", 1, 'rules[0].onRefresh: "sometimes", expected always'],
    ["rules: [{ users: zoe@*, onRefresh: always }]", 1, '"zoe@*" is no subscriber\'s'],
    ["just text", 2, "no policy, which is a mapping with rules"],
    ["rules: [", 2, "policy.yaml: "],
    ["a: &a [*a, *a]\nrules: [*a]", 2, "circular structure"],
    ["\u001b[2J: [", 2, "policy.yaml: "],
  ])("%j: %i", async (text, code, why) => {
    const refused = await run("policy", "set", fileOf(text));
    expect([refused.code, refused.out]).toEqual([code, ""]);
    expect(refused.err).toContain(why);
    expect(refused.err).not.toContain("\u001b");
    expect(lab.scscf.policy.changedAt).toBeUndefined();
  });

  test.each([
    [["policy", "put"], '"put" is none of show, check, set'],
    [["policy", "set"], "say which file: imslab policy set FILE"],
    [["policy", "set", "/nowhere/policy.yaml"], "/nowhere/policy.yaml: ENOENT"],
    [["policy", "show", "x"], '"x" is one word too many'],
    [["policy", "check", "x", "--confirm"], "--confirm goes with set only"],
    [["policy", "--from", "ue"], '"ue" is none of scscf, pcscf'],
  ])("%j: 2", async (argv, why) => {
    const refused = await run(...argv);
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining(why)]);
  });
});

test("--from pcscf: its own rules, and its asking", async () => {
  const shown = await run("policy", "--from", "pcscf");
  expect(shown.out).toContain("  - name: flow-replaced\n    onFlowReplaced: always\n");
  const file = fileOf("rules: [{ name: old, maxAgeSeconds: 600 }]");
  const put = await run("policy", "set", file, "--from", "pcscf");
  expect(put.out.split("\n")).toEqual([
    "removed flow-replaced: asks everybody whose address changed without a challenge",
    "removed flow-lost: asks everybody whose connection is lost for 30 s",
    "new old: asks everybody 600 s after the last authentication",
    "old concerns 1 of 1 registered devices",
    "in force",
    "",
  ]);
  lab.pass(605);
  expect(lab.logs.pcscf.named("rule.asked")).toMatchObject([{ rule: "old" }]);
  expect(lab.reauthentications).toMatchObject([{ cause: "pcscf", end: "reauthenticated" }]);
});

describe("onPcscfRequest", () => {
  test("never: the P-CSCF's asking is heard, told, and not followed", async () => {
    await run("policy", "set", fileOf("rules: [{ onPcscfRequest: never }]"));
    expect(lab.askByPcscf("alice")).toBe("asked");
    lab.pass(2);
    expect(lab.reauthentications).toEqual([]);
    expect(lab.logs.scscf.named("policy.not-followed")).toMatchObject([
      { rule: "onPcscfRequest", impu: impuOf("alice") },
    ]);
    const { events } = lab.scscf.history.of(impuOf("alice"));
    expect(events.map(({ text }) => text).join()).toContain(
      "the P-CSCF asked for a re-authentication, and is not followed: rule onPcscfRequest",
    );
  });

  test("only when the authentication is old: by this rule's name, else not", async () => {
    const rules =
      "[{ name: old, onPcscfRequest: always, minAgeSeconds: 60 }, { onPcscfRequest: never }]";
    await run("policy", "set", fileOf(`rules: ${rules}`));
    lab.askByPcscf("alice");
    lab.pass(70);
    expect(lab.reauthentications).toEqual([]);
    lab.askByPcscf("alice");
    lab.pass(2);
    expect(lab.reauthentications).toMatchObject([{ cause: "policy:old", end: "reauthenticated" }]);
  });
});

describe("onMethods", () => {
  async function message(device: ScriptedUe): Promise<void> {
    device.message();
    lab.pass(2);
  }

  test("each third of a device's requests, of those whom it concerns", async () => {
    const bob = await ScriptedUe.subscribed(lab, "bob");
    const carol = await ScriptedUe.subscribed(lab, "carol");
    await run(
      "policy",
      "set",
      fileOf("rules: [{ users: '*:bob@*', onMethods: [MESSAGE], everyNth: 3 }]"),
    );
    for (let turn = 1; turn <= 7; turn++) {
      await message(bob);
      await message(carol);
      bob.register(); // whoever was asked has authenticated when it comes to the next time
      const fired = lab.logs.scscf.named("policy.fired");
      expect(fired).toHaveLength(Math.floor(turn / 3));
      for (const one of fired) expect(one).toMatchObject({ impi: "bob@ims.example" });
    }
  });

  test("asked again and again while it is due, the askers grow no longer", async () => {
    const bob = await ScriptedUe.subscribed(lab, "bob");
    await run("policy", "set", fileOf("rules: [{ onMethods: [MESSAGE] }]"));
    for (let turn = 0; turn < 5; turn++) bob.message();
    const [running] = lab.reauthentications;
    expect(running?.askers).toEqual(["policy:onMethods"]);
  });

  test("a call that was up before any rule about requests goes on: for an hour nobody is asked, then nobody is refused who authenticates", async () => {
    const bob = await registered(lab, "bob");
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(2);
    await run("policy", "set", fileOf("rules: [{ onMethods: [INVITE], outcome: reject }]"));
    callUp(alice).apply({ kind: "hold", on: true });
    lab.pass(2);
    expect([lastCall(bob).heldThere, lastCall(bob).state]).toEqual([true, "up"]);
    expect(lab.logs.scscf.named("policy.fired")).toEqual([]);
    lab.pass(3600);
    callUp(alice).apply({ kind: "hold", on: false });
    lab.pass(2);
    expect(lab.logs.scscf.named("policy.fired")).toMatchObject([{ impu: impuOf("alice") }]);
    expect(lab.onlyEnd).toBe("reauthenticated");
    lab.pass(200);
    callUp(bob).apply({ kind: "hold", on: true });
    lab.pass(2);
    expect([lastCall(alice).heldThere, lastCall(alice).state]).toEqual([true, "up"]);
    expect(lab.passed("200 INVITE", "S-CSCF", "P-CSCF")).toHaveLength(4);
    expect(lab.passed("403 INVITE", "S-CSCF", "P-CSCF")).toEqual([]);
  });

  test("a call made under the policy is known for longer", async () => {
    const bob = await registered(lab, "bob");
    await run("policy", "set", fileOf("rules: [{ onMethods: [INVITE] }]"));
    alice.equipment.calls.dial(impuOf("bob"));
    lab.pass(3700);
    const fired = lab.logs.scscf.named("policy.fired").length;
    callUp(alice).apply({ kind: "hold", on: true });
    lab.pass(2);
    expect([lastCall(bob).heldThere, fired]).toEqual([true, 1]);
    expect(lab.logs.scscf.named("policy.fired")).toHaveLength(fired);
  });
});
