// REGISTER between UE and S-CSCF, and what its answer does to the binding. TS 24.229 §5.2.2.
import type { ClientTransaction, Incoming } from "@ims-lab/common/sip/endpoint";
import { Authorization, Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { parseNameAddr } from "@ims-lab/common/sip/message/name-addr";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { aorOf, isSip, type SipUri } from "@ims-lab/common/sip/message/uri";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import { type Attempt, Attempts, answers } from "../flows/attempts.ts";
import {
  associationOf,
  type Binding,
  contactOf,
  deviceOf,
  grantedSeconds,
  guessedImpi,
  impiOf,
  impusOf,
} from "../flows/binding.ts";
import { type Candidate, registerWithFailover } from "../serving/register-failover.ts";
import type { ScscfPool } from "../serving/scscf-pool.ts";
import { forward, refuse } from "./forward.ts";
import { downstreamRegister, noncesOf } from "./register-downstream.ts";
import { type IntegrityProtected, integrityOf, upstreamRegister } from "./register-upstream.ts";
import { chargingVector, knownUri, noteRefusal, pathUri, type Relay } from "./sides.ts";

/** One REGISTER under way. */
interface Pending {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly device: string;
  readonly token: string;
  /** The one that challenged this or has the binding; undefined: none has heard of it. */
  readonly scscf: string | undefined;
  readonly integrity: IntegrityProtected;
  readonly attempt: Attempt | undefined;
}

/** The same with the S-CSCF it went to. */
interface Sent extends Pending {
  readonly scscf: string;
}

export interface RegisterRelayOptions {
  readonly relay: Relay;
  readonly pool: ScscfPool;
  /** reg-await-auth, milliseconds. */
  readonly awaitMs: number;
  /** A 200 made or refreshed a binding; `authenticated`: it answered a challenge. */
  onBound(binding: Binding, authenticated: boolean, before: Binding | undefined): void;
}

/** Stands for the device where REGISTER names all of them or none. */
const NO_DEVICE = "*";

export class RegisterRelay {
  readonly #options: RegisterRelayOptions;
  readonly #relay: Relay;
  readonly attempts: Attempts;

  constructor(options: RegisterRelayOptions) {
    this.#options = options;
    this.#relay = options.relay;
    this.attempts = new Attempts(options.relay.clock, options.awaitMs);
  }

  handle(incoming: Incoming): void {
    const relay = this.#relay;
    const pending = this.#pending(incoming);
    if (pending === undefined) {
      this.#malformed(incoming, "Contact");
      return;
    }
    const aor = aorOf(incoming.request.to.uri);
    const candidates = this.#options.pool.candidates(aor, pending.scscf);
    const { clock } = relay;
    const { pool } = this.#options;
    registerWithFailover({ clock, pool }, candidates, (candidate) =>
      this.#sendTo(incoming, { ...pending, scscf: candidate.scscf }, candidate),
    );
  }

  #sendTo(incoming: Incoming, pending: Sent, candidate: Candidate): ClientTransaction | undefined {
    const relay = this.#relay;
    const scscf = knownUri(pending.scscf);
    const to = destinationOf(scscf);
    const onward = this.#upstream(incoming, pending, scscf);
    if (onward === undefined || to === undefined) {
      this.#malformed(incoming, "Authorization");
      return undefined;
    }
    return forward(incoming, {
      endpoint: relay.core,
      calls: relay.calls,
      request: onward,
      to,
      answer: (response) => {
        candidate.heard();
        return this.#answered(pending, response);
      },
      takeOver: (why) => {
        if (why === "503") relay.corePressed();
        return why !== "too-large" && candidate.useless(why); // no fault of the S-CSCF's
      },
    });
  }

  #malformed(incoming: Incoming, what: string): void {
    noteRefusal(this.#relay, "access", incoming, "malformed");
    refuse(incoming, { kind: "malformed", what });
  }

  /** Undefined when Contact cannot be read. */
  #pending({ request, flow }: Incoming): Pending | undefined {
    const { tokens, table } = this.#relay;
    const contact = contactOf(request);
    if (contact === undefined && request.has("Contact") && request.text("Contact") !== "*")
      return undefined;
    const device = contact === undefined ? NO_DEVICE : deviceOf(contact);
    const attempt = this.attempts.find(request, flow, device);
    const known = this.#known(request, flow, device);
    // The token of the challenged REGISTER holds on: the S-CSCF ties the answer to its Path.
    const token =
      known?.token ??
      attempt?.token ??
      tokens.ofBinding(impiOf(request) ?? guessedImpi(request), device);
    const scscf = attempt?.scscf ?? known?.scscf;
    const integrity = integrityOf(request, flow, table.registered(token));
    return { request, flow, device, token, scscf, integrity, attempt };
  }

  /** The registered binding a REGISTER is about; it may name the user by IMPU alone. */
  #known(request: SipRequest, flow: Flow, device: string): Binding | undefined {
    const { table } = this.#relay;
    const impi = impiOf(request);
    if (device !== NO_DEVICE && impi !== undefined) return table.ofDevice(impi, device);
    const ofUser = table.ofImpu(aorOf(request.to.uri));
    return device === NO_DEVICE
      ? ofUser.find((binding) => binding.flow.id === flow.id && binding.impi === impi)
      : ofUser.find((binding) => binding.device === device);
  }

  #upstream(incoming: Incoming, pending: Pending, scscf: SipUri): SipRequest | undefined {
    const relay = this.#relay;
    const { settings, counters, log, maySay } = relay;
    const upstream = upstreamRegister(incoming.request, {
      path: pathUri(relay, pending.token, scscf),
      integrity: pending.integrity,
      visitedNetworkId: settings.visitedNetworkId,
      chargingVector: chargingVector(relay, scscf),
    });
    if (upstream === undefined) return undefined;
    const { request, forged } = upstream;
    for (const header of forged) counters.forged(header);
    const source = incoming.flow.remote.host;
    if (forged.length > 0 && maySay(`forged ${source} ${forged.join()}`))
      log.warn("register.forged-headers", { source, callId: request.callId, headers: forged });
    return request;
  }

  #answered(pending: Sent, response: SipResponse): SipResponse {
    const { request, flow, device, token, scscf } = pending;
    const { status } = response;
    if (status >= 200) this.#relay.counters.register(String(status));
    if (status === 401) {
      const nonces = noncesOf(response);
      this.attempts.challenged(request, flow, device, { token, scscf, nonces });
    } else if (status >= 200 && status < 500) this.attempts.ended(request, flow, device);
    if (status >= 200 && status < 300) this.#accepted(pending, response);
    return downstreamRegister(response, request);
  }

  #accepted(pending: Sent, response: SipResponse): void {
    const { table } = this.#relay;
    const { request, token, device } = pending;
    if (device === NO_DEVICE) {
      if (request.has("Contact")) this.#endAll(pending);
      return;
    }
    const before = table.registered(token);
    if (before !== undefined && isOlder(request, before)) return;
    const granted = grantedSeconds(response, request);
    if (granted === 0) {
      table.end(token, "de-registered");
      return;
    }
    const authenticated = isAuthenticated(pending);
    const binding = this.#binding(pending, response, granted, authenticated);
    table.bind(binding);
    this.#options.onBound(binding, authenticated, before);
  }

  /** `Contact: *`: every device of this user that registered this identity (RFC 3261 §10.2.2). */
  #endAll({ request }: Pending): void {
    const { table } = this.#relay;
    const impi = impiOf(request);
    for (const binding of table.ofImpu(aorOf(request.to.uri)))
      if (impi === undefined || binding.impi === impi) table.end(binding.token, "de-registered");
  }

  #binding(
    { request, flow, device, token, scscf, integrity }: Sent,
    response: SipResponse,
    granted: number,
    authenticated: boolean,
  ): Binding {
    const now = this.#relay.clock.now();
    const before = this.#relay.table.registered(token);
    const isProven = authenticated || isVouchedFor(integrity);
    return {
      token,
      impi: ownCopy(impiOf(request) ?? before?.impi ?? guessedImpi(request)),
      device: ownCopy(device),
      contact: ownCopy(contactOf(request)?.uriText ?? ""),
      impus: impusOf(response),
      flow,
      flowLost: false,
      source: isProven ? associationOf(flow) : undefined,
      natted: isNatted(request, flow),
      serviceRoute: serviceRouteIn(response),
      scscf,
      callId: ownCopy(request.callId),
      cseq: request.cseq.number,
      registeredAt: before?.registeredAt ?? now,
      authenticatedAt: authenticated ? now : before?.authenticatedAt,
      expiresAt: now + granted * 1000,
    };
  }
}

