// The calling side: whose request it is, and who the network says that is. TS 24.229 §5.4.3.2; RFC 3325 §5.
import { assertedIdentities, identityList } from "@ims-lab/common/ims/p-headers";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf } from "@ims-lab/common/sip/message/uri";
import type { RequestOrigin } from "../origin.ts";
import type { Binding } from "../registration/binding.ts";
import type { RegistrationSet } from "../subscribers/registration-sets.ts";
import type { Impu } from "../subscribers/subscriber.ts";
import { pastPcscf } from "./past-pcscf.ts";
import { isProblem, type RoutingProblem } from "./problems.ts";

export interface Users {
  setOf(aor: string): RegistrationSet | undefined;
  /** More than one where users share the identity. */
  setsOf(aor: string): readonly RegistrationSet[];
  bindingsOf(set: string): readonly Binding[];
  bindingOf(token: string): Binding | undefined;
}

/** The user on whose behalf a request is sent. */
export interface Served {
  readonly kind: "served";
  readonly set: RegistrationSet;
  readonly binding: Binding;
  /** What the request asserts from here on: at most one SIP and one tel URI. */
  readonly asserted: readonly string[];
}

/** Undefined: nobody of ours; the request is for its Request-URI alone. */
export function servedUser(
  users: Users,
  request: SipRequest,
  origin: RequestOrigin,
  token: string | undefined,
): Served | RoutingProblem | undefined {
  const claimed = origin.trusted ? assertedIdentities(request).map(aorOf) : [];
  if (token !== undefined) {
    const binding = users.bindingOf(token);
    if (binding === undefined)
      return { kind: "not-registered", detail: `no registration has the Service-Route ${token}` };
    return servedBy(users, binding, claimed, origin);
  }
  const names = claimed.length > 0 || origin.trusted ? claimed : [aorOf(request.from.uri)];
  const sets = names.map((aor) => users.setsOf(aor)).find((found) => found.length > 0);
  if (sets === undefined) return undefined;
  const binding = sets
    .flatMap(({ name }) => users.bindingsOf(name))
    .find(({ address }) => origin.trusted || address.source === origin.source);
  if (binding === undefined) {
    return { kind: "not-registered", detail: `${names[0]} is not registered` };
  }
  return servedBy(users, binding, names, origin);
}

/** Undefined: who it is remains open; within a dialog that is no reason to refuse. */
export function servedInDialog(
  users: Users,
  request: SipRequest,
  origin: RequestOrigin,
): Served | undefined {
  const served = servedUser(users, request, origin, undefined);
  return served === undefined || isProblem(served) ? undefined : served;
}

/** Whose share of what is pending it counts to: whom the P-CSCF asserts, else where it comes from. */
export function holderInDialog(
  users: Users,
  request: SipRequest,
  { trusted, source }: RequestOrigin,
): string {
  const [asserted] = trusted ? assertedIdentities(request) : [];
  if (asserted === undefined) return source;
  const aor = aorOf(asserted);
  return users.setOf(aor)?.name ?? aor;
}

function servedBy(
  users: Users,
  binding: Binding,
  claimed: readonly string[],
  origin: RequestOrigin,
): Served | RoutingProblem {
  const set = users.setOf(binding.set);
  if (set === undefined) return { kind: "not-registered", detail: `${binding.impu} is nobody's` };
  if (!origin.trusted && binding.address.source !== origin.source) {
    const detail = `${origin.source} is not where it registered`;
    return pastPcscf(binding, origin.source) ?? { kind: "untrusted-peer", detail };
  }
  const own = set.impus.filter(({ aor }) => claimed.includes(aor));
  if (claimed.length > 0 && own.length === 0) {
    return { kind: "foreign-identity", detail: `${claimed[0]} is not of ${set.name}` };
  }
  if (own.length > 0 && own.every(({ barred }) => barred)) {
    return { kind: "barred-caller", detail: `${own[0]?.uri} is barred` };
  }
  const free = set.impus.filter(({ barred }) => !barred);
  const asserted = [one(own, free, "sip"), one(own, free, "tel")].filter(
    (uri) => uri !== undefined,
  );
  if (asserted.length === 0) return { kind: "barred-caller", detail: `${set.name} is barred` };
  return { kind: "served", set, binding, asserted };
}

/** What it asserts itself, else the user's first of this scheme (TS 24.229: the tel alias is added). */
function one(own: readonly Impu[], free: readonly Impu[], scheme: string): string | undefined {
  const fits = ({ barred, aor }: Impu): boolean => !barred && aor.startsWith(scheme);
  return (own.find(fits) ?? free.find(fits))?.uri;
}

export function assertIdentity(onward: SipRequest, { asserted }: Served): void {
  onward.set("P-Asserted-Identity", identityList(asserted));
  onward.remove("P-Preferred-Identity");
}
