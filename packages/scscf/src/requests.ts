// Dispatch of requests to the parts of the S-CSCF that serve them. TS 24.229 §5.4.

import {
  isRegistrationPackage,
  OWN_PACKAGE,
  REGISTRATION_PACKAGES,
} from "@ims-lab/common/ims/events";
import { assertedIdentities } from "@ims-lab/common/ims/p-headers";
import type { Incoming, RequestHandler } from "@ims-lab/common/sip/endpoint/endpoint";
import { checkAsUas } from "@ims-lab/common/sip/endpoint/uas-checks";
import { EventHeader, Route } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, isSip } from "@ims-lab/common/sip/message/uri";
import { isOwnUri, isStrictlyRouted } from "@ims-lab/common/sip/proxy/route";
import type { RegistrationNotifier } from "./notifier/registration-notifier.ts";
import type { RequestOrigin } from "./origin.ts";
import { deviceSource } from "./origin.ts";
import { type Refusal, refusal, statusOf } from "./outcomes.ts";
import type { PcscfSubscriptions } from "./pcscf-subscription/pcscf-subscriptions.ts";
import type { RefusalLog } from "./refusal-log.ts";
import type { Registrar } from "./register/register.ts";
import type { Binding } from "./registration/binding.ts";
import { type RegisteredDevices, senderProblem } from "./routing/past-pcscf.ts";
import type { Router } from "./routing/router.ts";
import type { SubscriberDirectory } from "./subscribers/directory.ts";
import { filedAs, isAtHome } from "./subscribers/identity.ts";
import type { RegistrationSet } from "./subscribers/registration-sets.ts";

export interface RequestServices {
  readonly registrar: Registrar;
  readonly notifier: RegistrationNotifier;
  readonly pcscfSubscriptions: PcscfSubscriptions;
  readonly router: Router;
  readonly refusals: RefusalLog;
  readonly directory: SubscriberDirectory;
  readonly domain: string;
  readonly allowDirect: boolean;
  readonly devices: RegisteredDevices;
  originOf(incoming: Incoming): RequestOrigin;
  isOwn(host: string, port: number): boolean;
  setsOf(aor: string): readonly RegistrationSet[];
  bindingsOf(set: string): readonly Binding[];
  bindingOf(token: string): Binding | undefined;
}

const ABILITIES = {
  methods: ["REGISTER", "SUBSCRIBE", "NOTIFY", "OPTIONS"],
  extensions: ["path"],
  tel: true,
} as const;

type Serve = (services: RequestServices, incoming: Incoming, origin: RequestOrigin) => void;

const SERVED: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ["REGISTER", (services, incoming, origin) => services.registrar.handle(incoming, origin)],
  ["SUBSCRIBE", subscribe],
  ["PUBLISH", publish],
  ["NOTIFY", notify],
  ["OPTIONS", options],
  ["ACK", ({ router }, incoming, origin) => router.acknowledge(incoming, origin)],
  ["CANCEL", ({ router }, incoming) => router.cancel(incoming)],
]);

/** Ours or not by their Request-URI. */
const BY_URI: ReadonlySet<string> = new Set(["SUBSCRIBE", "NOTIFY", "OPTIONS"]);

export function requestHandler(services: RequestServices): RequestHandler {
  return (incoming) => {
    const { request } = incoming;
    const served = SERVED.get(request.method) ?? other;
    // A NOTIFY, SUBSCRIBE or OPTIONS whose Request-URI is a Record-Route of ours is for whom it names last.
    const isPassing = BY_URI.has(request.method) && isStrictlyRouted(request, services.isOwn);
    const serve = isPassing ? other : served;
    serve(services, incoming, services.originOf(incoming));
  };
}

function subscribe(services: RequestServices, incoming: Incoming, origin: RequestOrigin): void {
  const { request } = incoming;
  if (!origin.trusted && !services.allowDirect) {
    refuse(services, incoming, untrusted(services, incoming, origin), origin);
    return;
  }
  const eventPackage = request.get(EventHeader)?.value ?? "";
  // Another package for somebody else is theirs to answer.
  if (!isRegistrationPackage(eventPackage) && !isForThemselves(services, request, origin)) {
    other(services, incoming, origin);
    return;
  }
  const lacking = checkAsUas(request, ABILITIES);
  if (lacking !== undefined) incoming.refuse(lacking.status, lacking);
  else services.notifier.handle(incoming, origin);
}

/** RFC 3903 §6 step 2: nobody keeps event state here; what is for somebody else is for his devices. */
function publish(services: RequestServices, incoming: Incoming, origin: RequestOrigin): void {
  if (
    (origin.trusted || services.allowDirect) &&
    isForThemselves(services, incoming.request, origin)
  )
    incoming.refuse(489, {
      headers: [["Allow-Events", [...REGISTRATION_PACKAGES.keys()].join(", ")]],
    });
  else other(services, incoming, origin);
}

