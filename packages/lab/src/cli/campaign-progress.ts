// A campaign followed to its end, with a progress bar.
import type { CampaignView } from "@ims-lab/common/admin-api/campaigns";
import type { AdminClient } from "./admin-client.ts";
import { type Progress, pause } from "./progress.ts";
import { durationText } from "./table.ts";

const POLL_MS = 500;
const BAR_COLUMNS = 24;

/** Until every device that was asked has an end; a paused one is waited for, too. */
export async function followCampaign(
  begun: CampaignView,
  scscf: AdminClient,
  { clock, show }: Progress,
): Promise<CampaignView> {
  const path = `/campaigns/${encodeURIComponent(begun.id)}`;
  for (let now = begun; ; now = await scscf.get<CampaignView>(path)) {
    if (isOver(now)) return now;
    show(progressLine(now));
    await pause(clock, POLL_MS);
  }
}

function isOver({ status, open }: CampaignView): boolean {
  return (status === "finished" || status === "stopped") && open === 0;
}

/** `[#########...............] 37 %, 370 of 1000 asked, 365 authenticated, 2 failed, 63 s left` */
export function progressLine(campaign: CampaignView): string {
  const { status, total, asked, skipped, open, left, ends, pacePerSecond } = campaign;
  const share = total === 0 ? 1 : Math.min(1, (asked - open + skipped) / total);
  const filled = Math.floor(share * BAR_COLUMNS);
  const bar = `[${"#".repeat(filled)}${".".repeat(BAR_COLUMNS - filled)}]`;
  const failed = asked - open - ends.reauthenticated;
  const rest =
    status === "running" && left > 0
      ? `${durationText(left / pacePerSecond)} of asking left`
      : status === "running"
        ? `waiting for ${open}`
        : status;
  const counts = `${asked} of ${total} asked, ${ends.reauthenticated} authenticated, ${failed} failed`;
  return `${bar} ${Math.floor(share * 100)} %, ${counts}, ${rest}`;
}
