// The campaign machine: who may be asked, what is counted, when it is over.
import { describe, expect, test } from "vitest";
import type { Campaign, CampaignInput } from "../../src/campaigns/campaign.ts";
import { leftOf, openOf } from "../../src/campaigns/campaign.ts";
import { beginCampaign, stepCampaign } from "../../src/campaigns/campaign-machine.ts";
import { percentilesOf } from "../../src/campaigns/latency-histogram.ts";

const ORDER = { filter: {}, percent: 100, pacePerSecond: 10, jitter: 0, seed: "s" };
const T0 = 1_000_000;
const asked: CampaignInput = { kind: "asked", joined: false };
const success = (milliseconds = 100): CampaignInput => ({
  kind: "ended",
  end: "reauthenticated",
  milliseconds,
  at: T0 + 500,
});
const ignored: CampaignInput = { kind: "ended", end: "ignored", milliseconds: 60_000, at: T0 + 9 };
const stopped: CampaignInput = { kind: "stopped", at: T0 + 7 };

function begun(total = 2): Campaign {
  const chosen = { matched: total, total, threshold: 1 };
  return beginCampaign(ORDER, chosen, { id: "k", at: T0 + 0.4 }).state;
}
function reached(state: Campaign, ...inputs: readonly CampaignInput[]): Campaign {
  return inputs.reduce((now, input) => stepCampaign(now, input).state, state);
}
function effectsOf(state: Campaign, input: CampaignInput): string[] {
  return stepCampaign(state, input).effects.map((effect) =>
    effect.kind === "tell" ? effect.change : effect.kind,
  );
}

test("begins at a whole millisecond that is not over, and asks", () => {
  const { state, effects } = beginCampaign(
    ORDER,
    { matched: 9, total: 3, threshold: 0.3 },
    { id: "k", at: T0 + 0.4 },
  );
  expect(state).toMatchObject({ ...ORDER, status: "running", startedAt: T0 + 1, asked: 0 });
  expect([leftOf(state), openOf(state)]).toEqual([3, 0]);
  expect(effects.map(({ kind }) => kind)).toEqual(["tell", "ask"]);
});

test("counts the asked, those that joined among them, and their ends", () => {
  const state = reached(begun(3), asked, { kind: "asked", joined: true }, success(), ignored);
  expect(state).toMatchObject({
    status: "running",
    asked: 2,
    joined: 1,
    ends: { reauthenticated: 1, ignored: 1 },
  });
  expect([leftOf(state), openOf(state)]).toEqual([1, 0]);
});

test("latencies are those of successes", () => {
  const state = reached(begun(3), asked, asked, success(100), ignored);
  expect(percentilesOf(state.latency)).toEqual({ p50: 100, p90: 100, p99: 100, max: 100 });
});

test("is over with the last end, not with the last asking", () => {
  const all = reached(begun(), asked, asked, success());
  expect(all.status).toBe("running");
  expect(effectsOf(all, success())).toEqual(["hold", "finished"]);
  expect(reached(all, success())).toMatchObject({ status: "finished", endedAt: T0 + 500 });
});

test("is over when those left have gone by themselves", () => {
  const skip: CampaignInput = { kind: "skipped", count: 2, at: T0 + 3 };
  expect(reached(begun(), skip)).toMatchObject({ status: "finished", skipped: 2, endedAt: T0 + 3 });
});

test("a pause holds, a resume asks on; twice is once", () => {
  expect(effectsOf(begun(), { kind: "paused" })).toEqual(["hold", "paused"]);
  const paused = reached(begun(), { kind: "paused" });
  expect(stepCampaign(paused, { kind: "paused" }).state).toBe(paused);
  expect(effectsOf(paused, { kind: "resumed" })).toEqual(["resumed", "ask"]);
  expect(reached(paused, { kind: "resumed" }).status).toBe("running");
  const running = begun();
  expect(stepCampaign(running, { kind: "resumed" }).state).toBe(running);
});

test("what a paused one has asked is counted, and may end it", () => {
  const paused = reached(begun(1), asked, { kind: "paused" });
  expect(reached(paused, success()).status).toBe("finished");
  expect(reached(begun(2), asked, { kind: "paused" }, success()).status).toBe("paused");
});

describe("stopped", () => {
  const state = reached(begun(5), asked, asked, stopped);
  test("asks nobody more, and says when it was", () => {
    expect(effectsOf(begun(), stopped)).toEqual(["hold", "stopped"]);
    expect(state).toMatchObject({ status: "stopped", endedAt: T0 + 7, asked: 2 });
  });
  test("counts the ends of those it has asked, and stays stopped", () => {
    expect(reached(state, success(), ignored)).toMatchObject({
      status: "stopped",
      endedAt: T0 + 7,
      ends: { reauthenticated: 1, ignored: 1 },
    });
  });
  test.each(["paused", "resumed", "stopped"] as const)("cannot be %s", (kind) => {
    const input = kind === "stopped" ? stopped : { kind };
    expect(stepCampaign(state, input).state).toBe(state);
    const over = reached(begun(1), asked, success());
    expect(stepCampaign(over, input).state).toBe(over);
  });
});

describe("recounted after a restart", () => {
  const before = reached(begun(10), asked, asked, asked, success());
  const recount = (left: number, open: number): CampaignInput => ({
    kind: "recounted",
    left,
    open,
    at: T0 + 99,
  });
  test("goes on with those that are left", () => {
    expect(effectsOf(before, recount(7, 2))).toEqual(["ask"]);
    expect(reached(before, recount(7, 2))).toEqual(before);
  });
  test("who has left meanwhile is passed over; what has no re-authentication any more is not waited for", () => {
    expect(reached(before, recount(4, 1))).toMatchObject({ asked: 2, skipped: 4, total: 10 });
    expect(openOf(reached(before, recount(4, 1)))).toBe(1);
  });
  test("with nobody left and nothing open it is over", () => {
    expect(effectsOf(before, recount(0, 0))).toEqual(["hold", "finished"]);
  });
  test("a paused one stays paused", () => {
    expect(effectsOf(reached(before, { kind: "paused" }), recount(7, 2))).toEqual([]);
  });
});
