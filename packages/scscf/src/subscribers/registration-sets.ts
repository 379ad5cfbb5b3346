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
    const named = directory.byImpi(nameOrAor);
    const subscribers =
      named === undefined ? directory.ownersOf(atHome(domain, nameOrAor)) : [named];
    return subscribers.map((subscriber) => ({
      name: setNameOf(subscriber),
      impus: subscriber.impus,
    }));
  };
}

/**
 * A set is named after its private identity, whose own it is, whatever it shares (decision 0023): public identities
 * may be changed while it is registered.
 */
export function setNameOf({ impi }: Subscriber): string {
  return impi;
}
