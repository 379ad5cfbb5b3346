// A CSCF that ends and comes back without its memory: the lab comes to rest as if nothing had been. RFC 6665 §4.1.2.2, RFC 5626 §4.2.
import { describe, expect, test } from "vitest";
import { ACCESS, Lab, SCSCF } from "./lab.ts";

const EVERYBODY = { atScscf: 1, subscribed: 1, atPcscf: 1 };
const MIXES = (["seed", "ts24229"] as const).flatMap((profile) =>
  (["udp", "tcp"] as const).flatMap((transport) =>
    (["S-CSCF", "P-CSCF"] as const).map((node) => ({ profile, transport, node })),
  ),
);

/** Figures 3 and, where the S-CSCF subscribes, 5 work again. */
function expectWhole(lab: Lab, profile: string): void {
  expect(lab.ofAlice).toEqual(EVERYBODY);
  const before = lab.reauthentications.length;
  lab.askByScscf("alice");
  lab.pass(400);
  if (profile === "seed") {
    expect(lab.askByPcscf("alice")).toBe("asked");
    lab.pass(400);
  }
  const ends = lab.reauthentications.slice(0, lab.reauthentications.length - before);
  expect(ends.map(({ end }) => end)).toEqual(
    profile === "seed" ? ["reauthenticated", "reauthenticated"] : ["reauthenticated"],
  );
  expect(lab.ofAlice).toEqual(EVERYBODY);
}

describe.each(MIXES)("$node restarts ($profile, $transport)", ({ profile, transport, node }) => {
  test("the UE's next REGISTER brings everything back", async () => {
    const { lab, alice } = await Lab.withAlice({ profile, transport });
    await lab.restart(node);
    lab.pass(5);
    alice.register();
    lab.pass(60);
    expect(alice.state).toBe("registered");
    expectWhole(lab, profile);
  });

  test("in the middle of a re-authentication", async () => {
    const { lab, alice } = await Lab.withAlice({ profile, transport, latencyMs: 50 });
    lab.askByScscf("alice");
    lab.pass(0.2);
    await lab.restart(node);
    lab.pass(700);
    alice.register();
    lab.pass(120);
    expect(alice.state).toBe("registered");
    expectWhole(lab, profile);
  });
});

describe.each(MIXES)("$node restarts ($profile, $transport), and the UE looks", (mix) => {
  const CHECKED = { "registration.checkSeconds": 30 };

  test("it is back within a minute, by itself, subscription and all", async () => {
    const { profile, transport, node } = mix;
    const { lab, alice } = await Lab.withAlice({ profile, transport, ue: CHECKED });
    lab.pass(300);
    await lab.restart(node);
    lab.pass(60);
    expect(alice.state).toBe("registered");
    expectWhole(lab, profile);
  });

  test("however long the CSCF was away", async () => {
    const { profile, transport, node } = mix;
    const { lab, alice } = await Lab.withAlice({ profile, transport, ue: CHECKED });
    const host = node === "S-CSCF" ? SCSCF.host : ACCESS.host;
    const back = lab.network.cut({ to: { host } });
    lab.pass(200);
    expect(alice.equipment.isReady).toBe(false);
    back();
    await lab.restart(node);
    lab.pass(60);
    expect(alice.state).toBe("registered");
    expect(alice.equipment.isReady).toBe(true);
    expectWhole(lab, profile);
  });
});

test("a registration that stands is asked for and left alone", async () => {
  const { lab, alice } = await Lab.withAlice({ ue: { "registration.checkSeconds": 30 } });
  lab.forget();
  lab.pass(600);
  expect(lab.attempts("OPTIONS", "UE", "P-CSCF")).toBeGreaterThan(19);
  expect(lab.attempts("OPTIONS", "UE", "P-CSCF")).toBeLessThan(26);
  expect(lab.attempts("OPTIONS", "S-CSCF", "P-CSCF")).toBe(0);
  expect(lab.attempts("REGISTER")).toBe(0);
  expect(alice.view.registration.lastCheck).toMatchObject({ status: 200, why: null });
});

test.each(["seed", "ts24229"] as const)(
  "%s: a UE on a connection finds its way back by itself when the P-CSCF restarts",
  async (profile) => {
    const { lab, alice } = await Lab.withAlice({ profile, transport: "tcp" });
    await lab.restart("P-CSCF");
    lab.pass(120);
    expect(alice.state).toBe("registered");
    expectWhole(lab, profile);
  },
);

describe.each(["S-CSCF", "P-CSCF"] as const)("%s restarts while Figures 1 to 5 run", (node) => {
  const users = ["alice", "bob", "carol"];

  test.each([0.02, 0.05, 0.11, 0.25, 0.4, 0.7])("after %d s", async (seconds) => {
    const lab = await Lab.start({ latencyMs: 20 });
    const [alice, bob, carol] = await Promise.all(users.map((user) => lab.ue(user)));
    bob?.register();
    carol?.register();
    lab.pass(5);
    alice?.register(); // Figures 1, 2, 4
    lab.askByScscf("bob"); // Figure 3
    lab.askByPcscf("carol"); // Figure 5
    lab.pass(seconds);
    await lab.restart(node);
    lab.pass(200);
    for (const ue of [alice, bob, carol]) ue?.register();
    lab.pass(200);
    const before = lab.reauthentications.length;
    for (const user of users) {
      lab.askByScscf(user);
      lab.pass(10);
      expect(lab.askByPcscf(user)).toBe("asked");
      lab.pass(10);
    }
    const ends = lab.reauthentications.slice(0, lab.reauthentications.length - before);
    expect(ends.map(({ end }) => end)).toEqual(Array.from({ length: 6 }, () => "reauthenticated"));
    for (const user of users) {
      expect(lab.atScscf(user)).toHaveLength(1);
      expect(lab.atScscf(user)[0]?.subscription).not.toBeNull();
      expect(lab.atPcscf(user)).toHaveLength(1);
    }
    expect(lab.scscf.pcscfSubscriptions.size).toBe(3);
  });
});
