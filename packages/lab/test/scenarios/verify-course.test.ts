// verify as an operator meets it: what it refuses to judge, what it leaves behind, and how it is broken off.
import { REG_PACKAGE } from "@ims-lab/common/ims/events";
import { expect, test } from "vitest";
import { CommandFailure, EXIT } from "../../src/cli/exit-codes.ts";
import { impuOf, Lab } from "./lab.ts";
import { ScriptedUe } from "./scripted-ue.ts";
import { labControl, told, verified } from "./verified.ts";

const REAUTHENTICATION = { only: ["reauthentication"] };

test("a user that is not registered, or has two devices, is not judged", async () => {
  const lab = await Lab.start();
  await expect(verified(lab, "alice")).rejects.toMatchObject({
    exitCode: EXIT.notRegistered,
    message: "not registered: sip:alice@ims.example",
  });
  for (const _ of [1, 2]) (await lab.ue("bob")).register();
  lab.pass(5);
  await expect(verified(lab, "bob")).rejects.toMatchObject({
    exitCode: EXIT.unknown,
    message: expect.stringContaining("has 2 devices, and one is judged at a time"),
  });
  expect(lab.scscf.watches.isOn).toBe(false);
});

test("a network that is at fault already does not judge, and its faults stay", async () => {
  const { lab } = await Lab.withAlice();
  const { switches } = lab.scscf.faults;
  switches.on("notify-twice", {});
  await expect(verified(lab, "alice", REAUTHENTICATION)).rejects.toThrow("switch off notify-twice");
  expect(switches.count).toBe(1);
  switches.off();
  switches.on("notify-twice", { impu: "sip:bob@ims.example" });
  expect(told(await verified(lab, "alice", REAUTHENTICATION))).toEqual(["reauthentication | pass"]);
});

test("broken off in the middle of a fault: it is off, and the device's state is said", async () => {
  const { lab } = await Lab.withAlice({ ue: { "subscription.event": "reg" } });
  const interrupted = new AbortController();
  const network = labControl(lab, "alice");
  const breaking = {
    ...network,
    reauthenticate: async (impu: string, within: number) => {
      await network.reauthenticate(impu, within);
      expect(lab.scscf.faults.switches.count).toBe(1);
      lab.clock.after(5_000, () => interrupted.abort());
    },
  };
  const report = verified(lab, "alice", {
    only: ["without-callid"],
    network: breaking,
    signal: interrupted.signal,
  });
  await expect(report).rejects.toMatchObject({
    exitCode: EXIT.interrupted,
    message:
      "interrupted: no fault is left on, and the device is registered, and a re-authentication is still due (acknowledged)",
  });
  expect(lab.scscf.faults.switches.count).toBe(0);
  expect(lab.scscf.watches.isOn).toBe(false);
});

test("the stream of messages breaks off: so does verify, and no fault stays on", async () => {
  const { lab } = await Lab.withAlice({ ue: { "subscription.event": "reg" } });
  const network = labControl(lab, "alice");
  const broken: typeof network = {
    ...network,
    observe: async (impu, saw, signal) => {
      await network.observe(impu, saw, signal);
      const over = new Promise<never>((_, reject) => {
        lab.clock.after(3_000, () => reject(new Error("the stream has ended")));
      });
      return { over };
    },
  };
  const report = verified(lab, "alice", { only: ["without-callid"], network: broken });
  await expect(report).rejects.toThrow("the stream has ended");
  expect(lab.scscf.faults.switches.count).toBe(0);
});

test("what takes longer than the timeout is inconclusive, and says what would be waited for", async () => {
  const { lab } = await Lab.withAlice({ ue: { "subscription.event": "reg" } });
  const report = await verified(lab, "alice", { ...REAUTHENTICATION, timeoutSeconds: 10 });
  expect(told(report)).toEqual([
    "reauthentication | inconclusive | granted 60 s, refresh due after 30 s, not come in 10 s: not due yet; --timeout 40 waits for it",
  ]);
});

