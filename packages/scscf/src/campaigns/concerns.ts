// Reasons to refuse a campaign, or to ask whether it is meant: nobody, everybody, faster than the node should.
import type { CampaignOrder } from "./campaign.ts";
import type { Selection } from "./selection.ts";

/** Why nobody would be asked; undefined where somebody would. */
export function whyNobody({ registered, tokens, criteria }: Selection): string | undefined {
  if (tokens.length > 0) return undefined;
  if (registered === 0) return "nobody is registered";
  const each = criteria.map(({ name, count }) => `${name} matches ${count}`).join(", ");
  return `registered devices: ${registered}, none matches: ${each}`;
}

/**
 * What must be confirmed, each in a sentence.
 * @param limits `pacePerSecond` of the campaigns that run already
 */
export function concernsOf(
  { filter, pacePerSecond }: Pick<CampaignOrder, "filter" | "pacePerSecond">,
  { registered, matched, tokens }: Selection,
  limits: { readonly pacePerSecond: number; readonly maxPacePerSecond: number },
): readonly string[] {
  const found: string[] = [];
  if (matched === registered && registered > 0) {
    const given = Object.keys(filter).length === 0 ? "no filter" : "the filter matches everybody";
    found.push(`${given}: ${tokens.length} of ${registered} registered devices would be asked`);
  }
  const { maxPacePerSecond } = limits;
  const together = pacePerSecond + limits.pacePerSecond;
  if (together > maxPacePerSecond) {
    const others = limits.pacePerSecond > 0 ? ` with the ${limits.pacePerSecond} of others` : "";
    const pace = `${pacePerSecond} a second${others}`;
    found.push(
      `${pace} is above campaigns.maxPacePerSecond (${maxPacePerSecond}), devices: ${tokens.length}`,
    );
  }
  return found;
}
