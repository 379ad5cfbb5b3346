// The way of REGISTERs to one S-CSCF: where they go and what they say of this node, worked out once. RFC 3327 §5.2, RFC 7315 §4.6.
import { chargingVectorsOf } from "@ims-lab/common/ims/charging-vector";
import type { Destination } from "@ims-lab/common/sip/endpoint/endpoint";
import { destinationOf } from "@ims-lab/common/sip/proxy/route";
import { aroundToken } from "./own-routes.ts";
import { coreSide, type Relay, scscfUri } from "./sides.ts";

export class ScscfWay {
  /** Undefined where its URI leads nowhere. */
  readonly to: Destination | undefined;
  /** A fresh P-Charging-Vector. */
  readonly chargingVector: () => string;
  readonly #beforeToken: string;
  readonly #behindToken: string;

  /** Once the core side listens: it knows its address then. @param scscf its URI */
  constructor(relay: Relay, scscf: string) {
    const uri = scscfUri(relay, scscf);
    const side = coreSide(relay, uri);
    const { before, behind } = aroundToken(side);
    this.to = destinationOf(uri);
    const { random, settings } = relay;
    this.chargingVector = chargingVectorsOf(random, side.host, settings.visitedNetworkId);
    this.#beforeToken = before;
    this.#behindToken = behind;
  }

  /** Our Path value for the binding of this token. */
  path(token: string): string {
    return `${this.#beforeToken}${token}${this.#behindToken}`;
  }
}
