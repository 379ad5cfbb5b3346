// Next hops in the core that a UE may route to: no open relay. TS 24.229 §5.2.6.3.5.
import type { Destination } from "@ims-lab/common/sip/endpoint/endpoint";
import { isSameHop, withinKnown } from "@ims-lab/common/sip/proxy/known-hops";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import type { Binding } from "../bindings/binding.ts";
import { knownUri, type Relay } from "../sides/sides.ts";

/** The S-CSCFs, the binding's Service-Route and the trusted peers. Undefined: anywhere else. */
export function coreHop(
  relay: Relay,
  to: Destination,
  binding: Binding | undefined,
): Destination | undefined {
  const { settings, knowsHop } = relay;
  const named = [...settings.scscf, ...(binding?.serviceRoute ?? [])];
  const places = named.map((text) => destinationOf(knownUri(text)));
  return withinKnown(to, (hop) => places.some((place) => isSameHop(hop, place)) || knowsHop(hop));
}
