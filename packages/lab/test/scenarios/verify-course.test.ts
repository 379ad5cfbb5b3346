// verify as an operator meets it: what it refuses to judge, what it leaves behind, and how it is broken off.
import { REG_PACKAGE } from "@ims-lab/common/ims/events";
import { expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { Lab } from "./lab.ts";
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
