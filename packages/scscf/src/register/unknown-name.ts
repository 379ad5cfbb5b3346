// Advice for a person whose device names a user that nobody is: the name that is meant, where one can be guessed.
import type { SubscriberDirectory } from "../subscribers/directory.ts";

/** @param aor the identity in To; @param impi user name of the Authorization header, where there is one */
export function nobodyIs(
  directory: SubscriberDirectory,
  domain: string,
  { impi, aor }: { readonly impi: string | undefined; readonly aor: string },
): string {
  if (impi === undefined) return `nobody has the identity ${aor}`;
  const nobody = `nobody has the user name ${impi}`;
  const bare = impi.replace(/^sips?:/i, "");
  const meant = [bare, bare.toLowerCase(), `${bare}@${domain}`].find(
    (name) => directory.byImpi(name) !== undefined,
  );
  if (meant !== undefined && meant === `${bare}@${domain}`)
    return `${nobody}: a user name (IMPI) has a domain, ${meant} is meant`;
  if (meant !== undefined) return `${nobody}: ${meant} is meant`;
  const owner = directory.ownersOf(aor)[0]?.impi;
  if (owner !== undefined) return `${nobody}: that of ${aor} is ${owner}`;
  return impi.includes("@") ? nobody : `${nobody}, and a user name (IMPI) has a domain`;
}