test("only what takes more than two seconds is told meanwhile", async () => {
  const { lab } = await Lab.withAlice({ ue: { "subscription.event": "reg" } });
  const lines: string[] = [];
  await verified(lab, "alice", { ...REAUTHENTICATION, show: (line) => lines.push(line) });
  expect(lines).toEqual(["Network-initiated re-authentication: waiting for its REGISTER"]);
});

test("a device that is told sooner and keeps its first time is found out", async () => {
  const lab = await Lab.start();
  const device = await ScriptedUe.subscribed(lab, "bob", { event: REG_PACKAGE });
  // Registers at half of what was said first.
  let isTold = false;
  const network = labControl(lab, "bob");
  const noticed: typeof network = {
    ...network,
    reauthenticate: async (impu, within) => {
      await network.reauthenticate(impu, within);
      if (!isTold) lab.clock.after(30_000, () => device.ask());
      isTold = true;
    },
  };
  const report = await verified(lab, "bob", { only: ["asked-sooner"], network: noticed });
  expect(told(report)[0]).toContain("asked-sooner | fail | register-late:");
});

test("a device without a subscription is judged by its next REGISTER; where none comes, not", async () => {
  const lab = await Lab.start();
  const phone = await ScriptedUe.start(lab, "phone");
  phone.register();
  const only = ["subscription", "next-register", "reauthentication"];
  lab.clock.after(100_000, () => phone.register());
  const lines = told(await verified(lab, "phone", { only, timeoutSeconds: 120 }));
  expect(lines).toEqual([
    "subscription | fail | no-subscribe: it is registered and has no subscription",
    "next-register | pass",
    "reauthentication | not-applicable | it has no subscription: nothing can be asked of it",
  ]);
  const silent = await verified(lab, "phone", { only: ["next-register"], timeoutSeconds: 30 });
  expect(told(silent)).toEqual(["next-register | inconclusive | no REGISTER came"]);
});

test("a device that leaves just before it is asked leaves that open, and no more", async () => {
  const { lab } = await Lab.withAlice();
  const network = labControl(lab, "alice");
  const gone: typeof network = {
    ...network,
    reauthenticate: () =>
      Promise.reject(new CommandFailure(EXIT.notRegistered, "not registered: alice")),
  };
  const only = ["subscription", "reauthentication"];
  expect(told(await verified(lab, "alice", { only, network: gone }))).toEqual([
    "subscription | pass",
    "reauthentication | inconclusive | it has de-registered meanwhile",
  ]);
});

test("a device that did not come back is waited for once, not before each procedure", async () => {
  const { lab, alice } = await Lab.withAlice();
  alice.faults.on("notify-ignored", {});
  const began = lab.clock.now();
  const report = await verified(lab, "alice", { timeoutSeconds: 120 });
  expect(report.results.filter(({ verdict }) => verdict === "inconclusive").length).toBeGreaterThan(
    8,
  );
  expect(lab.clock.now() - began).toBeLessThan(120_000);
});

test("what passes between the two CSCFs about the user is not the device's", async () => {
  const { lab } = await Lab.withAlice({ profile: "seed" });
  const seen: string[] = [];
  const names = new Set([impuOf("alice")]);
  lab.scscf.watches.begin({
    names,
    saw: ({ direction, method, status }) => seen.push(`${direction} ${status ?? method}`),
  });
  lab.askByPcscf("alice"); // Figure 5; then the S-CSCF renews its own subscription (Figure 4)
  lab.pass(5);
  expect(lab.passed("NOTIFY", "P-CSCF", "S-CSCF")).not.toEqual([]);
  expect(seen.filter((one) => one === "from-device NOTIFY")).toEqual([]);
  expect(seen.filter((one) => one === "to-device SUBSCRIBE")).toEqual([]);
  expect(seen).toContain("to-device NOTIFY");
});
