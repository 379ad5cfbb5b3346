// A registered device that sends straight to the S-CSCF, along its Service-Route but past its P-CSCF. RFC 3608 §5, TS 24.229 §5.1.2A.
import { placeOf, placeOfPath } from "@ims-lab/common/ims/path";
import { From, Route } from "@ims-lab/common/sip/message/fields";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { aorOf, isSip, parseUri, type Uri } from "@ims-lab/common/sip/message/uri";
import type { RequestOrigin } from "../origin.ts";
import type { Binding } from "../registration/binding.ts";

export interface RegisteredDevices {
  /** The token of a Service-Route of ours, undefined for any other URI. */
  tokenOf(uri: Uri): string | undefined;
  bindingOf(token: string): Binding | undefined;
  /** Bindings of the user whose AoR this is. */
  bindingsOfUser(aor: string): readonly Binding[];
}

/** Why the sender is refused; for the log alone. */
export interface SenderProblem {
  readonly kind: "untrusted-peer" | "past-pcscf";
  readonly detail: string;
}

export function senderProblem(
  devices: RegisteredDevices,
  request: SipRequest,
  { source }: RequestOrigin,
): SenderProblem {
  const binding = byServiceRoute(devices, request) ?? byAddress(devices, request, source);
  return (
    (binding && pastPcscf(binding, source)) ?? {
      kind: "untrusted-peer",
      detail: `${source} is no trusted peer (trustedPeers)`,
    }
  );
}

/** Undefined for a device that registered without a P-CSCF. */
export function pastPcscf({ impi, address }: Binding, source: string): SenderProblem | undefined {
  const pcscf = placeOfPath(address.path.at(-1) ?? "");
  if (pcscf === undefined) return undefined;
  const detail = `${source} is a device of ${impi}, registered through the P-CSCF ${pcscf}, and sends past it`;
  return { kind: "past-pcscf", detail };
}

function byServiceRoute(devices: RegisteredDevices, request: SipRequest): Binding | undefined {
  for (const { uri } of request.all(Route)) {
    const token = devices.tokenOf(uri);
    const binding = token === undefined ? undefined : devices.bindingOf(token);
    if (binding !== undefined) return binding;
  }
  return undefined;
}

/** Who it says it is, at the address that this user's Contact names. */
function byAddress(
  devices: RegisteredDevices,
  request: SipRequest,
  source: string,
): Binding | undefined {
  const from = request.get(From);
  if (from === undefined) return undefined;
  return devices.bindingsOfUser(aorOf(from.uri)).find(({ address }) => {
    const contact = parseUri(address.contact);
    return isSip(contact) && source.endsWith(`:${placeOf(contact)}`);
  });
}