/** Known packages are judged by the notifier; an unknown one for one's own AoR gets its 489. */
function isForThemselves(
  services: RequestServices,
  request: SipRequest,
  origin: RequestOrigin,
): boolean {
  if (services.notifier.owns(request)) return true;
  const served = servedSets(services, request, origin);
  const watched = services.setsOf(filedAs(services, request.requestUri));
  return watched.some(({ name }) => served.some((set) => set.name === name));
}

function options(services: RequestServices, incoming: Incoming, origin: RequestOrigin): void {
  const uri = incoming.request.requestUri;
  const isOurs =
    isSip(uri) &&
    uri.user === undefined &&
    (isAtHome(services.domain, uri) || services.isOwn(uri.host, uri.port ?? 5060));
  // By the Service-Route of a registration that is no more: 403, as to any request.
  if (!isOurs || isOfForgotten(services, incoming.request)) {
    other(services, incoming, origin);
    return;
  }
  const headers = [["Allow", ABILITIES.methods.join(", ")] as const];
  incoming.refuse(200, { headers: [...headers, ["Accept", "application/reginfo+xml"]] });
}

function isOfForgotten({ isOwn, bindingOf }: RequestServices, request: SipRequest): boolean {
  const entry = request
    .all(Route)
    .find(({ uri }) => isOwnUri(uri, isOwn) && isSip(uri) && uri.user !== undefined);
  const token = entry && isSip(entry.uri) ? entry.uri.user : undefined;
  return token !== undefined && bindingOf(token) === undefined;
}

/** To us: of our own subscriptions at P-CSCFs, and from there alone; 481 outside of them. */
function notify(services: RequestServices, incoming: Incoming, origin: RequestOrigin): void {
  const { request } = incoming;
  const { router, pcscfSubscriptions } = services;
  const eventPackage = request.get(EventHeader)?.value ?? "";
  // One without a subscription, such as a voice mailbox sends, is its addressee's to judge.
  const mayPass = request.to.params.has("tag") || !isRegistrationPackage(eventPackage);
  const isPassing = mayPass && !isOwnUri(request.requestUri, services.isOwn);
  const isServed = eventPackage === OWN_PACKAGE;
  if (isPassing) router.handle(incoming, origin);
  else if (isServed && isOfUser(services, request)) {
    const what = `a NOTIFY that came by a user's Service-Route, by ${origin.source}`;
    refuse(services, incoming, refusal("no-subscription", what), origin);
  } else if (isServed && !pcscfSubscriptions.owns(request)) {
    const what = `NOTIFY of ${origin.source} in no subscription of ours`;
    refuse(services, incoming, refusal("no-subscription", what), origin);
  } else if (isServed && !origin.trusted)
    refuse(services, incoming, untrusted(services, incoming, origin), origin);
  else pcscfSubscriptions.handle(incoming);
}

/** Only what UEs send comes along a Service-Route; a P-CSCF's own NOTIFY follows the dialog's route set. */
function isOfUser({ isOwn }: RequestServices, request: SipRequest): boolean {
  return request.all(Route).some(({ uri }) => isOwnUri(uri, isOwn) && uri.user !== undefined);
}

/** Calls, messages and whatever else users send each other. */
function other(services: RequestServices, incoming: Incoming, origin: RequestOrigin): void {
  services.router.handle(incoming, origin);
}

/**
 * The sets of the user on whose behalf it is sent: whom a trusted peer asserts, else From. A device
 * without P-CSCF is who From says only where that user registered from.
 */
function servedSets(
  { setsOf, bindingsOf }: RequestServices,
  request: SipRequest,
  { trusted, source }: RequestOrigin,
): readonly RegistrationSet[] {
  const asserted = trusted ? assertedIdentities(request) : [];
  const uris = asserted.length > 0 ? asserted : [request.from.uri];
  const isServed = ({ name }: RegistrationSet): boolean =>
    trusted || bindingsOf(name).some(({ address }) => address.source === source);
  return uris.flatMap((uri) => setsOf(aorOf(uri))).filter(isServed);
}

function untrusted(
  { devices }: RequestServices,
  { request }: Incoming,
  origin: RequestOrigin,
): Refusal {
  const { kind, detail } = senderProblem(devices, request, origin);
  return refusal(kind, detail);
}

function refuse(
  { refusals }: RequestServices,
  incoming: Incoming,
  refused: Refusal,
  origin: RequestOrigin,
): void {
  const { request } = incoming;
  const { method, callId, from } = request;
  const status = statusOf(refused);
  const { refused: reason, detail: why } = refused;
  const source = deviceSource(request, origin);
  const fields = { method, status, reason, why, impu: from.uriText, source, callId };
  refusals.warn("request.refused", fields, "request-refused");
  incoming.refuse(status);
}
