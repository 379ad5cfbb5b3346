// The filter of a campaign over bindings: each of its criteria by itself, so that it can be said which one finds nobody.
import { placeOfPath, sipUriOfPath } from "@ims-lab/common/ims/path";
import { glob } from "@ims-lab/common/platform/glob";
import { parseHostPort } from "@ims-lab/common/sip/message/uri";
import type { Binding } from "../registration/binding.ts";
import type { CampaignFilter } from "./campaign.ts";

export interface Criterion {
  /** As the filter names it. */
  readonly name: keyof CampaignFilter;
  readonly written: string;
  matches(binding: Binding): boolean;
}

export interface FilterContext {
  /** The campaign's start, milliseconds since the epoch. */
  readonly at: number;
  /** Identities of an implicit registration set. */
  identitiesOf(set: string): readonly string[];
}

/** None for a filter without criteria, which matches everybody. */
export function criteriaOf(
  filter: CampaignFilter,
  { at, identitiesOf }: FilterContext,
): readonly Criterion[] {
  const { impu, impi, pcscf, minAuthenticationAgeSeconds: age, userAgent } = filter;
  const found: Criterion[] = [];
  const add = (name: keyof CampaignFilter, written: string, matches: Criterion["matches"]): void =>
    void found.push({ name, written, matches });
  if (impu !== undefined) {
    const test = glob(impu);
    add("impu", impu, (one) => test(one.impu) || identitiesOf(one.set).some(test));
  }
  if (impi !== undefined) {
    const test = glob(impi);
    add("impi", impi, (one) => test(one.impi));
  }
  if (pcscf !== undefined) add("pcscf", pcscf, behind(pcscf));
  if (age !== undefined) {
    const latest = at - age * 1000;
    add("minAuthenticationAgeSeconds", `${age} s`, (one) => one.authenticatedAt <= latest);
  }
  if (userAgent !== undefined) {
    const test = glob(userAgent, { ignoreCase: true });
    add("userAgent", userAgent, (one) => test(one.userAgent ?? ""));
  }
  return found;
}

/** Whether it is `HOST` or `HOST:PORT`. */
export function isPlace(written: string): boolean {
  return parseHostPort(written) !== undefined;
}

function behind(written: string): (binding: Binding) => boolean {
  const { host, port } = parseHostPort(written) ?? { host: written, port: undefined };
  const wanted = port === undefined ? undefined : `${host}:${port}`;
  return ({ address }) => {
    const [top] = address.path;
    if (top === undefined) return false;
    return wanted === undefined ? sipUriOfPath(top)?.host === host : placeOfPath(top) === wanted;
  };
}
