// Who registers which identity. RFC 3261 §10.3 steps 1, 4 and 5; TS 24.229 §5.4.1.2.1.
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, isSip } from "@ims-lab/common/sip/message/uri";
import type { RegistrationSet } from "../notifier/admission.ts";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import { atHome } from "../subscribers/identity.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";
import { type Refusal, refusal } from "./refusals.ts";
import { nobodyIs } from "./unknown-name.ts";

export interface Registrant {
  readonly subscriber: Subscriber;
  /** The AoR that is registered explicitly. */
  readonly impu: string;
  /** Names the implicit registration set. */
  readonly set: string;
}

/** @param impi of its credentials */
export function identify(
  directory: SubscriberDirectory,
  domain: string,
  request: SipRequest,
  impi: string | undefined,
): Registrant | Refusal {
  const { requestUri } = request;
  if (!isSip(requestUri) || requestUri.host !== domain) {
    return refusal(
      "not-our-domain",
      `the Request-URI ${request.uri} is not the home domain, sip:${domain}`,
    );
  }
  const aor = atHome(domain, aorOf(request.to.uri));
  const subscriber = impi === undefined ? soleOwner(directory, aor) : directory.byImpi(impi);
  if (subscriber === undefined)
    return refusal("unknown-user", nobodyIs(directory, domain, { impi, aor }));
  if ("refused" in subscriber) return subscriber;
  const impu = subscriber.impus.find((one) => one.aor === aor)?.aor;
  if (impu === undefined) {
    const owner = directory.ownersOf(aor)[0];
    const whose = owner === undefined ? "is nobody's" : `belongs to ${owner.impi}`;
    return refusal("foreign-impu", `${subscriber.impi} may not register ${aor}, which ${whose}`);
  }
  return { subscriber, impu, set: setNameOf(directory, subscriber) };
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

/** Without credentials: the one subscriber that owns the IMPU. */
function soleOwner(directory: SubscriberDirectory, aor: string): Subscriber | Refusal | undefined {
  const owners = directory.ownersOf(aor);
  if (owners.length < 2) return owners[0];
  const impis = owners.map(({ impi }) => impi).join(", ");
  return refusal("ambiguous-user", `${aor} belongs to ${impis}: an Authorization header must say`);
}

/**
 * A set is named after its default identity; where several users share that one, after the private
 * one: each of them registers on his own (TS 23.228 §5.2.1a).
 */
export function setNameOf(directory: SubscriberDirectory, { impi, impus }: Subscriber): string {
  const first = impus[0]?.aor;
  return first === undefined || directory.ownersOf(first).length > 1 ? impi : first;
}
