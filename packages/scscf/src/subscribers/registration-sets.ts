// Implicit registration sets: the identities that register together, and the name of each set. TS 23.228 §5.2.1a.
import type { SubscriberDirectory } from "./directory.ts";
import { atHome } from "./identity.ts";
import type { Impu, Subscriber } from "./subscriber.ts";

/** An implicit registration set. */
export interface RegistrationSet {
  readonly name: string;
  readonly impus: readonly Impu[];
}

/** Implicit registration sets by the name of one, or by an identity of theirs. */
export function registrationSets(
  directory: SubscriberDirectory,
  domain: string,
): (nameOrAor: string) => readonly RegistrationSet[] {
  return (nameOrAor) => {
    const owners = directory.ownersOf(atHome(domain, nameOrAor));
    const named = owners.length > 0 ? undefined : directory.byImpi(nameOrAor);
    const subscribers = named === undefined ? owners : [named];
    return subscribers.map((subscriber) => ({
      name: setNameOf(directory, subscriber),
      impus: subscriber.impus,
    }));
  };
}

/**
 * A set is named after its default identity; where several users share that one, after the private
 * one: each of them registers on his own (TS 23.228 §5.2.1a).
 */
export function setNameOf(directory: SubscriberDirectory, { impi, impus }: Subscriber): string {
  const first = impus[0]?.aor;
  return first === undefined || directory.ownersOf(first).length > 1 ? impi : first;
}
