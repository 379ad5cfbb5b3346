// De-registration while packets are lost: the last words arrive, and none of them late enough to harm.
import { describe, expect, test } from "vitest";
import { Lab, type Way } from "./lab.ts";

const NOBODY = { atScscf: 0, subscribed: 0, atPcscf: 0 };
const EVERYBODY = { atScscf: 1, subscribed: 1, atPcscf: 1 };
const profiles = ["seed", "ts24229"] as const;
const WAYS: readonly Way[] = ["UE→P", "P→UE", "P→S", "S→P"];
const losses = profiles.flatMap((profile) =>
  WAYS.flatMap((way) => [0, 1, 2, 3].map((nth) => ({ profile, way, nth }))),
);

describe.each(losses)("$profile, $way: packet $nth is lost", ({ profile, way, nth }) => {
  test("the UE de-registers: everything is gone everywhere", async () => {
    const { lab, alice } = await Lab.withAlice({ profile });
    lab.lose(way, (index) => index === nth);
    alice.deregister();
    lab.pass(20);
    expect(alice.state).toBe("deregistered");
    expect(lab.ofAlice).toEqual(NOBODY);
  });

  test("the operator de-registers (rejected): everything is gone everywhere", async () => {
    const { lab, alice } = await Lab.withAlice({ profile });
    lab.lose(way, (index) => index === nth);
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(20);
    expect(alice.state).toBe("deregistered");
    expect(lab.ofAlice).toEqual(NOBODY);
  });

  test("deactivated: the UE comes back at once, and no late word ends the new registration", async () => {
    const { lab, alice } = await Lab.withAlice({ profile });
    lab.lose(way, (index) => index === nth);
    lab.deregister("alice", { kind: "deactivated" });
    lab.pass(20);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual(EVERYBODY);
    lab.deregister("alice", { kind: "rejected" });
    lab.pass(5);
    expect(lab.ofAlice).toEqual(NOBODY);
  });
});
