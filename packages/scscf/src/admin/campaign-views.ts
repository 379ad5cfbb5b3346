// Campaigns as the admin interface shows them. admin-api/campaigns
import type { CampaignTarget, CampaignView } from "@ims-lab/common/admin-api/campaigns";
import { reauthenticationEnds } from "@ims-lab/common/admin-api/schemas";
import type { ReauthenticationEnd } from "@ims-lab/common/admin-api/views";
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import { formatHost } from "@ims-lab/common/sip/message/uri";
import { type Campaign, leftOf, openOf } from "../campaigns/campaign.ts";
import { percentilesOf } from "../campaigns/latency-histogram.ts";
import type { Binding } from "../registration/binding.ts";

export function campaignView(campaign: Campaign): CampaignView {
  const { filter, ends, status, endedAt } = campaign;
  const isOver = status === "stopped" || status === "finished";
  return {
    id: campaign.id,
    name: campaign.name ?? null,
    status,
    filter: {
      impu: filter.impu ?? null,
      impi: filter.impi ?? null,
      pcscf: filter.pcscf ?? null,
      minAuthenticationAgeSeconds: filter.minAuthenticationAgeSeconds ?? null,
      userAgent: filter.userAgent ?? null,
    },
    percent: campaign.percent,
    pacePerSecond: campaign.pacePerSecond,
    jitter: campaign.jitter,
    seed: campaign.seed,
    startedAt: campaign.startedAt,
    endedAt: endedAt ?? null,
    matched: campaign.matched,
    total: campaign.total,
    asked: campaign.asked,
    joined: campaign.joined,
    skipped: campaign.skipped,
    left: isOver ? 0 : leftOf(campaign),
    open: openOf(campaign),
    ends: Object.fromEntries(reauthenticationEnds.map((end) => [end, ends[end] ?? 0])) as Record<
      ReauthenticationEnd,
      number
    >,
    latencySeconds: latencyOf(campaign),
  };
}

function latencyOf({ latency }: Campaign): CampaignView["latencySeconds"] {
  const found = percentilesOf(latency);
  if (found === undefined) return null;
  const { p50, p90, p99, max } = found;
  return { p50: p50 / 1000, p90: p90 / 1000, p99: p99 / 1000, max: max / 1000 };
}

export function targetView(binding: Binding): CampaignTarget {
  const { impi, impu, address, userAgent, authenticatedAt } = binding;
  const top = address.path[0] === undefined ? undefined : sipUriOfPath(address.path[0]);
  const pcscf = top && `${formatHost(top.host)}:${top.port ?? 5060}`;
  return {
    impi,
    impu,
    contact: address.contact,
    pcscf: pcscf ?? null,
    userAgent: userAgent ?? null,
    authenticatedAt: Math.round(authenticatedAt),
  };
}
