// Figures 1, 2 and 4: registration, the UE's subscription, the S-CSCF's subscription.
import { expect, test } from "vitest";
import { Lab } from "./lab.ts";

test("alice registers and subscribes", async () => {
  const { lab, alice } = await Lab.withAlice();
  expect(alice.state).toBe("registered");
  expect(lab.atPcscf("alice")).toHaveLength(1);
});
