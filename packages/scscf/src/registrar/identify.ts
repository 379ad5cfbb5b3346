// Who registers which identity. RFC 3261 §10.3 steps 1, 4 and 5; TS 24.229 §5.4.1.2.1.
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, isSip } from "@ims-lab/common/sip/message/uri";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import { atHome } from "../subscribers/identity.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";
import { type Refusal, refusal } from "./refusals.ts";

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
    return refusal("not-our-domain", `${request.uri} is not ${domain}`);
  }
  const aor = atHome(domain, aorOf(request.to.uri));
  const subscriber = impi === undefined ? directory.ownerOf(aor) : directory.byImpi(impi);
  if (subscriber === undefined) return refusal("unknown-user", `nobody is ${impi ?? aor}`);
  const impu = subscriber.impus.find((one) => one.aor === aor)?.aor;
  if (impu === undefined) {
    return refusal("foreign-impu", `${aor} does not belong to ${subscriber.impi}`);
  }
  return { subscriber, impu, set: setOf(subscriber) };
}

/** A set is named after its default identity. */
export function setOf(subscriber: Subscriber): string {
  return subscriber.impus[0]?.aor ?? subscriber.impi;
}
