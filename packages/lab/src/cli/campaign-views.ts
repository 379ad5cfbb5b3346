// Campaigns as text for a terminal, and the exit code that their ends make.
import type { CampaignPlan, CampaignView } from "@ims-lab/common/admin-api/campaigns";
import { reauthenticationEnds } from "@ims-lab/common/admin-api/schemas";
import { printable } from "@ims-lab/common/platform/printable";
import { exitCodeOf } from "./exit-codes.ts";
import { durationText, table, timeAgo } from "./table.ts";

/** Devices of a dry run that are listed for a person. */
export const SHOWN_TARGETS = 50;

export function campaignsTable(items: readonly CampaignView[], now: number, width: number): string {
  if (items.length === 0) return "no campaigns\n";
  const rows = items.map((one) => [
    one.id,
    one.name ?? "",
    one.status,
    timeAgo(one.startedAt, now),
    `${one.asked} of ${one.total}`,
    String(one.ends.reauthenticated),
    String(failedOf(one)),
    String(one.open),
    latencyText(one),
  ]);
  const heading = ["id", "name", "status", "begun", "asked", "authenticated", "failed", "open"];
  return table([[...heading, "p50 / p99 s"], ...rows], width);
}

/** Everything about one campaign. */
export function campaignText(campaign: CampaignView, now: number): string {
  const { name, status, filter, percent, pacePerSecond, jitter, seed, ends, endedAt } = campaign;
  const criteria = Object.entries(filter).flatMap(([key, value]) =>
    value === null ? [] : [`${key} ${value}`],
  );
  const found = reauthenticationEnds.filter((end) => ends[end] > 0);
  const rows: (readonly [string, string])[] = [
    ["campaign", name === null ? campaign.id : `${campaign.id} (${name})`],
    ["status", status],
    ["filter", criteria.length === 0 ? "everybody" : criteria.join(", ")],
    ["share", `${percent} % of ${campaign.matched} that match: ${campaign.total} (seed ${seed})`],
    ["pace", `${pacePerSecond} a second, jitter ${jitter}`],
    ["begun", timeAgo(campaign.startedAt, now)],
    ...(endedAt === null ? [] : [["ended", timeAgo(endedAt, now)] as const]),
    ["asked", `${campaign.asked} (${campaign.joined} joined), ${campaign.left} left`],
    ["passed over", `${campaign.skipped} gone or authenticated meanwhile`],
    ["open", String(campaign.open)],
    ["ends", found.map((end) => `${end} ${ends[end]}`).join(", ") || "none yet"],
    ["latency", latencyLine(campaign)],
  ];
  return rows.map(([key, value]) => `${key.padEnd(13)}${printable(value)}\n`).join("");
}

export function planText(plan: CampaignPlan, now: number, width: number): string {
  const { items, total, matched, registered, durationSeconds, seed, concerns } = plan;
  const rows = items.map((one) => [
    one.impu,
    one.impi,
    one.contact,
    one.pcscf ?? "-",
    one.userAgent ?? "-",
    timeAgo(one.authenticatedAt, now),
  ]);
  const heading = ["impu", "impi", "contact", "p-cscf", "user-agent", "authenticated"];
  const more = total > items.length ? `… and ${total - items.length} more (--json)\n` : "";
  const sum = `${total} would be asked, of ${matched} that match and ${registered} registered, within ${durationText(durationSeconds)} (seed ${printable(seed)})\n`;
  const asked = concerns.map((one) => `to be confirmed (--yes): ${printable(one)}\n`).join("");
  return table([heading, ...rows], width) + more + sum + asked;
}

/** Of a campaign that is over: that of the first kind of end that was no success. */
export function outcomeOfCampaign({ ends }: CampaignView): number {
  return exitCodeOf(reauthenticationEnds.filter((end) => ends[end] > 0));
}

function failedOf({ asked, open, ends }: CampaignView): number {
  return asked - open - ends.reauthenticated;
}

function latencyText({ latencySeconds }: CampaignView): string {
  if (latencySeconds === null) return "-";
  return `${latencySeconds.p50.toFixed(2)} / ${latencySeconds.p99.toFixed(2)}`;
}

function latencyLine({ latencySeconds }: CampaignView): string {
  if (latencySeconds === null) return "-";
  const { p50, p90, p99, max } = latencySeconds;
  const [a, b, c, d] = [p50, p90, p99, max].map((seconds) => seconds.toFixed(2));
  return `p50 ${a} s, p90 ${b} s, p99 ${c} s, longest ${d} s`;
}
