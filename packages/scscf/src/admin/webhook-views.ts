// The webhook's contents: the views that the admin interface has of an end.
import type { Campaigns } from "../campaigns/campaigns.ts";
import type { RegistrationEvent } from "../registration/events.ts";
import { campaignView } from "./campaign-views.ts";
import { reauthenticationView } from "./reauthentication-view.ts";

/** Undefined for what is not told, and for a campaign that is forgotten already. */
export function webhookContent(
  event: RegistrationEvent,
  campaigns: Pick<Campaigns, "get">,
): object | undefined {
  if (event.kind === "reauthentication-ended")
    return {
      type: "reauthentication.ended",
      reauthentication: reauthenticationView(event.reauthentication),
    };
  if (event.kind !== "campaign-changed") return undefined;
  const campaign = campaigns.get(event.campaign.id);
  return campaign && { type: "campaign.ended", campaign: campaignView(campaign) };
}
