// A flood of refusals does not become a flood of lines.
import { FakeClock } from "@ims-lab/common/testing/fake-clock";
import { memoryLogger } from "@ims-lab/common/testing/memory-logger";
import { expect, test } from "vitest";
import { RefusalLog } from "../src/refusal-log.ts";

test("of users behind the P-CSCF: a burst, then ten a second, each event for itself", () => {
  const clock = new FakeClock();
  const log = memoryLogger();
  const refusals = new RefusalLog(log, clock);
  const refuse = (): void =>
    refusals.warn("registration.refused", { status: 403, reason: "unknown-user", detail: "who" });
  for (let times = 0; times < 1_000; times++) refuse();
  expect(log.named("registration.refused")).toHaveLength(100);
  refusals.warn("authentication.failed", { impi: "alice", why: "wrong password" });
  expect(log.named("authentication.failed")).toHaveLength(1);
  clock.advance(1_000);
  for (let times = 0; times < 1_000; times++) refuse();
  expect(log.named("registration.refused")).toHaveLength(110);
});
