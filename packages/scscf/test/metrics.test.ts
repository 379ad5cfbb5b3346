// Labels of the re-authentications' metric: few, whatever rules and campaigns there have been.
import { createMetrics } from "@ims-lab/common/platform/metrics";
import { expect, test } from "vitest";
import { createScscfMetrics } from "../src/metrics.ts";
import type { Ended } from "../src/registration/reauthentication.ts";

function ended(cause: Ended["cause"]): Ended {
  return {
    id: "r",
    requestId: "q",
    impi: "i",
    impu: "u",
    bindingId: "b",
    contact: "c",
    cause,
    askers: [],
    requestedAt: 0,
    progress: "ended",
    end: "reauthenticated",
    endedAt: 1,
    deadline: 2,
    course: {},
  };
}

test("names of 64 rules, then policy:other; campaigns and the rest by one word", async () => {
  const metrics = createMetrics({ node: "scscf", processFigures: false });
  const counted = createScscfMetrics(metrics);
  const tell = (cause: Ended["cause"]): void =>
    counted.on({ kind: "reauthentication-ended", reauthentication: ended(cause) });
  for (let n = 0; n < 200; n++) {
    tell(`policy:rule${n}`);
    tell(`campaign:${n}`);
    tell("operator");
  }
  tell("policy:rule3");
  const lines = (await metrics.text()).match(/^reauthentications_total\{.*/gm) ?? [];
  expect(lines).toHaveLength(64 + 3);
  const countOf = (cause: string): string | undefined =>
    lines
      .find((line) => line.includes(`cause="${cause}"`))
      ?.split(" ")
      .at(-1);
  expect(["policy:rule3", "policy:other", "campaign", "operator"].map(countOf)).toEqual([
    ...["2", "136", "200", "200"],
  ]);
});
