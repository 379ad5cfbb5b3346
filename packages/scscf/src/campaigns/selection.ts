// The devices of a campaign: those that match its filter, and of them a share of the users, chosen by its seed.
import { hash } from "node:crypto";
import type { NextTurn } from "@ims-lab/common/platform/clock";
import type { Binding } from "../registration/binding.ts";
import type { Bindings } from "../registration/bindings.ts";
import type { Campaign, CampaignOrder } from "./campaign.ts";
import { type Criterion, criteriaOf, type FilterContext } from "./filter.ts";

export interface SelectionTools extends Pick<FilterContext, "identitiesOf"> {
  readonly bindings: Bindings;
  /** Absent: all in one turn. */
  readonly nextTurn?: NextTurn | undefined;
}

export interface Selection {
  /** When it was made: milliseconds since the epoch. */
  readonly at: number;
  /** Devices that are registered. */
  readonly registered: number;
  /** Devices that the filter matches. */
  readonly matched: number;
  /** Tokens of the chosen ones. */
  readonly tokens: readonly string[];
  readonly threshold: number;
  /** How many devices each criterion matches by itself. */
  readonly criteria: readonly { readonly name: string; readonly count: number }[];
}

/** What an order says of whom it is for. */
type Wanted = Pick<CampaignOrder, "filter" | "percent" | "seed">;

/** Bindings that are looked at before messages get their turn. */
const AT_ONCE = 500;

/** Everybody: a share is below 1. */
const ALL = 1;

/** @param at milliseconds since the epoch: the campaign's start */
export async function select(
  tools: SelectionTools,
  wanted: Wanted,
  at: number,
): Promise<Selection> {
  const criteria = criteriaOf(wanted.filter, { ...tools, at });
  const counts = criteria.map(() => 0);
  const [tokens, shares]: [string[], number[]] = [[], []];
  let registered = 0;
  await each(tools, (binding) => {
    registered += 1;
    let isMatched = true;
    for (const [n, criterion] of criteria.entries()) {
      if (criterion.matches(binding)) counts[n] = (counts[n] ?? 0) + 1;
      else isMatched = false;
    }
    if (!isMatched) return;
    tokens.push(binding.token);
    if (wanted.percent < 100) shares.push(shareOf(wanted.seed, binding.impi));
  });
  const threshold = thresholdOf(shares, wanted.percent);
  return {
    at,
    registered,
    matched: tokens.length,
    tokens: threshold === ALL ? tokens : tokens.filter((_, n) => (shares[n] ?? ALL) <= threshold),
    threshold,
    criteria: criteria.map(({ name }, n) => ({ name, count: counts[n] ?? 0 })),
  };
}

/** Of a campaign that goes on after a restart: tokens of those it has still to ask, and how many it waits for. */
export function stillToAsk(
  tools: SelectionTools,
  campaign: Campaign,
): { readonly tokens: readonly string[]; readonly open: number } {
  const criteria = criteriaOf(campaign.filter, { ...tools, at: campaign.startedAt });
  const tokens: string[] = [];
  let open = 0;
  // Whose time is over has been asked all the same, and its end is to be counted.
  for (const binding of tools.bindings.allKept()) {
    if (hasAsked(campaign.id, binding)) open += 1;
    else if (isDueFor(campaign, binding) && matchesAll(criteria, binding)) {
      const isChosen =
        campaign.threshold === ALL || shareOf(campaign.seed, binding.impi) <= campaign.threshold;
      if (isChosen) tokens.push(binding.token);
    }
  }
  return { tokens, open };
}

/**
 * Whether a device is as it was at the start: who has registered or authenticated since then, asked or not, need not any
 * more. Every end of a re-authentication is that, or the end of the binding, so nobody is asked twice.
 */
export function isDueFor(
  { startedAt }: Pick<Campaign, "startedAt">,
  { authenticatedAt }: Binding,
): boolean {
  return authenticatedAt <= startedAt; // it authenticated when it registered, or later
}

/** Whether its re-authentication runs for this campaign. */
export function hasAsked(id: string, { reauthentication }: Binding): boolean {
  const cause = `campaign:${id}`;
  return reauthentication?.askers.some((asker) => asker.cause === cause) ?? false;
}

/** From 0 (included) to 1 (excluded): spread evenly, and the same for the same seed and user. */
function shareOf(seed: string, impi: string): number {
  return Number.parseInt(hash("md5", `${seed} ${impi}`).slice(0, 12), 16) / 2 ** 48;
}

/** The least one with at least the percentage of the shares below or at it; all devices of a user have one share. */
function thresholdOf(shares: readonly number[], percent: number): number {
  if (percent >= 100) return ALL;
  const sorted = Float64Array.from(shares).sort();
  const count = Math.ceil((sorted.length * percent) / 100);
  return sorted[count - 1] ?? ALL;
}

function matchesAll(criteria: readonly Criterion[], binding: Binding): boolean {
  return criteria.every((criterion) => criterion.matches(binding));
}

async function each(
  { bindings, nextTurn }: SelectionTools,
  look: (binding: Binding) => void,
): Promise<void> {
  let looked = 0;
  for (const binding of bindings.all()) {
    look(binding);
    looked += 1;
    if (nextTurn !== undefined && looked % AT_ONCE === 0)
      await new Promise<void>((resolve) => nextTurn(resolve));
  }
}
