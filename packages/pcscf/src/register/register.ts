// REGISTER between UE and S-CSCF, and what its answer does to the binding. TS 24.229 §5.2.2.
import { type Credentials, isMalformed } from "@ims-lab/common/ims/credentials";
import { namedContacts } from "@ims-lab/common/ims/registered-contacts";
import type { ClientTransaction, Incoming } from "@ims-lab/common/sip/endpoint/endpoint";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { aorOf } from "@ims-lab/common/sip/message/uri";
import { peerOf } from "@ims-lab/common/sip/transport/transport";
import { type Binding, deviceOf, guessedImpi } from "../bindings/binding.ts";
import type { HeldAnswers } from "../bindings/held-answers.ts";
import { handsOver } from "../bindings/holder.ts";
import { type Candidate, registerWithFailover } from "../scscfs/register-failover.ts";
import type { ScscfPool } from "../scscfs/scscf-pool.ts";
import { answerTo, forward, refuse } from "../sides/forward.ts";
import { ScscfWay } from "../sides/scscf-way.ts";
import { noteRefusal, type Relay } from "../sides/sides.ts";
import { claimsIntegrity, credentialsFromUe } from "../sides/ue-credentials.ts";
import {
  AcceptedRegisters,
  authenticates,
  isProven,
  type OnBound,
  type PendingRegister,
} from "./accepted.ts";
import { challengeIn, downstreamRegister } from "./downstream.ts";
import { leadingContact, namedBinding, newToken } from "./named-binding.ts";
import { challengeKey, PendingChallenges } from "./pending-challenges.ts";
import { integrityOf, listsPath, type ReceivedRegister, upstreamRegister } from "./upstream.ts";

export interface RegisterRelayOptions {
  readonly relay: Relay;
  readonly pool: ScscfPool;
  /** reg-await-auth, milliseconds. */
  readonly awaitMs: number;
  readonly onBound: OnBound;
  /** Calls back when the bindings are durable as they are; absent: they outlive no process. */
  readonly whenDurable?: ((then: (problem?: Error) => void) => void) | undefined;
  /** Told of answers that wait for that. */
  readonly held: HeldAnswers;
}

/** Stands for the device where REGISTER names all of them or none. */
const NO_DEVICE = "*";
const ANOTHERS = { kind: "binding-of-another" } as const;

export class RegisterRelay {
  readonly #options: RegisterRelayOptions;
  readonly #relay: Relay;
  readonly challenges: PendingChallenges;
  readonly #accepted: AcceptedRegisters;
  /** By the S-CSCF's URI: those of the settings and of bindings that are kept. */
  readonly #ways = new Map<string, ScscfWay>();

  constructor(options: RegisterRelayOptions) {
    this.#options = options;
    this.#relay = options.relay;
    this.#accepted = new AcceptedRegisters(options.relay, options.onBound);
    this.challenges = new PendingChallenges(options.relay.clock, options.awaitMs);
  }

