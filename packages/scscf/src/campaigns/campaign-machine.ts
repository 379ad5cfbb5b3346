// The campaign's transitions, pure; docs/state-machines.md.
import type { ReauthenticationEnd } from "@ims-lab/common/admin-api/views";
import {
  type Campaign,
  type CampaignEffect,
  type CampaignInput,
  type CampaignOrder,
  type CampaignStep,
  endedOf,
  leftOf,
  openOf,
} from "./campaign.ts";
import { NO_LATENCIES, withLatency } from "./latency-histogram.ts";

const NO_EFFECTS: readonly CampaignEffect[] = [];

/** @param chosen what the order's filter and percentage have found; `at` in milliseconds since the epoch */
export function beginCampaign(
  order: CampaignOrder,
  chosen: Pick<Campaign, "matched" | "total" | "threshold">,
  { id, at }: { readonly id: string; readonly at: number },
): CampaignStep {
  const state: Campaign = {
    ...order,
    ...chosen,
    id,
    status: "running",
    startedAt: Math.ceil(at),
    asked: 0,
    joined: 0,
    skipped: 0,
    ends: {},
    latency: NO_LATENCIES,
  };
  return { state, effects: [{ kind: "tell", change: "started" }, { kind: "ask" }] };
}

/** An input that means nothing in a state leaves it the object it is. */
export function stepCampaign(state: Campaign, input: CampaignInput): CampaignStep {
  switch (input.kind) {
    case "asked": {
      const joined = state.joined + Number(input.joined);
      return same({ ...state, asked: state.asked + 1, joined });
    }
    case "skipped":
      return settled({ ...state, skipped: state.skipped + input.count }, input.at);
    case "ended":
      return settled(withEnd(state, input.end, input.milliseconds), input.at);
    case "paused":
      return changed(state, "running", "paused", [
        { kind: "hold" },
        { kind: "tell", change: "paused" },
      ]);
    case "resumed":
      return changed(state, "paused", "running", [
        { kind: "tell", change: "resumed" },
        { kind: "ask" },
      ]);
    case "stopped":
      return stopped(state, input.at);
    case "recounted":
      return recounted(state, input);
  }
}

function withEnd(state: Campaign, end: ReauthenticationEnd, milliseconds: number): Campaign {
  const { latency } = state;
  return {
    ...state,
    ends: { ...state.ends, [end]: (state.ends[end] ?? 0) + 1 },
    latency: end === "reauthenticated" ? withLatency(latency, milliseconds) : latency,
  };
}

/** Over when nobody is left to be asked and everybody who was asked has an end. */
function settled(state: Campaign, at: number): CampaignStep {
  const isUnderWay = state.status === "running" || state.status === "paused";
  if (!isUnderWay || leftOf(state) + openOf(state) > 0) return same(state);
  return {
    state: { ...state, status: "finished", endedAt: Math.round(at) },
    effects: [{ kind: "hold" }, { kind: "tell", change: "finished" }],
  };
}

function changed(
  state: Campaign,
  from: "running" | "paused",
  status: "running" | "paused",
  effects: readonly CampaignEffect[],
): CampaignStep {
  return state.status === from ? { state: { ...state, status }, effects } : same(state);
}

/** Whom it has asked already authenticates all the same: that is counted on. */
function stopped(state: Campaign, at: number): CampaignStep {
  if (state.status === "stopped" || state.status === "finished") return same(state);
  return {
    state: { ...state, status: "stopped", endedAt: Math.round(at) },
    effects: [{ kind: "hold" }, { kind: "tell", change: "stopped" }],
  };
}

/** What is there counts: a device that left while nobody looked was asked by nobody. */
function recounted(
  state: Campaign,
  { left, open, at }: CampaignInput & { readonly kind: "recounted" },
): CampaignStep {
  const asked = endedOf(state.ends) + open;
  const skipped = Math.max(0, state.total - asked - left);
  const after = { ...state, asked, joined: Math.min(state.joined, asked), skipped };
  const step = settled(after, at);
  if (step.state.status !== "running") return step;
  return { ...step, effects: [...step.effects, { kind: "ask" }] };
}

function same(state: Campaign): CampaignStep {
  return { state, effects: NO_EFFECTS };
}
