// Identification: the subscriber of a REGISTER and the identity it registers. RFC 3261 §10.3 steps 1, 4 and 5; TS 24.229 §5.4.1.2.1.
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, isSip } from "@ims-lab/common/sip/message/uri";
import { type Refusal, refusal } from "../outcomes.ts";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import { atHome } from "../subscribers/identity.ts";
import { setNameOf } from "../subscribers/registration-sets.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";
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
  return { subscriber, impu, set: setNameOf(subscriber) };
}

/** Without credentials: the one subscriber that owns the IMPU. */
function soleOwner(directory: SubscriberDirectory, aor: string): Subscriber | Refusal | undefined {
  const owners = directory.ownersOf(aor);
  if (owners.length < 2) return owners[0];
  const impis = owners.map(({ impi }) => impi).join(", ");
  return refusal("ambiguous-user", `${aor} belongs to ${impis}: an Authorization header must say`);
}
