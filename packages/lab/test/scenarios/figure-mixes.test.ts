// The P-CSCF's and the S-CSCF's way to follow a registration, in all mixes, with both packages at the UE.
import { describe, expect, test } from "vitest";
import { Lab } from "./lab.ts";

const mixes = (["seed", "ts24229"] as const).flatMap((profile) =>
  [true, false].flatMap((subscribeReg) =>
    (["own", "reg"] as const).map((event) => ({ profile, subscribeReg, event })),
  ),
);

describe.each(mixes)("S-CSCF $profile, pcscf.subscribeReg $subscribeReg, UE $event", (mix) => {
  const { profile, subscribeReg, event } = mix;
  const options = {
    scscf: { profile },
    pcscf: { subscribeReg },
    ue: { "subscription.event": event },
  };

  test("both sides ask, the UE authenticates, everybody stays registered", async () => {
    const { lab, alice } = await Lab.withAlice(options);
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
    lab.askByScscf("alice");
    lab.pass(400);
    const served = profile === "seed" ? "asked" : "not-subscribed";
    expect(lab.askByPcscf("alice")).toBe(served);
    lab.pass(400);
    const ends = lab.reauthentications.map(({ cause, end }) => `${cause} ${end}`);
    const byPcscf = profile === "seed" ? ["pcscf reauthenticated"] : [];
    expect(ends).toEqual([...byPcscf, "operator reauthenticated"]);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual({ atScscf: 1, subscribed: 1, atPcscf: 1 });
  });

  test("de-registration reaches the UE, and the P-CSCF wherever one of them has subscribed", async () => {
    const { lab, alice } = await Lab.withAlice(options);
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(5);
    expect(alice.view.registration).toMatchObject({ state: "deregistered", why: "rejected" });
    const left = profile === "seed" || subscribeReg ? 0 : 1;
    expect(lab.ofAlice).toEqual({ atScscf: 0, subscribed: 0, atPcscf: left });
  });
});
