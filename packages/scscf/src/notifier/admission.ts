// Permission to watch a registration. TS 24.229 §5.4.2.1.1.
import { assertedIdentities } from "@ims-lab/common/ims/p-headers";
import { placeOf, placeOfPath } from "@ims-lab/common/ims/path";
import type { NotifierSubscription } from "@ims-lab/common/sip/event/subscription";
import { Contact, From, PAssertedIdentity, Route } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, isSip, type Uri } from "@ims-lab/common/sip/message/uri";
import type { RequestOrigin } from "../origin.ts";
import { type Refusal, refusal } from "../outcomes.ts";
import { sameContact } from "../registration/address.ts";
import type { Binding } from "../registration/binding.ts";
import type { RegistrationSet } from "../subscribers/registration-sets.ts";
import { isDeviceMemo, tokenIn, type Watcher, watcherIn } from "./subscription-owner.ts";

/** What a SUBSCRIBE is about and who it comes from. */
export interface Watching {
  readonly set: string;
  readonly who: Watcher;
  /** The device's own binding. */
  readonly binding?: Binding;
}

export interface AdmissionRules {
  /** AoRs of application servers. */
  readonly applicationServers: readonly string[];
  /** How an identity is filed, whatever its spelling. */
  identityOf(uri: Uri): string;
  /** Undefined when the AoR is nobody's. */
  setOf(aor: string): RegistrationSet | undefined;
  /** More than one where users share the identity. */
  setsOf(aor: string): readonly RegistrationSet[];
  bindingsOf(set: string): readonly Binding[];
  /** The token of a Service-Route of ours, undefined for any other URI. */
  tokenOf(uri: Uri): string | undefined;
}

/** A subscription that is refreshed: the Request-URI is our Contact and names nobody. */
type Refreshed = Pick<NotifierSubscription, "subject" | "memo">;

export function admit(
  rules: AdmissionRules,
  request: SipRequest,
  origin: RequestOrigin,
  existing: Refreshed | undefined,
): Watching | Refusal {
  const aor = existing?.subject ?? rules.identityOf(request.requestUri);
  const set = existing === undefined ? setMeant(rules, request, aor) : rules.setOf(aor);
  if (set === undefined) return refusal("no-such-user", `${aor} is nobody's`);
  const bindings = rules.bindingsOf(set.name);
  if (bindings.length === 0) {
    return refusal("not-registered-subscribe", `${aor} is not registered`);
  }
  const { name } = set;
  const asserted = identitiesOf(request, origin, bindings);
  if (existing !== undefined && origin.trusted && asserted.length === 0)
    return knownWatcher(existing, bindings);
  if (set.impus.some((impu) => !impu.barred && asserted.includes(impu.aor))) {
    const binding = bindingOf(rules, request, bindings);
    return { set: name, who: "device", ...(binding !== undefined && { binding }) };
  }
  if (origin.trusted && isPcscfOf(bindings, request)) return { set: name, who: "pcscf" };
  if (rules.applicationServers.some((server) => asserted.includes(server))) {
    return { set: name, who: "server" };
  }
  const claimed = asserted[0] ?? "nobody we trust";
  return refusal("not-allowed-to-subscribe", `${claimed} may not watch ${aor}`);
}

/** Within a dialog a P-CSCF need not assert anybody: the dialog and the trust in the peer say who it is. */
function knownWatcher({ subject, memo }: Refreshed, bindings: readonly Binding[]): Watching {
  const token = isDeviceMemo(memo) ? tokenIn(memo) : undefined;
  const binding = bindings.find((one) => one.token === token);
  return { set: subject, who: watcherIn(memo), ...(binding !== undefined && { binding }) };
}

/** Of several that share an identity: the one whose registration the request came by. */
function setMeant(
  rules: AdmissionRules,
  request: SipRequest,
  aor: string,
): RegistrationSet | undefined {
  const sets = rules.setsOf(aor);
  if (sets.length < 2) return sets[0];
  const own = sets.find(
    ({ name }) => bindingOf(rules, request, rules.bindingsOf(name)) !== undefined,
  );
  return own ?? rules.setOf(aor);
}

/** A device without P-CSCF is who its binding says, when it comes from where it registered. */
function identitiesOf(
  request: SipRequest,
  origin: RequestOrigin,
  bindings: readonly Binding[],
): readonly string[] {
  if (origin.trusted) return assertedIdentities(request).map(aorOf);
  const from = request.get(From);
  const isKnownSource = bindings.some(({ address }) => address.source === origin.source);
  return from !== undefined && isKnownSource ? [aorOf(from.uri)] : [];
}

/** The Service-Route is unique per binding; without it, Contact equality ties the two. */
function bindingOf(
  rules: AdmissionRules,
  request: SipRequest,
  bindings: readonly Binding[],
): Binding | undefined {
  const route = request.get(Route);
  const token = route === undefined ? undefined : rules.tokenOf(route.uri);
  const routed = token === undefined ? undefined : bindings.find((one) => one.token === token);
  if (routed !== undefined) return routed;
  const contact = request.get(Contact);
  if (contact === undefined || contact === "*") return undefined;
  return bindings.find(({ address }) => sameContact(address, contact.uriText, contact.uri));
}

/** Host and port of the asserted identity (or Contact) are those of a Path value. */
function isPcscfOf(bindings: readonly Binding[], request: SipRequest): boolean {
  const contact = request.get(Contact);
  const claimed = request.get(PAssertedIdentity) ?? (contact === "*" ? undefined : contact);
  if (claimed === undefined || !isSip(claimed.uri)) return false;
  const place = placeOf(claimed.uri);
  return bindings.some(({ address }) => address.path.some((value) => placeOfPath(value) === place));
}