  /**
   * TS 24.229 §5.2.2.1, in its order. Of the request: 1 credentials and 2 Contacts, each read once; 3 the challenge it
   * may answer, the binding it is about, what its flow proves; 4 the S-CSCFs, one after the other; 5 onward, with Path.
   * Of the answer: 6 the challenge is remembered; 7 nobody's binding changes hands; 8 the bindings follow the 200; 9 back.
   */
  handle(incoming: Incoming): void {
    const { request } = incoming;
    // 1
    const claimed = claimsIntegrity(request);
    const credentials = credentialsFromUe(request, claimed);
    if (isMalformed(credentials)) {
      this.#malformed(incoming, "Authorization", credentials.malformed);
      return;
    }
    // 2, 3
    const pending = this.#pending(incoming, credentials, claimed);
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
      this.#sendTo(incoming, pending, candidate),
    );
  }

  #sendTo(
    incoming: Incoming,
    pending: PendingRegister,
    candidate: Candidate,
  ): ClientTransaction | undefined {
    const relay = this.#relay;
    const { whenDurable } = this.#options;
    const way = this.#wayTo(candidate.scscf);
    const { to } = way;
    if (to === undefined) {
      refuse(incoming, { kind: "unreachable-uri" });
      return undefined;
    }
    return forward(incoming, {
      endpoint: relay.core,
      calls: relay.calls,
      request: this.#upstream(pending, way),
      to,
      answer: (response) => {
        candidate.heard();
        return this.#answered(pending, candidate.scscf, response);
      },
      hold:
        whenDurable &&
        ((response) => this.#answerLater(incoming, pending.token, response, whenDurable)),
      takeOver: (why) => {
        if (why === "503") relay.corePressed();
        return why !== "too-large" && candidate.unavailable(why); // no fault of the S-CSCF's
      },
    });
  }

  /** 9: no 200 before what it says outlives this process. */
  #answerLater(
    incoming: Incoming,
    token: string,
    response: SipResponse,
    whenDurable: NonNullable<RegisterRelayOptions["whenDurable"]>,
  ): void {
    if (response.status >= 300) {
      incoming.respond(response);
      return;
    }
    const { held } = this.#options;
    held.hold(token);
    whenDurable((problem) => {
      const failed = problem && answerTo(incoming.request, { kind: "store-failed" });
      incoming.respond(failed ?? response);
      held.release(token);
    });
  }

  #malformed(incoming: Incoming, what: string, why: string): void {
    const problem = { kind: "malformed", what, why } as const;
    noteRefusal(this.#relay, "access", incoming, problem);
    refuse(incoming, problem);
  }

  /** Undefined when Contact cannot be read. */
  #pending(
    { request, flow }: Incoming,
    credentials: Credentials | undefined,
    claimed: boolean,
  ): PendingRegister | undefined {
    const { table } = this.#relay;
    const named = namedContacts(request);
    if (named.kind === "unreadable") return undefined;
    const leading = named.kind === "bind" ? leadingContact(named.contacts) : undefined;
    const device = leading === undefined ? NO_DEVICE : deviceOf(leading);
    const aor = aorOf(request.to.uri);
    const key = challengeKey(request, flow, aor, device);
    const challenge = this.challenges.find(key);
    const register: ReceivedRegister = {
      request,
      aor,
      flow,
      named,
      device,
      credentials,
      challenge,
    };
    const known = namedBinding(table, register);
    const token = known?.token ?? newToken(this.#relay, register);
    const integrity = integrityOf(register, known ?? table.registered(token));
    return {
      request,
      aor,
      flow,
      named,
      device,
      credentials,
      challenge,
      claimed,
      listsPath: listsPath(request),
      impi: credentials?.impi ?? known?.impi ?? guessedImpi(aor),
      key,
      token,
      sent: this.#accepted.heard,
      scscf: challenge?.scscf ?? known?.scscf,
      integrity,
      authenticates: authenticates(register, integrity),
    };
  }

  #wayTo(scscf: string): ScscfWay {
    let way = this.#ways.get(scscf);
    if (way === undefined) {
      way = new ScscfWay(this.#relay, scscf);
      this.#ways.set(scscf, way);
    }
    return way;
  }

  #upstream(pending: PendingRegister, way: ScscfWay): SipRequest {
    const { request, forged } = upstreamRegister(pending.request, {
      credentials: pending.credentials,
      path: way.path(pending.token),
      integrity: pending.integrity,
      claimed: pending.claimed,
      listsPath: pending.listsPath,
      visitedNetworkId: this.#relay.settings.visitedNetworkId,
      chargingVector: way.chargingVector(),
    });
    if (forged.length > 0) this.#noteForged(pending, forged);
    return request;
  }

  #noteForged({ request, flow }: PendingRegister, headers: readonly string[]): void {
    const { counters, log, mayLog } = this.#relay;
    for (const header of headers) counters.forged(header);
    const source = flow.remote.host;
    if (mayLog(`forged ${source} ${headers.join()}`))
      log.warn("register.forged-headers", { source, callId: request.callId, headers });
  }

  #answered(pending: PendingRegister, scscf: string, response: SipResponse): SipResponse {
    const { request, key, token } = pending;
    const { status } = response;
    if (status >= 200) this.#relay.counters.register(String(status));
    if (status >= 300 && status !== 401) this.#noteAnswer(pending, status);
    // 6
    if (status === 401) this.challenges.challenged(key, challengeIn(response, token, scscf));
    else if (status >= 200 && status < 500) this.challenges.ended(key);
    if (status >= 200 && status < 300) {
      const before = this.#relay.table.registered(token);
      // 7
      if (this.#handsOver(pending, response, before)) return answerTo(request, ANOTHERS);
      // 8
      this.#accepted.follow(pending, scscf, response, before);
    }
    // 9
    return downstreamRegister(response, pending.listsPath);
  }

  /** Nobody's binding changes hands here, whatever the S-CSCF has taken. */
  #handsOver(
    pending: PendingRegister,
    response: SipResponse,
    before: Binding | undefined,
  ): boolean {
    const { request, flow, token, impi, aor, device } = pending;
    if (device === NO_DEVICE) return false; // touches what is this IMPI's alone
    const { table, counters, log, mayLog, history } = this.#relay;
    const why = handsOver({
      impi,
      aor,
      flow,
      response,
      before,
      isProven: isProven(pending),
      ofIdentity: () => table.ofImpu(aor),
    });
    if (why === undefined) return false;
    counters.refused(ANOTHERS.kind);
    const { callId } = request;
    const source = peerOf(flow);
    history.note({ impi, impu: aor, source }, "refused", `REGISTER 403: ${why}`);
    if (mayLog(`another ${token} ${impi}`))
      log.warn("register.binding-of-another", { impi, impu: aor, callId, source, why });
    return true;
  }

  /** Of somebody who knows no name to ask for: his address leads to it. */
  #noteAnswer({ request, flow }: PendingRegister, status: number): void {
    const what = `${request.to.uriText}: REGISTER answered ${status}, imslab why says more of that name`;
    this.#relay.history.note({ source: peerOf(flow) }, "answered-by-core", what);
  }
}