/**
 * A 200 proves the sender when it answered the challenge we saw, or carried credentials that the
 * S-CSCF took without our vouching for the source.
 */
function isAuthenticated({ request, integrity, attempt }: Pending): boolean {
  if (answers(request, attempt)) return true;
  const response = request.get(Authorization)?.params.get("response");
  return !isVouchedFor(integrity) && response !== undefined && response !== "";
}

function isVouchedFor(integrity: IntegrityProtected): boolean {
  return integrity === "ip-assoc-yes" || integrity === "tls-yes";
}

/** RFC 3261 §10.3 step 7: answers may come in another order than their requests. */
function isOlder(request: SipRequest, binding: Binding): boolean {
  return request.callId === binding.callId && request.cseq.number < binding.cseq;
}

/** RFC 3608 §5; none when any of it leads nowhere, for then the settings' S-CSCF is the better way. */
function serviceRouteIn(response: SipResponse): readonly string[] {
  const values = response.texts("Service-Route");
  const isWhole = values.every((value) => isSip(parseNameAddr(value)?.uri));
  return isWhole ? values.map(ownCopy) : [];
}

/** RFC 3581 §4: the address in Via is not where it came from. */
function isNatted(request: SipRequest, flow: Flow): boolean {
  const via = request.get(Via);
  return via?.host !== flow.remote.host || (via.port ?? 5060) !== flow.remote.port;
}
