// Accepted REGISTERs: the bindings follow the 200. TS 24.229 §5.2.2.1, RFC 3261 §10.3 step 8.
import { hasResponse } from "@ims-lab/common/ims/credentials";
import { sipUriOfPath } from "@ims-lab/common/ims/path";
import { Via } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { Flow } from "@ims-lab/common/sip/transport/transport";
import {
  associationOf,
  type Binding,
  type BoundContact,
  contactsOf,
  impusOf,
  isRegistered,
  withContacts,
} from "../bindings/binding.ts";
import { type Followed, follow, type PlacedContact } from "../bindings/listed-contacts.ts";
import type { Relay } from "../sides/sides.ts";
import { answers } from "./pending-challenges.ts";
import type { IntegrityProtected, ReceivedRegister } from "./upstream.ts";

/** One REGISTER under way. */
export interface PendingRegister extends ReceivedRegister {
  /** Whom its credentials name, else whose binding or identity it is about. */
  readonly impi: string;
  /** See `claimsIntegrity`. */
  readonly claimed: boolean;
  /** See the function of this name. */
  readonly listsPath: boolean;
  /** Of its challenge, see `challengeKey`. */
  readonly key: string;
  readonly token: string;
  /** How many 200s had been heard when it came. */
  readonly sent: number;
  /** The one that challenged this or has the binding; undefined: none has heard of it. */
  readonly scscf: string | undefined;
  readonly integrity: IntegrityProtected;
  /** See the function of this name. */
  readonly authenticates: boolean;
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
  /** Of the last 200: users of one S-CSCF mostly have the same. */
  #serviceRoute: readonly string[] = [];

  constructor(relay: Relay, onBound: OnBound) {
    this.#relay = relay;
    this.#onBound = onBound;
  }

  /** How many 200s there were. */
  get heard(): number {
    return this.#heard;
  }

  /**
   * The table follows the 200, which lists all that the user has bound.
   * @param scscf the one that sent it @param before the registered binding of the REGISTER's token
   */
  follow(
    pending: PendingRegister,
    scscf: string,
    response: SipResponse,
    before: Binding | undefined,
  ): void {
    const { table, clock } = this.#relay;
    const { request, named, token, sent, impi, aor } = pending;
    if (before !== undefined && isOvertaken(pending, before)) return;
    const ofUser = table.ofImpi(impi);
    const followed = follow({
      request,
      named,
      response,
      // Mostly there is none.
      bindings: ofUser.length === 0 ? ofUser : ofUser.filter((one) => isRegistered(one, aor)),
      sent,
      heard: ++this.#heard,
      now: clock.now(),
    });
    if (followed === undefined) return;
    const { bound, kept, renewed, gone, missing } = followed;
    if (missing.length > 0) this.#logMissing(pending, scscf, response, followed);
    if (bound.length > 0) {
      const behind = kept.filter((one) => one.token === token).map(({ contact }) => contact);
      const contacts = behind.length === 0 ? bound : [...bound, ...behind];
      this.#bind(pending, scscf, response, contacts, before);
    }
    if (renewed.length === 0 && gone.length === 0) return;
    // What was behind this Path has been replaced above.
    const mayEnd = (one: PlacedContact): boolean =>
      (bound.length === 0 || one.token !== token) && this.#mayEnd(pending, one.token);
    for (const one of renewed.filter(mayEnd)) table.endContact(one.token, one.contact, "moved");
    for (const one of gone.filter(mayEnd))
      table.endContact(one.token, one.contact, "de-registered");
  }

  /** What proves nothing ends nothing that came over another association. */
  #mayEnd(pending: PendingRegister, token: string): boolean {
    const source = this.#relay.table.registered(token)?.source;
    return isProven(pending) || source === undefined || source === associationOf(pending.flow);
  }

  #bind(
    pending: PendingRegister,
    scscf: string,
    response: SipResponse,
    contacts: readonly BoundContact[],
    before: Binding | undefined,
  ): void {
    const { table, clock } = this.#relay;
    const { request, flow, impi, aor, token, integrity } = pending;
    const { authenticates: authenticated } = pending;
    const now = clock.now();
    const impus = impusOf(response);
    const path = {
      token,
      impi: ownCopy(impi),
      aor: impus.find((impu) => impu === aor) ?? ownCopy(aor), // mostly the same: it is kept once
      impus,
      flow,
      flowLost: false,
      source: authenticated || isVouchedFor(integrity) ? associationOf(flow) : undefined,
      natted: isNatted(request, flow),
      serviceRoute: this.#serviceRouteIn(response),
      scscf,
      registeredAt: before?.registeredAt ?? now,
      authenticatedAt: authenticated ? now : before?.authenticatedAt,
    };
    const binding = withContacts(path, contacts);
    if (binding === undefined) return;
    table.bind(binding);
    this.#onBound(binding, authenticated, before);
  }

  #serviceRouteIn(response: SipResponse): readonly string[] {
    const values = response.texts("Service-Route");
    const last = this.#serviceRoute;
    const isSame = values.length === last.length && values.every((value, at) => value === last[at]);
    if (!isSame) this.#serviceRoute = serviceRouteOf(values);
    return this.#serviceRoute;
  }

  /** Registered as the UE takes it, and a stranger here from now on: somebody will look for this. */
  #logMissing(
    { request, impi }: PendingRegister,
    scscf: string,
    response: SipResponse,
    { missing }: Followed,
  ): void {
    const { log, mayLog } = this.#relay;
    if (!mayLog(`not-bound ${impi}`)) return;
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
}

/**
 * A 200 proves the sender when it answered the challenge we saw, or carried credentials that the
 * S-CSCF took without our vouching for the source.
 */
export function authenticates(
  { credentials, challenge }: ReceivedRegister,
  integrity: IntegrityProtected,
): boolean {
  if (answers(credentials, challenge)) return true;
  return !isVouchedFor(integrity) && hasResponse(credentials);
}

/**
 * Since it came its device has registered over another association, and this 200, sent before that or again, proves
 * nothing new: what it vouched for was the former one.
 */
function isOvertaken(pending: PendingRegister, before: Binding): boolean {
  if (pending.authenticates || before.source === associationOf(pending.flow)) return false;
  return contactsOf(before).some(({ heard }) => heard > pending.sent);
}

export function isProven(pending: PendingRegister): boolean {
  return pending.authenticates || isVouchedFor(pending.integrity);
}

function isVouchedFor(integrity: IntegrityProtected): boolean {
  return integrity === "ip-assoc-yes" || integrity === "tls-yes";
}

/** RFC 3608 §5; none when any of it leads nowhere, for then the settings' S-CSCF is the better way. */
function serviceRouteOf(values: readonly string[]): readonly string[] {
  const isWhole = values.every((value) => sipUriOfPath(value) !== undefined);
  return isWhole ? values.map(ownCopy) : [];
}

/** RFC 3581 §4: the address in Via is not where it came from. */
function isNatted(request: SipRequest, flow: Flow): boolean {
  const via = request.get(Via);
  return via?.host !== flow.remote.host || (via.port ?? 5060) !== flow.remote.port;
}
