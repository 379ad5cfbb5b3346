// Mistakes in the settings: one line in the log names the setting, the address and what to do, once.
import type { MemoryLogger } from "@ims-lab/common/testing/memory-logger";
import { describe, expect, test } from "vitest";
import { CORE, impuOf, Lab, SCSCF } from "./lab.ts";
import { twoUes } from "./two-ues.ts";

const NOWHERE = "10.9.9.9";

/** Warnings that tell a person where to look. */
function advice(log: MemoryLogger): unknown[] {
  const events = ["peer.unreachable", "peer.unresolved", "registration.refused", "scscf.down"];
  return events.flatMap((event) => log.named(event).filter(({ setting }) => setting !== undefined));
}

/** Two users try again and again. */
async function triedOften(lab: Lab): Promise<void> {
  const ues = [await lab.ue("alice"), await lab.ue("bob")];
  for (let round = 0; round < 4; round++) {
    for (const ue of ues) ue.register();
    await lab.clock.advanceAsync(100_000);
  }
  expect(lab.attempts("REGISTER")).toBeGreaterThan(6);
}

describe("the P-CSCF's `scscf`", () => {
  test.each(["udp", "tcp"])("nobody listens there (%s)", async (transport) => {
    const scscf = `sip:${NOWHERE}:6060;transport=${transport}`;
    const lab = await Lab.start({ pcscf: { scscf } });
    await triedOften(lab);
    expect(advice(lab.logs.pcscf)).toMatchObject([
      {
        peer: `${transport}:${NOWHERE}:6060`,
        why: "refused",
        setting: "scscf",
        next: "nobody listens, or no route leads there: start what should be there, or correct scscf",
      },
    ]);
  });

  test("nothing comes back from there", async () => {
    const lab = await Lab.start();
    lab.network.cut({ from: { host: SCSCF.host } });
    await triedOften(lab);
    expect(advice(lab.logs.pcscf)).toMatchObject([
      { why: "timeout", setting: "scscf", next: expect.stringMatching(/^nobody answers/) },
    ]);
  });

  test("a name that has no address", async () => {
    const lab = await Lab.start({ pcscf: { scscf: "sip:scscf.example" } });
    await triedOften(lab);
    expect(advice(lab.logs.pcscf)).toMatchObject([
      {
        host: "scscf.example",
        why: "no address",
        setting: "scscf",
        next: expect.stringMatching(/correct scscf, or/),
      },
    ]);
  });

  test("several, none of them there: one line each", async () => {
    const both = [`sip:${NOWHERE}:6060`, "sip:10.9.9.8:6060"];
    const lab = await Lab.start({ pcscf: { scscf: both.join(",") } });
    await triedOften(lab);
    const lines = advice(lab.logs.pcscf) as { scscf: string }[];
    expect(lines.map(({ scscf }) => scscf).sort()).toEqual([...both].sort());
  });
});

test("the S-CSCF's `trustedPeers` lack the P-CSCF", async () => {
  const lab = await Lab.start({ scscf: { trustedPeers: `${NOWHERE}:4060` } });
  await triedOften(lab);
  expect(advice(lab.logs.scscf)).toMatchObject([
    {
      reason: "untrusted-peer",
      why: `udp:${CORE.host}:${CORE.port} is no trusted peer (trustedPeers): devices register at their P-CSCF`,
      setting: "trustedPeers",
      next: expect.stringMatching(/add it there/),
    },
  ]);
});

test("the S-CSCF's `routes` lead to nobody", async () => {
  const { lab, alice } = await twoUes({
    scscf: { routes: `elsewhere.example=sip:${NOWHERE}:5060` },
  });
  for (const to of ["dave", "eve"])
    void alice.equipment.messages.send(`sip:${to}@elsewhere.example`, "hi");
  lab.pass(100);
  expect(advice(lab.logs.scscf)).toMatchObject([
    { peer: `udp:${NOWHERE}:5060`, why: "refused", setting: "routes" },
  ]);
});

test("a P-CSCF that is gone: the S-CSCF names it once, however many users it had", async () => {
  const { lab } = await twoUes();
  lab.network.cut({ from: { host: CORE.host } });
  for (const user of ["alice", "bob"]) lab.askByScscf(user);
  lab.pass(100);
  expect(advice(lab.logs.scscf)).toMatchObject([
    { peer: `udp:${CORE.host}:${CORE.port}`, why: "timeout", setting: "trustedPeers" },
  ]);
});

describe("who does not answer is named, not a setting that is right", () => {
  test("a device: the S-CSCF does not accuse its P-CSCF", async () => {
    const { lab, alice } = await twoUes();
    lab.network.cut({ to: { host: alice.host } });
    lab.askByScscf("alice");
    lab.pass(100);
    expect(advice(lab.logs.scscf)).toEqual([]);
    const [failed] = lab.logs.scscf.named("reauthentication.notify-failed");
    expect(failed).toMatchObject({ why: "NOTIFY not answered" });
    expect(failed?.["silent"]).toBe(
      `the device sip:alice@${alice.host}:49152 behind the P-CSCF ${CORE.host}:${CORE.port}`,
    );
    const peer = `udp:${CORE.host}:${CORE.port}`;
    expect(lab.logs.scscf.named("request.unanswered")).toMatchObject([
      { peer, next: expect.stringContaining("it has said 100") },
    ]);
  });

  test("the P-CSCF itself", async () => {
    const { lab } = await twoUes();
    lab.network.cut({ from: { host: CORE.host } });
    lab.askByScscf("alice");
    lab.pass(100);
    const [failed] = lab.logs.scscf.named("reauthentication.notify-failed");
    expect(failed?.["silent"]).toMatch(/^the P-CSCF .* not even said 100/);
    expect(lab.logs.scscf.named("request.unanswered")).toEqual([]);
  });

  test("the S-CSCF: the UE does not accuse its P-CSCF, the P-CSCF names it", async () => {
    const lab = await Lab.start();
    lab.network.cut({ from: { host: SCSCF.host } });
    const ue = await lab.ue("alice", {});
    ue.register();
    await lab.clock.advanceAsync(400_000);
    expect(advice(lab.logs.ue).filter((line) => JSON.stringify(line).includes("pcscf"))).toEqual(
      [],
    );
    expect(advice(lab.logs.pcscf)).toMatchObject([{ why: "timeout", setting: "scscf" }]);
  });

  test("another user: the caller's P-CSCF does not accuse the S-CSCF", async () => {
    const { lab, alice, bob } = await twoUes();
    lab.network.cut({ to: { host: bob.host } });
    void alice.equipment.messages.send(impuOf("bob"), "hi");
    lab.pass(100);
    for (const node of ["ue", "pcscf", "scscf"] as const)
      expect(advice(lab.logs[node])).toEqual([]);
  });
});

test("a UE's `pcscf`", async () => {
  const lab = await Lab.start();
  const ue = await lab.ue("alice", {});
  lab.network.cut({ from: { host: ue.host } });
  ue.register();
  await lab.clock.advanceAsync(400_000);
  expect(advice(lab.logs.ue)).toMatchObject([{ why: "timeout", setting: "pcscf" }]);
  expect(lab.logs.ue.named("registration.failed").length).toBeGreaterThan(1);
});
