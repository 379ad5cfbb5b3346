// Requests between users: originating, then terminating, then along the dialog's route. TS 24.229 §5.4.3.

import { formatChargingVector } from "@ims-lab/common/ims/charging-vector";
import { assertedIdentities } from "@ims-lab/common/ims/p-headers";
import { removeClaims, removeNetworkOnly } from "@ims-lab/common/ims/trust-domain";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Random } from "@ims-lab/common/platform/random";
import { isEnding } from "@ims-lab/common/sip/admission/peek";
import { mayMakeDialog } from "@ims-lab/common/sip/dialog/methods";
import type { Endpoint, Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import {
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import { formatUri } from "@ims-lab/common/sip/message/uri";
import type { KnowsHop } from "@ims-lab/common/sip/proxy/known-hops";
import { ProxyCore } from "@ims-lab/common/sip/proxy/proxy";
import { restoreRecordRoute } from "@ims-lab/common/sip/proxy/record-route";
import { takeOwnRoutes } from "@ims-lab/common/sip/proxy/route";
import { checkForRelay, countHop } from "@ims-lab/common/sip/proxy/validate";
import type { Destination } from "@ims-lab/common/sip/transaction/user";
import { formatHostPort } from "@ims-lab/common/sip/transport/transport";
import { type Callee, CallTracker } from "../dialogs/call-tracker.ts";
import type { DialogTable } from "../dialogs/dialog-table.ts";
import type { KnownDialogs } from "../dialogs/known-dialogs.ts";
import type { RequestOrigin } from "../origin.ts";
import { deviceSource } from "../origin.ts";
import type { RefuseForPolicy, RequestPolicy } from "../policy/request-policy.ts";
import type { RefusalLog } from "../refusal-log.ts";
import { answerCharging, chargingOf } from "./charging.ts";
import type { NextHops } from "./next-hops.ts";
import {
  assertIdentity,
  holderInDialog,
  type Served,
  servedInDialog,
  servedUser,
  type Users,
} from "./originating.ts";
import { type RegisteredDevices, senderProblem } from "./past-pcscf.ts";
import { isProblem, noDialog, type RoutingProblem, refusalFor, shareUsedUp } from "./problems.ts";
import { alongRoute, targetsOf } from "./targets.ts";
import type { Called } from "./terminating.ts";

export interface RouterOptions extends Users, Called {
  readonly clock: Clock;
  readonly random: Random;
  readonly refusals: RefusalLog;
  readonly endpoint: Endpoint;
  readonly domain: string;
  readonly allowDirect: boolean;
  readonly nextHops: NextHops;
  /** Where a Route of somebody else's may lead. */
  readonly knowsHop: KnowsHop;
  /** Whether what goes there stays within the trust domain (RFC 3325 §5). */
  readonly trustsHop: KnowsHop;
  readonly devices: RegisteredDevices;
  readonly policy: RequestPolicy;
  /** Undefined: dialogs are left alone when a registration ends. */
  readonly dialogs: DialogTable | undefined;
  /** Filled only where the policy has a use for it. */
  readonly known: KnownDialogs;
}

/** A request on its way, and what its answers need. */
interface Journey {
  readonly incoming: Incoming;
  readonly origin: RequestOrigin;
  readonly onward: SipRequest;
  readonly served: Served | undefined;
}

/** Refused is somebody whose word, Vias and identity count for nothing here. */
const ARE_DIRECT: ReadonlySet<RoutingProblem["kind"]> = new Set(["untrusted-peer", "past-pcscf"]);

export class Router {
  readonly #options: RouterOptions;
  readonly #core: ProxyCore;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#core = new ProxyCore(options);
  }

  /** Ends all timers. */
  close(): void {
    this.#core.close();
  }

  handle(incoming: Incoming, origin: RequestOrigin): void {
    const { request } = incoming;
    const { endpoint } = this.#options;
    const isOwn = (host: string, port: number): boolean => endpoint.isOwn(host, port);
    const problem = this.#admission(incoming, origin);
    if (problem !== undefined) {
      this.#refuse(incoming, problem);
      return;
    }
    const refusal = checkForRelay(request, { isOwn, extensions: [] });
    if (refusal !== undefined) {
      this.#refuse(incoming, { kind: "proxy", refusal, detail: "no proxy would forward it" });
      return;
    }
    const onward = request.clone();
    const own = takeOwnRoutes(onward, isOwn);
    if (!origin.trusted) removeClaims(onward); // RFC 3325 §5
    // A Service-Route names its binding; our Record-Route, which dialogs come along, names nobody.
    const token = own.find(({ user }) => user !== undefined)?.user;
    if (!request.to.params.has("tag")) this.#initial(incoming, origin, onward, token);
    else this.#inDialog(incoming, origin, onward, own.length > 0 && token === undefined);
  }

  /** RFC 3261 §16.10. */
  cancel(incoming: Incoming): void {
    if (!this.#core.cancel(incoming) && !this.#options.policy.cancel(incoming))
      incoming.refuse(481);
  }

  /** Of a 2xx: end to end, without state (RFC 3261 §13.2.2.4). Of anything else: not for us. */
  acknowledge(incoming: Incoming, origin: RequestOrigin): void {
    const { endpoint } = this.#options;
    const onward = incoming.request.clone();
    const own = takeOwnRoutes(onward, (host, port) => endpoint.isOwn(host, port));
    const isAlong = own.length > 0 && own.every(({ user }) => user === undefined);
    const isKnown = isAlong && this.#admission(incoming, origin) === undefined;
    const to = isKnown ? alongRoute(this.#options, onward) : undefined;
    if (to === undefined || isProblem(to)) {
      incoming.drop();
      return;
    }
    countHop(onward);
    endpoint.sendStateless(onward, to);
  }

  #admission(incoming: Incoming, origin: RequestOrigin): RoutingProblem | undefined {
    const { allowDirect, devices } = this.#options;
    if (origin.trusted || allowDirect || this.#isNextHop(incoming)) return undefined;
    return senderProblem(devices, incoming.request, origin);
  }

  #inDialog(incoming: Incoming, origin: RequestOrigin, onward: SipRequest, routed: boolean): void {
    const to = routed ? alongRoute(this.#options, onward) : undefined;
    if (to === undefined || isProblem(to)) {
      this.#refuse(incoming, to ?? noDialog("no route of ours leads on"));
      return;
    }
    const { request } = incoming;
    const { policy, known, dialogs } = this.#options;
    const holder = holderInDialog(this.#options, request, origin);
    if (!isEnding(request.method) && incoming.claim?.(holder) === false) {
      this.#refuse(incoming, shareUsedUp(holder));
      return;
    }
    const served = origin.trusted ? undefined : servedInDialog(this.#options, request, origin);
    if (served !== undefined) assertIdentity(onward, served);
    const along = (): void => {
      if (request.method === "BYE") known.over(request);
      dialogs?.passed(request);
      this.#forward({ incoming, origin, onward, served: undefined }, [
        { request: onward, to, q: 1 },
      ]);
    };
    if (!policy.concerns(request.method) || known.has(request) || policy.mayPredate) along();
    else
      this.#alongUnknown(incoming, served ?? servedInDialog(this.#options, request, origin), along);
  }

  /** It says that it is within a dialog, and nobody here has seen one begin: no way round the policy. */
  #alongUnknown(incoming: Incoming, served: Served | undefined, along: () => void): void {
    if (served !== undefined)
      this.#options.policy.passInDialog(incoming, served.binding, along, this.#mustAuthenticate);
    else if (this.#isNextHop(incoming)) along();
    else this.#refuse(incoming, noDialog("of nobody known, in no dialog known"));
  }

  #initial(
    incoming: Incoming,
    origin: RequestOrigin,
    onward: SipRequest,
    token: string | undefined,
  ): void {
    const served = servedUser(this.#options, incoming.request, origin, token);
    if (served !== undefined && isProblem(served)) {
      this.#refuse(incoming, served);
      return;
    }
    const journey: Journey = { incoming, origin, onward, served };
    if (served === undefined) {
      this.#forNobody(journey);
      return;
    }
    if (incoming.claim?.(served.set.name) === false) {
      this.#refuse(incoming, shareUsedUp(served.set.name));
      return;
    }
    assertIdentity(onward, served);
    this.#passPolicy(incoming, served, () => this.#onward(journey));
  }

  /** `onward` runs now, later, or not at all. */
  #passPolicy(incoming: Incoming, { binding }: Served, onward: () => void): void {
    this.#options.policy.pass(incoming, binding, onward, this.#mustAuthenticate);
  }

  readonly #mustAuthenticate: RefuseForPolicy = (refused, detail) => {
    this.#refuse(refused, { kind: "must-reauthenticate", detail });
  };

  /** From the network side: terminating only. A device that comes directly must be registered. */
  #forNobody(journey: Journey): void {
    const { incoming, origin } = journey;
    if (origin.trusted || this.#isNextHop(incoming)) this.#onward(journey);
    else {
      const detail = `${incoming.request.from.uriText} is not registered from ${origin.source}`;
      this.#refuse(incoming, { kind: "not-registered", detail });
    }
  }

  #isNextHop({ flow }: Incoming): boolean {
    return this.#options.nextHops.includes(flow.remote.host, flow.remote.port);
  }

  /** To our own users, or to the domain of others. */
  #onward(journey: Journey): void {
    const targets = targetsOf(this.#options, journey);
    if (isProblem(targets)) this.#refuse(journey.incoming, targets);
    else this.#forward(journey, targets);
  }

  #forward(journey: Journey, targets: readonly Callee[]): void {
    const { incoming, origin, served } = journey;
    const { request } = incoming;
    const { random, domain, endpoint, policy, known } = this.#options;
    const host = endpoint.advertised(incoming.flow.remote).host;
    const vector = chargingOf(request, { random, host, domain }, origin.trusted);
    const isRecorded = mayMakeDialog(request.method);
    const makesDialog = isRecorded && !policy.isEmpty && !request.to.params.has("tag");
    for (const target of targets) {
      countHop(target.request);
      target.request.set("P-Charging-Vector", formatChargingVector(vector));
      target.request.remove("P-Served-User");
      if (!this.#trusts(target.to)) removeNetworkOnly(target.request);
      if (isRecorded) target.request.push("Record-Route", `<${origin.scheme}:${origin.self};lr>`);
    }
    const call = this.#watch(incoming, served, targets);
    this.#core.forward({
      incoming,
      sender: endpoint,
      targets,
      answer: (response, target) => {
        const answered = response.status === 430 ? unreachable(request) : response;
        if (target !== undefined && !this.#trusts(target.to)) removeClaims(answered);
        answerCharging(answered, vector, domain);
        if (isRecorded && target !== undefined) restoreRecordRoute(target.request, answered, true);
        if (makesDialog) known.made(answered);
        if (call === undefined) this.#options.dialogs?.answered(request, answered);
        else call.answered(answered, target);
        if (!origin.trusted) removeNetworkOnly(answered);
        return answered;
      },
    });
  }

  #trusts(to: Destination): boolean {
    return "flow" in to || this.#options.trustsHop(to);
  }

  /** Calls that begin, where they are released with a registration. */
  #watch(
    incoming: Incoming,
    served: Served | undefined,
    callees: readonly Callee[],
  ): CallTracker | undefined {
    const { dialogs } = this.#options;
    const { method, to } = incoming.request;
    if (dialogs === undefined || method !== "INVITE" || to.params.has("tag")) return undefined;
    return new CallTracker(dialogs, this.#core, incoming, served?.binding.token, callees);
  }

  #refuse(incoming: Incoming, problem: RoutingProblem): void {
    const { request, flow } = incoming;
    const { method, callId } = request;
    const { status, ...options } = refusalFor(problem);
    const { kind: reason, detail: why } = problem;
    const trusted = !ARE_DIRECT.has(reason);
    const [asserted] = trusted ? assertedIdentities(request) : [];
    const impu = asserted === undefined ? request.from.uriText : formatUri(asserted);
    const hop = `${flow.transport}:${formatHostPort(flow.remote)}`;
    const source = deviceSource(request, { trusted, source: hop });
    const fields = { method, status, reason, why, impu, source, callId };
    this.#options.refusals.info("request.refused", fields, "request-refused");
    // RFC 3261 §8.2.7: strangers get no state.
    if (!trusted) incoming.refuse(status, options);
    else incoming.respond(newResponse(incoming.request, status, options));
  }
}

/** RFC 5626 §5.3.1: a lost flow is the P-CSCF's word; the caller hears that nobody is there. */
function unreachable(request: SipRequest): SipResponse {
  return newResponse(request, 480);
}
