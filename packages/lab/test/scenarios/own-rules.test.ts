// The P-CSCF asks by itself, by its rules: Figure 5 without an operator.
import { expect, test } from "vitest";
import { ACCESS, Lab } from "./lab.ts";

/** `rule.asked` and `rule.cannot-ask` in the P-CSCF's log. */
function rules(lab: Lab): unknown[] {
  const { pcscf } = lab.logs;
  return [...pcscf.named("rule.asked"), ...pcscf.named("rule.cannot-ask")].map(({ rule }) => rule);
}

test("maxAgeSeconds: an authentication that is too old, again and again", async () => {
  const { lab } = await Lab.withAlice({ pcscf: { "reauthentication.maxAgeSeconds": 3600 } });
  lab.pass(3500);
  expect(lab.reauthentications).toEqual([]);
  lab.pass(200);
  expect(lab.reauthentications).toMatchObject([{ cause: "pcscf", end: "reauthenticated" }]);
  lab.pass(3600);
  expect(lab.reauthentications).toMatchObject([
    { cause: "pcscf", end: "reauthenticated" },
    { cause: "pcscf", end: "reauthenticated" },
  ]);
  expect(rules(lab)).toEqual(["max-age", "max-age"]);
});

test("flows.lostSeconds: a connection that is gone and comes back too late; the UE must authenticate", async () => {
  const { lab, alice } = await Lab.withAlice({
    transport: "tcp",
    pcscf: { "flows.lostSeconds": 10 },
  });
  const heal = lab.cut("UE→P");
  lab.network.breakStreams({ to: ACCESS });
  lab.pass(11);
  expect(rules(lab)).toEqual(["flow-lost"]);
  heal();
  lab.pass(45);
  expect(lab.onlyEnd).toBe("reauthenticated");
  expect(alice.state).toBe("registered");
});

test("flows.lostSeconds: a connection replaced in time asks nobody", async () => {
  const { lab } = await Lab.withAlice({ transport: "tcp", pcscf: { "flows.lostSeconds": 10 } });
  lab.network.breakStreams({ to: ACCESS });
  lab.pass(60);
  expect(rules(lab)).toEqual([]);
});

test("without Figure 4 it cannot ask, and says so", async () => {
  const { lab } = await Lab.withAlice({
    pcscf: { "reauthentication.maxAgeSeconds": 3600 },
    scscf: { "pcscf.subscribe": false },
  });
  lab.pass(3700);
  expect(lab.reauthentications).toEqual([]);
  expect(lab.logs.pcscf.named("rule.cannot-ask")).toMatchObject([{ rule: "max-age" }]);
});
