// Which part of the S-CSCF serves a request, and what becomes of those that none serves. TS 24.229 §5.4.

import { isRegistrationPackage } from "@ims-lab/common/ims/events";
import { assertedIdentities } from "@ims-lab/common/ims/p-headers";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Incoming, RequestHandler } from "@ims-lab/common/sip/endpoint";
import { EventHeader } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, isSip } from "@ims-lab/common/sip/message/uri";
import { checkAsUas } from "@ims-lab/common/sip/uas-checks";
import type { RegistrationSet } from "./notifier/admission.ts";
import type { PcscfSubscriptions } from "./notifier/pcscf-subscriptions.ts";
import type { RegistrationNotifier } from "./notifier/registration-notifier.ts";
import type { Binding } from "./registrar/binding.ts";
import { type Refusal, refusal, statusOf } from "./registrar/refusals.ts";
import type { Registrar } from "./registrar/registrar.ts";
import type { Standing } from "./registrar/trust.ts";

export interface RequestServices {
  readonly registrar: Registrar;
  readonly notifier: RegistrationNotifier;
  readonly pcscfSubscriptions: PcscfSubscriptions;
  readonly log: Logger;
  readonly domain: string;
  readonly allowDirect: boolean;
  standingOf(incoming: Incoming): Standing;
  isOwn(host: string, port: number): boolean;
  setOf(aor: string): RegistrationSet | undefined;
  bindingsOf(set: string): readonly Binding[];
}

const ABILITIES = {
  methods: ["REGISTER", "SUBSCRIBE", "NOTIFY", "OPTIONS"],
  extensions: ["path"],
  tel: true,
} as const;

type Serve = (services: RequestServices, incoming: Incoming, standing: Standing) => void;

const SERVED: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ["REGISTER", (services, incoming, standing) => services.registrar.handle(incoming, standing)],
  ["SUBSCRIBE", subscribe],
  // Outside the dialogs of our own SUBSCRIBEs: 481, whoever sends it.
  ["NOTIFY", (services, incoming) => services.pcscfSubscriptions.handle(incoming)],
  ["OPTIONS", options],
  ["ACK", (_services, incoming) => incoming.drop()],
]);

export function requestHandler(services: RequestServices): RequestHandler {
  return (incoming) => {
    const serve = SERVED.get(incoming.request.method) ?? other;
    serve(services, incoming, services.standingOf(incoming));
  };
}

function subscribe(services: RequestServices, incoming: Incoming, standing: Standing): void {
  const { request } = incoming;
  if (!standing.trusted && !services.allowDirect) {
    refuse(services, incoming, untrusted(standing));
    return;
  }
  const lacking = checkAsUas(request, ABILITIES);
  const eventPackage = request.get(EventHeader)?.value ?? "";
  if (lacking !== undefined) incoming.refuse(lacking.status, lacking);
  // Another package for somebody else would be routed: not served yet.
  else if (isRegistrationPackage(eventPackage) || isForThemselves(services, request, standing)) {
    services.notifier.handle(incoming, standing);
  } else other(services, incoming, standing);
}

/** Known packages are judged by the notifier; an unknown one for one's own AoR gets its 489. */
function isForThemselves(
  services: RequestServices,
  request: SipRequest,
  standing: Standing,
): boolean {
  if (services.notifier.owns(request)) return true;
  const watched = services.setOf(aorOf(request.requestUri));
  return watched !== undefined && watched.name === servedSet(services, request, standing)?.name;
}

function options(services: RequestServices, incoming: Incoming, standing: Standing): void {
  const uri = incoming.request.requestUri;
  const isOurs =
    isSip(uri) &&
    uri.user === undefined &&
    (uri.host === services.domain || services.isOwn(uri.host, uri.port ?? 5060));
  if (!isOurs) {
    other(services, incoming, standing);
    return;
  }
  const headers = [["Allow", ABILITIES.methods.join(", ")] as const];
  incoming.refuse(200, { headers: [...headers, ["Accept", "application/reginfo+xml"]] });
}

/** Calls and messages are not routed yet; who is not registered is told that first. */
function other(services: RequestServices, incoming: Incoming, standing: Standing): void {
  const { request } = incoming;
  if (!standing.trusted && !services.allowDirect) {
    refuse(services, incoming, untrusted(standing));
    return;
  }
  const served = servedSet(services, request, standing);
  if (served === undefined || services.bindingsOf(served.name).length === 0) {
    const who = served?.name ?? request.from.uriText;
    refuse(services, incoming, refusal("not-registered", `${who} is not registered`));
    return;
  }
  const methods = ABILITIES.methods.filter((method) => method !== request.method);
  const problem = checkAsUas(request, { ...ABILITIES, methods });
  incoming.refuse(problem?.status ?? 501, problem);
}

/**
 * The set of the user on whose behalf it is sent: whom a trusted peer asserts, else From. A device
 * without P-CSCF is who From says only where that user registered from.
 */
function servedSet(
  { setOf, bindingsOf }: RequestServices,
  request: SipRequest,
  { trusted, source }: Standing,
): RegistrationSet | undefined {
  const asserted = trusted ? assertedIdentities(request) : [];
  const uris = asserted.length > 0 ? asserted : [request.from.uri];
  for (const uri of uris) {
    const set = setOf(aorOf(uri));
    if (set === undefined) continue;
    if (trusted || bindingsOf(set.name).some(({ address }) => address.source === source)) {
      return set;
    }
  }
  return undefined;
}

function untrusted({ source }: Standing): Refusal {
  return refusal("untrusted-peer", `${source} is no trusted peer (trustedPeers)`);
}

function refuse({ log }: RequestServices, incoming: Incoming, refused: Refusal): void {
  const { method, callId } = incoming.request;
  const status = statusOf(refused);
  log.warn("request.refused", {
    method,
    status,
    reason: refused.refused,
    detail: refused.detail,
    callId,
  });
  incoming.refuse(status);
}
