// A subscriber as the admin interface shows it: never a secret. admin-api/views.
import type { SubscriberView } from "@ims-lab/common/admin-api/views";
import type { Scscf } from "../node.ts";
import { setNameOf } from "../subscribers/registration-sets.ts";
import type { Subscriber, SubscriberCredentials } from "../subscribers/subscriber.ts";

export function subscriberView(scscf: Scscf, subscriber: Subscriber): SubscriberView {
  const { impi, impus, auth, subscription = null, policy = null } = subscriber;
  const failure = scscf.failures.of(impi);
  return {
    impi,
    impus: impus.map(({ uri, barred }) => ({ uri, barred })),
    scheme: auth.scheme,
    algorithms: auth.scheme === "aka" ? [auth.algorithm] : auth.algorithms,
    auth: credentialsView(auth),
    subscription,
    policy,
    source: scscf.directory.sourceOf(impi) ?? "file",
    registered: scscf.bindings.countOfSet(setNameOf(subscriber)) > 0,
    lastFailure: failure === undefined ? null : { why: failure.why, at: Math.round(failure.at) },
  };
}

function credentialsView(auth: SubscriberCredentials): SubscriberView["auth"] {
  if (auth.scheme === "digest") {
    const { scheme, algorithms } = auth;
    return { scheme, algorithms, password: "set" };
  }
  const { scheme, algorithm, amf } = auth;
  return { scheme, algorithm, k: "set", opc: "set", amf: amf.toString("hex") };
}
