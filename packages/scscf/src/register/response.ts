// Responses to a REGISTER: the 200 and the 401. RFC 3261 §10.3 step 8; RFC 3327 §5.3; RFC 3608; RFC 7315 §4.1; TS 24.229 §5.4.1.2.
import {
  newResponse,
  type SipRequest,
  type SipResponse,
} from "@ims-lab/common/sip/message/message";
import type { Binding } from "../registration/binding.ts";
import type { Subscriber } from "../subscribers/subscriber.ts";

export interface AcceptedRegister {
  readonly request: SipRequest;
  readonly subscriber: Subscriber;
  /** All contacts of the set, as they are now. */
  readonly bindings: readonly Binding[];
  /** The one this REGISTER was about; none after a removal or for a query. */
  readonly binding: Binding | undefined;
  /** The REGISTER only took bindings away: these. */
  readonly isLeaving: boolean;
  readonly left: readonly Binding[];
  /** URI of the Service-Route for a token. */
  serviceRoute(token: string): string;
  readonly path: readonly string[];
  readonly trusted: boolean;
  readonly toTag: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export function acceptedResponse(accepted: AcceptedRegister): SipResponse {
  const { request, bindings, binding, at } = accepted;
  const headers: [string, string][] = bindings.map((one) => ["Contact", contactValue(one, at)]);
  for (const one of endedRows(accepted))
    headers.push(["Contact", contactValue(one, one.expiresAt)]);
  if (accepted.isLeaving) headers.push(["Expires", "0"]);
  if (binding !== undefined) {
    const uri = accepted.serviceRoute(binding.token);
    headers.push(["Service-Route", `<${uri}>`]);
    for (const value of accepted.path) headers.push(["Path", value]);
  }
  const associated = associatedUris(accepted.subscriber);
  if (associated !== "") headers.push(["P-Associated-URI", associated]);
  // TS 24.229 §5.4.1.2.2F: the icid goes back to who made it; nothing is echoed to strangers.
  const charging = accepted.trusted ? request.text("P-Charging-Vector") : undefined;
  if (charging !== undefined) headers.push(["P-Charging-Vector", charging]);
  return newResponse(request, 200, { toTag: accepted.toTag, headers });
}

/** RFC 7315 §4.1; those that are barred are not told. */
function associatedUris({ impus }: Subscriber): string {
  let all = "";
  for (const { uri, barred } of impus) if (!barred) all += all === "" ? `<${uri}>` : `, <${uri}>`;
  return all;
}

/**
 * RFC 3261 §10.3 step 8 lists what is bound. A device that has nothing bound any more is listed with
 * expires=0 once: some take a Contact that is not mentioned for one that still is.
 */
function endedRows({ request, bindings, left }: AcceptedRegister): readonly Binding[] {
  if (left.length === 0 || bindings.some(({ callId }) => callId === request.callId)) return [];
  return left;
}

function contactValue({ address, expiresAt }: Binding, at: number): string {
  const name = address.displayName === undefined ? "" : `${quoted(address.displayName)} `;
  const left = Math.max(0, Math.ceil((expiresAt - at) / 1000));
  return `${name}<${address.contact}>${address.params};expires=${left}`;
}

function quoted(displayName: string): string {
  const octets = Buffer.from(displayName, "utf8").toString("latin1");
  return `"${octets.replace(/["\\]/g, "\\$&")}"`;
}

/**
 * The 401 to a REGISTER (TS 24.229 §5.4.1.2.1). TS 33.203 §6.1.1: session keys are for the P-CSCF; no device gets to see them.
 * @param values of WWW-Authenticate, most preferred first
 */
export function challengeResponse(
  request: SipRequest,
  values: readonly string[],
  trusted: boolean,
  toTag: string,
): SipResponse {
  const headers = values.map((value): [string, string] => [
    "WWW-Authenticate",
    trusted ? value : withoutKeys(value),
  ]);
  return newResponse(request, 401, { toTag, headers });
}

function withoutKeys(value: string): string {
  return value.replace(/,\s*[ic]k="[^"]*"/g, "");
}
