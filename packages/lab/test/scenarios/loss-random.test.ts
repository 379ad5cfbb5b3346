// Packets lost at random on every hop, the same each run: whatever is lost, the lab comes to rest registered.
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { describe, expect, test } from "vitest";
import { Lab, type Way } from "./lab.ts";

const WAYS: readonly Way[] = ["UE→P", "P→UE", "P→S", "S→P"];

describe.each([1, 2, 3, 4, 5, 6])("a fifth of all packets lost, seed %i", (seed) => {
  test.each(["seed", "ts24229"] as const)(
    "%s: three users, asked by both sides",
    async (profile) => {
      const lab = await Lab.start({ profile });
      const random = seededRandom(seed);
      for (const way of WAYS) lab.lose(way, () => random.fraction() < 0.2);
      const users = ["alice", "bob", "carol"];
      for (const user of users) (await lab.ue(user)).register();
      lab.pass(60);
      for (let round = 0; round < 3; round++) {
        for (const user of users) {
          lab.askByScscf(user);
          lab.askByPcscf(user);
          lab.pass(random.fraction() * 10);
        }
        lab.pass(1000);
      }
      expect(new Set(lab.reauthentications.map(({ end }) => end))).toEqual(
        new Set(["reauthenticated"]),
      );
      for (const user of users) {
        expect(lab.atScscf(user)).toHaveLength(1);
        expect(lab.atScscf(user)[0]?.subscription).not.toBeNull();
        expect(lab.atPcscf(user)).toHaveLength(1);
      }
      expect(lab.logs.scscf.named("registration.removed")).toEqual([]);
    },
  );
});
