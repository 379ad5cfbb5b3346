// The contract of shared rows over the memory that scenarios use.
import { openClusterRows } from "@ims-lab/common/store/cluster-rows";
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { MemoryCluster } from "@ims-lab/common/testing/memory-cluster";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { seededRandom } from "@ims-lab/common/testing/seeded-random";
import { SHARED_TABLES, TABLES } from "../../src/rows.ts";
import { sharedRowsContract } from "../contract/shared-rows.ts";

let clock = new FakeClock();
let cluster = new MemoryCluster(clock);
let seed = 0;

sharedRowsContract({
  name: "memory",
  reset: () => {
    clock = new FakeClock();
    cluster = new MemoryCluster(clock);
  },
  open: async (label, name = "lab") => {
    const line = { isCut: false };
    const rows = await openClusterRows({
      name,
      label,
      address: `${label}.example:6060`,
      url: "redis://memory",
      connect: cluster.connect(clock, line),
      tables: TABLES,
      shared: SHARED_TABLES,
      clock,
      nextTurn: (turn) => void clock.after(0, turn),
      random: seededRandom(++seed),
      log: memoryLogger(),
    });
    return {
      rows,
      cut: () => {
        line.isCut = true;
      },
      mended: () => {
        line.isCut = false;
      },
    };
  },
  pass: (milliseconds) => clock.advanceAsync(milliseconds),
  loseNextWrite: () => cluster.loseAnswerTo("write"),
});
