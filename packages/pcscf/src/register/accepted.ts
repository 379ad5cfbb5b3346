// Accepted REGISTERs: the bindings follow the 200. TS 24.229 §5.2.2.1, RFC 3261 §10.3 step 8.
import { type Credentials, hasResponse } from "@ims-lab/common/ims/credentials";
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import type { NamedContacts } from "@ims-lab/common/ims/registered-contacts";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import {
  associationOf,
  type Binding,
  type BoundContact,
  impusOf,
  isRegistered,
  withContacts,
} from "../bindings/binding.ts";
import { type Followed, follow, type PlacedContact } from "../bindings/listed-contacts.ts";
import type { Relay } from "../sides/sides.ts";
import { answers, type PendingChallenge } from "./pending-challenges.ts";
import type { IntegrityProtected } from "./upstream.ts";

/** One REGISTER under way. */
export interface Pending {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** The only reading of its Authorization, and what goes on of it. */
  readonly credentials: Credentials | undefined;
  /** Whom they name, else whose binding or identity it is about. */
  readonly impi: string;
  /** To, as `aorOf` files it. */
  readonly aor: string;
  readonly named: NamedContacts;
  readonly device: string;
  readonly token: string;
  /** How many 200s had been heard when it came. */
  readonly sent: number;
  /** The one that challenged this or has the binding; undefined: none has heard of it. */
  readonly scscf: string | undefined;
  readonly integrity: IntegrityProtected;
  readonly challenge: PendingChallenge | undefined;
}

/** The same with the S-CSCF it went to. */
export interface Sent extends Pending {
  readonly scscf: string;
}

/** A 200 made or refreshed a binding; `authenticated`: it answered a challenge. */
export type OnBound = (
  binding: Binding,
  authenticated: boolean,
  before: Binding | undefined,
) => void;

export class AcceptedRegisters {
  readonly #relay: Relay;
  readonly #onBound: OnBound;
  #heard = 0;

  constructor(relay: Relay, onBound: OnBound) {
    this.#relay = relay;
    this.#onBound = onBound;
  }

  /** How many 200s there were. */
  get heard(): number {
    return this.#heard;
  }

  /** The table follows the 200, which lists all that the user has bound. */
  follow(pending: Sent, response: SipResponse): void {
    const { table, clock } = this.#relay;
    const { request, named, token, sent, impi, aor } = pending;
    const followed = follow({
      request,
      named,
      response,
      bindings: table.ofImpi(impi).filter((binding) => isRegistered(binding, aor)),
      sent,
      heard: ++this.#heard,
      now: clock.now(),
    });
    if (followed === undefined) return;
    const { bound, kept, renewed, gone, missing } = followed;
    if (missing.length > 0) this.#logMissing(pending, response, followed);
    const behind = kept.filter((one) => one.token === token).map(({ contact }) => contact);
    if (bound.length > 0) this.#bind(pending, response, [...bound, ...behind]);
    // What was behind this Path has been replaced above.
    const mayEnd = (one: PlacedContact): boolean =>
      (bound.length === 0 || one.token !== token) && this.#mayEnd(pending, one.token);
    for (const one of renewed.filter(mayEnd)) table.endContact(one.token, one.contact, "moved");
    for (const one of gone.filter(mayEnd))
      table.endContact(one.token, one.contact, "de-registered");
  }

  /** What proves nothing ends nothing that came over another association. */
  #mayEnd(pending: Sent, token: string): boolean {
    const source = this.#relay.table.registered(token)?.source;
    return isProven(pending) || source === undefined || source === associationOf(pending.flow);
  }

  #bind(pending: Sent, response: SipResponse, contacts: readonly BoundContact[]): void {
    const before = this.#relay.table.registered(pending.token);
    const authenticated = isAuthenticated(pending);
    const binding = this.#binding(pending, response, contacts, authenticated);
    if (binding === undefined) return;
    this.#relay.table.bind(binding);
    this.#onBound(binding, authenticated, before);
  }

  /** Registered as the UE takes it, and a stranger here from now on: somebody will look for this. */
  #logMissing({ request, scscf, impi }: Sent, response: SipResponse, { missing }: Followed): void {
    const { log, maySay } = this.#relay;
    if (!maySay(`not-bound ${impi}`)) return;
    log.warn("register.not-bound", {
      impi,
      impu: request.to.uriText,
      callId: request.callId,
      scscf,
      expected: missing.join(", "),
      listed: response.texts("Contact").join(", "),
      what: "the 200 does not list what was registered (RFC 3261 §10.3 step 8)",
    });
  }

  #binding(
    { request, flow, impi, aor, token, scscf, integrity }: Sent,
    response: SipResponse,
    contacts: readonly BoundContact[],
    authenticated: boolean,
  ): Binding | undefined {
    const [first] = contacts;
    if (first === undefined) return undefined;
    const now = this.#relay.clock.now();
    const before = this.#relay.table.registered(token);
    const binding: Binding = {
      ...first,
      token,
      impi: ownCopy(impi),
      aor: ownCopy(aor),
      impus: impusOf(response),
      flow,
      flowLost: false,
      source: authenticated || isVouchedFor(integrity) ? associationOf(flow) : undefined,
      natted: isNatted(request, flow),
      serviceRoute: serviceRouteIn(response),
      scscf,
      registeredAt: before?.registeredAt ?? now,
      authenticatedAt: authenticated ? now : before?.authenticatedAt,
    };
    return withContacts(binding, contacts);
  }
}

/**
 * A 200 proves the sender when it answered the challenge we saw, or carried credentials that the
 * S-CSCF took without our vouching for the source.
 */
function isAuthenticated({ credentials, integrity, challenge }: Pending): boolean {
  if (answers(credentials, challenge)) return true;
  return !isVouchedFor(integrity) && hasResponse(credentials);
}

export function isProven(pending: Pending): boolean {
  return isAuthenticated(pending) || isVouchedFor(pending.integrity);
}

function isVouchedFor(integrity: IntegrityProtected): boolean {
  return integrity === "ip-assoc-yes" || integrity === "tls-yes";
}

/** RFC 3608 §5; none when any of it leads nowhere, for then the settings' S-CSCF is the better way. */
function serviceRouteIn(response: SipResponse): readonly string[] {
  const values = response.texts("Service-Route");
  const isWhole = values.every((value) => sipUriOfPath(value) !== undefined);
  return isWhole ? values.map(ownCopy) : [];
}

/** RFC 3581 §4: the address in Via is not where it came from. */
function isNatted(request: SipRequest, flow: Flow): boolean {
  const via = request.get(Via);
  return via?.host !== flow.remote.host || (via.port ?? 5060) !== flow.remote.port;
}
