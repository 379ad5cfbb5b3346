// Subscribers whose identities are of another domain than the S-CSCF's: likely a mistake in one of the two.
import { isSip, parseUri } from "@ims-lab/common/sip/message/uri";
import type { Subscriber } from "./subscriber.ts";

/** How many are named. */
const NAMED = 3;

/** One sentence; undefined when each user has a SIP identity of the domain, or none at all. */
export function foreignUsers(
  subscribers: readonly Subscriber[],
  domain: string,
): string | undefined {
  const home = domain.toLowerCase();
  const foreign = subscribers.filter(({ impus }) => {
    const hosts = impus.flatMap(({ uri }) => hostOf(uri) ?? []);
    return hosts.length > 0 && !hosts.includes(home);
  });
  if (foreign.length === 0) return undefined;
  const names = foreign.slice(0, NAMED).map(({ impus: [first], impi }) => first?.uri ?? impi);
  const more = foreign.length > NAMED ? ` and ${foreign.length - NAMED} more` : "";
  return `no identity is of the domain ${home}: ${names.join(", ")}${more}; correct domain or subscribers, else their devices are refused`;
}

function hostOf(text: string): string | undefined {
  const uri = parseUri(text);
  return isSip(uri) ? uri.host : undefined;
}
