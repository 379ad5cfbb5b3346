// P-Charging-Vector through the S-CSCF: who called from where, and who answered. TS 24.229 §5.4.3; RFC 7315 §5.6.
import {
  type ChargingVector,
  formatChargingVector,
  newChargingVector,
  parseChargingVector,
} from "@ims-lab/common/ims/charging-vector";
import type { Random } from "@ims-lab/common/platform/random";
import type { SipMessage } from "@ims-lab/common/sip/message/message";

/** The vector of a request on its way: the peer's icid if we believe it, else a new one. */
export function chargingOf(
  message: SipMessage,
  own: { readonly random: Random; readonly host: string; readonly domain: string },
  trusted: boolean,
): ChargingVector {
  const text = trusted ? message.text("P-Charging-Vector") : undefined;
  const known = text === undefined ? undefined : parseChargingVector(text);
  return known ?? newChargingVector(own.random, own.host, own.domain);
}

/** Both ends stand in the answer. */
export function answerCharging(response: SipMessage, vector: ChargingVector, domain: string): void {
  const text = response.text("P-Charging-Vector");
  const known = text === undefined ? undefined : parseChargingVector(text);
  const answered = { ...vector, termIoi: known?.termIoi ?? domain };
  response.set("P-Charging-Vector", formatChargingVector(answered));
}
