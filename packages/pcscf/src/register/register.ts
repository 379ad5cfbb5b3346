// REGISTER between UE and S-CSCF, and what its answer does to the binding. TS 24.229 §5.2.2.
import { type Credentials, isMalformed } from "@ims-lab/common/ims/credentials";
import {
  isRemoval,
  MOST_CONTACTS,
  matchContacts,
  type NamedContact,
  type NamedContacts,
  namedContacts,
} from "@ims-lab/common/ims/registered-contacts";
import type { ClientTransaction, Incoming } from "@ims-lab/common/sip/endpoint";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { aorOf, type SipUri } from "@ims-lab/common/sip/message/uri";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import { type Flow, peerOf } from "@ims-lab/common/sip/transport/transport";
import { type Binding, contactsOf, deviceOf, guessedImpi } from "../bindings/binding.ts";
import { handsOver } from "../bindings/holder.ts";
import { type Candidate, registerWithFailover } from "../scscfs/register-failover.ts";
import type { ScscfPool } from "../scscfs/scscf-pool.ts";
import { answerTo, forward, refuse } from "../sides/forward.ts";
import { chargingVector, knownUri, noteRefusal, pathUri, type Relay } from "../sides/sides.ts";
import { AcceptedRegisters, isProven, type OnBound, type Pending, type Sent } from "./accepted.ts";
import { challengeIn, downstreamRegister } from "./downstream.ts";
import { type PendingChallenge, PendingChallenges } from "./pending-challenges.ts";
import { credentialsFromUe, integrityOf, upstreamRegister } from "./upstream.ts";

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

  handle(incoming: Incoming): void {
    const relay = this.#relay;
    const { request } = incoming;
    const credentials = credentialsFromUe(request);
    if (isMalformed(credentials)) {
      this.#malformed(incoming, "Authorization", credentials.malformed);
      return;
    }
    const pending = this.#pending(incoming, credentials);
    if (pending === undefined) {
      this.#malformed(incoming, "Contact", `Contact: ${request.text("Contact")}`);
      return;
    }
    const candidates = this.#options.pool.candidates(pending.aor, pending.scscf);
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
    const aor = aorOf(request.to.uri);
    const known = this.#known(aor, flow, named, credentials?.impi);
    const token = known?.token ?? this.#newToken(aor, device, credentials?.impi, challenge);
    const scscf = challenge?.scscf ?? known?.scscf;
    const register = { request, flow, named, credentials, challenge };
    const integrity = integrityOf(register, table.registered(token));
    const impi = credentials?.impi ?? known?.impi ?? guessedImpi(request);
    return { ...register, impi, aor, device, token, scscf, integrity, sent: this.#accepted.heard };
  }

  /** The registered binding a REGISTER is about; it may name the user by IMPU alone. */
  #known(
    aor: string,
    flow: Flow,
    named: NamedContacts,
    impi: string | undefined,
  ): Binding | undefined {
    const { table } = this.#relay;
    if (named.kind === "bind")
      return bindingNamed(
        named.contacts,
        impi === undefined ? table.ofImpu(aor) : table.ofImpi(impi),
      );
    const isHis = (binding: Binding): boolean => impi === undefined || binding.impi === impi;
    return table.ofImpu(aor).find((binding) => binding.flow.id === flow.id && isHis(binding));
  }

  /**
   * The token of the challenged REGISTER holds on, for the S-CSCF ties the answer to its Path; but
   * no binding of another IMPI. Who gives no IMPI gets a token that no IMPI has.
   */
  #newToken(
    aor: string,
    device: string,
    impi: string | undefined,
    challenge: PendingChallenge | undefined,
  ): string {
    const { tokens, table } = this.#relay;
    const holder = challenge && table.registered(challenge.token)?.impi;
    const isFree = holder === undefined || impi === undefined || holder === impi;
    if (challenge !== undefined && isFree) return challenge.token;
    const made = (what: string): string =>
      impi === undefined ? tokens.ofBinding("", `${aor} ${what}`) : tokens.ofBinding(impi, what);
    let token = made(device);
    // A binding that took this token for this device, and has another Contact by now, keeps it.
    for (let more = 2; table.registered(token) !== undefined; more++)
      token = made(`${device} ${more}`);
    return token;
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
    if (status === 401) {
      const challenge = challengeIn(response);
      this.challenges.challenged(request, flow, device, { token, scscf, ...challenge });
    } else if (status >= 200 && status < 500) this.challenges.ended(request, flow, device);
    if (status >= 200 && status < 300) {
      if (this.#handsOver(pending, response)) return answerTo(request, ANOTHERS);
      this.#accepted.follow(pending, response);
    }
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

/** The one that the REGISTER is about: position means nothing, what it binds comes before what it ends. */
function leadingContact(contacts: readonly NamedContact[]): NamedContact | undefined {
  return contacts.find((one) => !isRemoval(one)) ?? contacts[0];
}

/** The binding behind whose Path the Contacts of a REGISTER are, or the device that they name. */
function bindingNamed(
  contacts: readonly NamedContact[],
  ofUser: readonly Binding[],
): Binding | undefined {
  if (ofUser.length === 0) return undefined;
  const known = ofUser.flatMap((binding) =>
    contactsOf(binding).map(({ contact, instance }) => ({ contact, instance, binding })),
  );
  const { matches } = matchContacts(contacts.slice(0, MOST_CONTACTS), known);
  const found = matches.filter(({ binding }) => binding !== undefined);
  const arriving = found.find(({ named }) => !isRemoval(named));
  if (arriving !== undefined) return arriving.binding?.binding;
  // Beside a new Contact the one that leaves says nothing of where the new one is.
  return contacts.every(isRemoval) ? found[0]?.binding?.binding : undefined;
}
