// The network forgets a UE that could not be told: with its next REGISTER all is well again. RFC 6665 §4.1.2.2.
import { expect, test } from "vitest";
import { ACCESS, Lab } from "./lab.ts";

const EVERYBODY = { atScscf: 1, subscribed: 1, atPcscf: 1 };

test.each(["registration", "unlimited"] as const)(
  "Expires as %s: it notices the new binding and subscribes anew",
  async (expires) => {
    const { lab, alice } = await Lab.withAlice({ expires });
    const heal = lab.cut("P→UE");
    lab.deregister("alice", { kind: "expired" });
    lab.pass(100);
    heal();
    expect(alice.state).toBe("registered");
    alice.register();
    lab.pass(120);
    expect(alice.state).toBe("registered");
    expect(lab.ofAlice).toEqual(EVERYBODY);
    lab.askByScscf("alice");
    lab.pass(5);
    expect(lab.onlyEnd).toBe("reauthenticated");
  },
);

test("a NOTIFY under way on a connection that ends does not cost the UE its subscription", async () => {
  const { lab, alice } = await Lab.withAlice({
    expires: "unlimited",
    transport: "tcp",
    latencyMs: 50,
  });
  lab.askByScscf("alice");
  lab.pass(0.52); // the last NOTIFY is at the UE, its answer is not at the P-CSCF
  lab.forget();
  lab.network.breakStreams({ to: ACCESS });
  lab.pass(120);
  expect(lab.passed("430 NOTIFY", "P-CSCF", "S-CSCF")).not.toEqual([]);
  expect(lab.onlyEnd).toBe("reauthenticated");
  expect(alice.state).toBe("registered");
  expect(lab.ofAlice).toEqual(EVERYBODY);
});
