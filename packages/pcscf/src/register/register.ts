// REGISTER between UE and S-CSCF, and what its answer does to the binding. TS 24.229 §5.2.2.
import { type Credentials, isMalformed } from "@ims-lab/common/ims/credentials";
import { namedContacts } from "@ims-lab/common/ims/registered-contacts";
import type { ClientTransaction, Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { aorOf, type SipUri } from "@ims-lab/common/sip/message/uri";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import { peerOf } from "@ims-lab/common/sip/transport/transport";
import { deviceOf, guessedImpi } from "../bindings/binding.ts";
import { handsOver } from "../bindings/holder.ts";
import { type Candidate, registerWithFailover } from "../scscfs/register-failover.ts";
import type { ScscfPool } from "../scscfs/scscf-pool.ts";
import { answerTo, forward, refuse } from "../sides/forward.ts";
import { chargingVector, knownUri, noteRefusal, pathUri, type Relay } from "../sides/sides.ts";
import { credentialsFromUe } from "../sides/ue-credentials.ts";
import { AcceptedRegisters, isProven, type OnBound, type Pending, type Sent } from "./accepted.ts";
import { challengeIn, downstreamRegister } from "./downstream.ts";
import { leadingContact, namedBinding, newToken } from "./named-binding.ts";
import { PendingChallenges } from "./pending-challenges.ts";
import { integrityOf, upstreamRegister } from "./upstream.ts";

export interface RegisterRelayOptions {
  readonly relay: Relay;
  readonly pool: ScscfPool;
  /** reg-await-auth, milliseconds. */
  readonly awaitMs: number;
  readonly onBound: OnBound;
}

/** Stands for the device where REGISTER names all of them or none. */
const NO_DEVICE = "*";
const ANOTHERS = { kind: "binding-of-another" } as const;

export class RegisterRelay {
  readonly #options: RegisterRelayOptions;
  readonly #relay: Relay;
  readonly challenges: PendingChallenges;
  readonly #accepted: AcceptedRegisters;

  constructor(options: RegisterRelayOptions) {
    this.#options = options;
    this.#relay = options.relay;
    this.#accepted = new AcceptedRegisters(options.relay, options.onBound);
    this.challenges = new PendingChallenges(options.relay.clock, options.awaitMs);
  }

  /**
   * TS 24.229 §5.2.2.1, in its order. Of the request: 1 credentials and 2 Contacts, each read once; 3 the binding it is
   * about, the challenge it may answer, what its flow proves; 4 the S-CSCFs, one after the other; 5 onward, with Path.
   * Of the answer: 6 the challenge is remembered; 7 nobody's binding changes hands; 8 the bindings follow the 200; 9 back.
   */
  handle(incoming: Incoming): void {
    const { request } = incoming;
    // 1
    const credentials = credentialsFromUe(request);
    if (isMalformed(credentials)) {
      this.#malformed(incoming, "Authorization", credentials.malformed);
      return;
    }
    // 2, 3
    const pending = this.#pending(incoming, credentials);
    if (pending === undefined) {
      this.#malformed(incoming, "Contact", `Contact: ${request.text("Contact")}`);
      return;
    }
    // 4
    const { pool } = this.#options;
    const { clock } = this.#relay;
    const candidates = pool.candidates(pending.aor, pending.scscf);
    registerWithFailover({ clock, pool }, candidates, (candidate) =>
      // 5
      this.#sendTo(incoming, { ...pending, scscf: candidate.scscf }, candidate),
    );
  }

  #sendTo(incoming: Incoming, pending: Sent, candidate: Candidate): ClientTransaction | undefined {
    const relay = this.#relay;
    const scscf = knownUri(pending.scscf);
    const to = destinationOf(scscf);
    const onward = this.#upstream(incoming, pending, scscf);
    if (to === undefined) {
      refuse(incoming, { kind: "unreachable-uri" });
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
        return why !== "too-large" && candidate.unavailable(why); // no fault of the S-CSCF's
      },
    });
  }

  #malformed(incoming: Incoming, what: string, why: string): void {
    const problem = { kind: "malformed", what, why } as const;
    noteRefusal(this.#relay, "access", incoming, problem);
    refuse(incoming, problem);
  }

  /** Undefined when Contact cannot be read. */
  #pending({ request, flow }: Incoming, credentials: Credentials | undefined): Pending | undefined {
    const { table } = this.#relay;
    const named = namedContacts(request);
    if (named.kind === "unreadable") return undefined;
    const leading = named.kind === "bind" ? leadingContact(named.contacts) : undefined;
    const device = leading === undefined ? NO_DEVICE : deviceOf(leading);
    const challenge = this.challenges.find(request, flow, device);
    const names = { aor: aorOf(request.to.uri), flow, named, impi: credentials?.impi };
    const known = namedBinding(table, names);
    const token = known?.token ?? newToken(this.#relay, names, device, challenge);
    const scscf = challenge?.scscf ?? known?.scscf;
    const register = { request, flow, named, credentials, challenge };
    const integrity = integrityOf(register, table.registered(token));
    const impi = credentials?.impi ?? known?.impi ?? guessedImpi(request);
    const sent = this.#accepted.heard;
    return { ...register, impi, aor: names.aor, device, token, scscf, integrity, sent };
  }

  #upstream(incoming: Incoming, pending: Pending, scscf: SipUri): SipRequest {
    const relay = this.#relay;
    const { settings, counters, log, maySay } = relay;
    const { request, forged } = upstreamRegister(incoming.request, {
      credentials: pending.credentials,
      path: pathUri(relay, pending.token, scscf),
      integrity: pending.integrity,
      visitedNetworkId: settings.visitedNetworkId,
      chargingVector: chargingVector(relay, scscf),
    });
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
    if (status >= 300 && status !== 401) this.#noteAnswer(pending, status);
    // 6
    if (status === 401) {
      const challenge = challengeIn(response);
      this.challenges.challenged(request, flow, device, { token, scscf, ...challenge });
    } else if (status >= 200 && status < 500) this.challenges.ended(request, flow, device);
    if (status >= 200 && status < 300) {
      // 7
      if (this.#handsOver(pending, response)) return answerTo(request, ANOTHERS);
      // 8
      this.#accepted.follow(pending, response);
    }
    // 9
    return downstreamRegister(response, request);
  }

  /** Nobody's binding changes hands here, whatever the S-CSCF has taken. */
  #handsOver(pending: Sent, response: SipResponse): boolean {
    const { request, flow, token, impi, aor, device } = pending;
    if (device === NO_DEVICE) return false; // touches what is this IMPI's alone
    const { table, counters, log, maySay, history } = this.#relay;
    const before = table.registered(token);
    const why = handsOver({
      ...{ impi, aor, flow, response, before },
      isProven: isProven(pending),
      ofIdentity: table.ofImpu(aor),
    });
    if (why === undefined) return false;
    counters.refused(ANOTHERS.kind);
    const { callId } = request;
    const source = peerOf(flow);
    history.note({ impi, impu: aor, source }, "refused", `REGISTER 403: ${why}`);
    if (maySay(`another ${token} ${impi}`))
      log.warn("register.binding-of-another", { impi, impu: aor, callId, source, why });
    return true;
  }

  /** Of somebody who knows no name to ask for: his address leads to it. */
  #noteAnswer({ request, flow }: Sent, status: number): void {
    const what = `${request.to.uriText}: REGISTER answered ${status}, imslab why says more of that name`;
    this.#relay.history.note({ source: peerOf(flow) }, "answered-by-core", what);
  }
}
