// The routing part put together from the node's settings and parts. TS 24.229 §5.4.3.
import { trustedPeerOf } from "@ims-lab/common/platform/cidr";
import type { Clock } from "@ims-lab/common/platform/clock";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Random } from "@ims-lab/common/platform/random";
import type { Endpoint } from "@ims-lab/common/sip/endpoint/endpoint";
import type { SendRequest } from "@ims-lab/common/sip/event/sender";
import type { KnowsHop } from "@ims-lab/common/sip/proxy/known-hops";
import { provenNames } from "@ims-lab/common/sip/transport/transport";
import type { ScscfConfig } from "../config.ts";
import { DialogTable } from "../dialogs/dialog-table.ts";
import { KnownDialogs } from "../dialogs/known-dialogs.ts";
import type { PolicyInForce } from "../policy/policy-in-force.ts";
import { RequestPolicy } from "../policy/request-policy.ts";
import type { RefusalLog } from "../refusal-log.ts";
import type { Bindings } from "../registration/bindings.ts";
import type { Reauthentications } from "../registration/reauthentications.ts";
import type { SubscriberDirectory } from "../subscribers/directory.ts";
import type { RegistrationSet } from "../subscribers/registration-sets.ts";
import { nextHops } from "./next-hops.ts";
import type { RegisteredDevices } from "./past-pcscf.ts";
import { Router } from "./router.ts";

export interface RoutingParts {
  readonly policy: PolicyInForce;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly refusals: RefusalLog;
  readonly endpoint: Endpoint;
  readonly directory: SubscriberDirectory;
  readonly bindings: Bindings;
  readonly reauthentications: Reauthentications;
  readonly send: SendRequest;
  setOf(aor: string): RegistrationSet | undefined;
  readonly devices: RegisteredDevices;
  setsOf(aor: string): readonly RegistrationSet[];
  onLimited(limit: string): void;
}

export interface Routing {
  readonly router: Router;
  readonly requestPolicy: RequestPolicy;
  /** Undefined: calls are left alone when a registration ends. */
  readonly dialogs: DialogTable | undefined;
}

export function createRouting(config: ScscfConfig, parts: RoutingParts): Routing {
  const { clock, bindings, reauthentications, policy } = parts;
  const deadlineMs = config.reauthentication.deadlineSeconds * 1000;
  const { maxDialogs } = config.limits;
  const dialogs = config.dialogs === "release" ? dialogTable(parts, maxDialogs) : undefined;
  const hops = nextHops(config.routes);
  const trustsHop: KnowsHop = (hop) =>
    bindings.isPathHop(hop.host, hop.port) ||
    trustedPeerOf(config.trustedPeers, hop.host, hop.port, provenNames(hop)) !== undefined;
  const requestPolicy = new RequestPolicy({
    ...{ clock, policy, reauthentications, deadlineMs },
    isShared: config.cluster.name !== "",
  });
  const router = new Router({
    ...parts,
    dialogs,
    known: new KnownDialogs(maxDialogs),
    domain: config.domain,
    allowDirect: config.allowDirect,
    nextHops: hops,
    trustsHop,
    knowsHop: (hop) =>
      config.allowDirect || // then devices are next hops
      hops.isHost(hop.host) ||
      trustsHop(hop),
    policy: requestPolicy,
    bindingsOf: (set) => bindings.ofSet(set),
    bindingOf: (token) => bindings.ofServiceRoute(token),
  });
  return { router, requestPolicy, dialogs };
}

/** How a BYE of ours is answered changes nothing. */
function dialogTable({ endpoint, send, onLimited, log }: RoutingParts, most: number): DialogTable {
  const unheard = { onResponse: () => undefined, onFailure: () => undefined };
  return new DialogTable({
    log,
    most,
    onForgotten: () => onLimited("dialogs"),
    isOwn: (host, port) => endpoint.isOwn(host, port),
    send: (request) => send(request, unheard),
  });
}
