// The called side: from an identity to the devices that hold it. TS 24.229 §5.4.3.3; RFC 3327 §5.3; RFC 7315 §4.2.
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { parseQvalue } from "@ims-lab/common/sip/message/scan";
import { parseUri, type Uri } from "@ims-lab/common/sip/message/uri";
import type { Target } from "@ims-lab/common/sip/proxy/fork";
import { destinationOf, takeNextHop } from "@ims-lab/common/sip/proxy/route";
import { mayReach, sameSchemeAs } from "@ims-lab/common/sip/proxy/secured";
import type { Destination } from "@ims-lab/common/sip/transaction/user";
import type { Binding } from "../registration/binding.ts";
import { filedAs, type Home } from "../subscribers/identity.ts";
import { setNameOf } from "../subscribers/registration-sets.ts";
import type { RoutingProblem } from "./problems.ts";

/** A target that is one of our registrations. */
export interface DeviceTarget extends Target {
  readonly token: string;
}

export interface Called extends Home {
  bindingsOf(set: string): readonly Binding[];
}

/** True for a number or name that a subscriber of this domain has. */
export function isOurs(called: Called, uri: Uri): boolean {
  return called.directory.ownersOf(filedAs(called, uri)).length > 0;
}

export function devicesOf(called: Called, onward: SipRequest): DeviceTarget[] | RoutingProblem {
  const aor = filedAs(called, onward.requestUri);
  const { directory } = called;
  const owners = directory.ownersOf(aor);
  if (owners.length === 0) return { kind: "no-such-user", detail: `${aor} is nobody's` };
  const reachable = owners.filter(({ impus }) =>
    impus.some((one) => one.aor === aor && !one.barred),
  );
  if (reachable.length === 0) return { kind: "barred-callee", detail: `${aor} is barred` };
  const bindings = reachable.flatMap((owner) => called.bindingsOf(setNameOf(owner)));
  if (bindings.length === 0)
    return { kind: "callee-not-registered", detail: `${aor} is not registered` };
  const fit = bindings.filter(({ address }) => mayReach(onward, address.contact));
  if (fit.length === 0) return { kind: "sips-not-allowed", detail: `${aor} has no sips: Contact` };
  const targets = fit.flatMap((binding) => targetOf(onward, binding) ?? []);
  if (targets.length > 0) return targets;
  return { kind: "callee-not-registered", detail: `${aor} has no Contact that can be reached` };
}

function targetOf(onward: SipRequest, { token, address }: Binding): DeviceTarget | undefined {
  const request = onward.clone();
  request.set("P-Called-Party-ID", `<${onward.uri}>`);
  request.setUri(sameSchemeAs(onward, address.contact));
  request.remove("Route");
  if (address.path.length > 0) request.set("Route", address.path);
  const to =
    address.source === undefined ? destinationOf(takeNextHop(request)) : sourceOf(address.source);
  return to === undefined ? undefined : { request, to, q: qOf(address.params), token };
}

/** A device without P-CSCF is where it registered from, whatever its Contact says. */
function sourceOf(source: string): Destination | undefined {
  const [transport = "", ...rest] = source.split(":");
  const uri = parseUri(`sip:${rest.join(":")};transport=${transport}`);
  return uri === undefined ? undefined : destinationOf(uri);
}

/** RFC 3261 §10.2.1.2: without q, first. */
function qOf(params: string): number {
  const text = parseNameAddr(`<sip:q>${params}`)?.params.get("q") ?? "";
  return parseQvalue(text) ?? 1;
}
