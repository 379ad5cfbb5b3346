// Home domains, and the IMSIs of a network. TS 23.003 §2.2, §13.2.

export interface Plmn {
  /** Three digits. */
  readonly mcc: string;
  /** Two or three. */
  readonly mnc: string;
}

/** Of an operator; a two-digit MNC gets a leading zero. */
export function homeDomain(mcc: string, mnc: string): string {
  return `ims.mnc${mnc.padStart(3, "0")}.mcc${mcc}.3gppnetwork.org`;
}

/** The lab's own: test PLMN 001/01. */
export const LAB_DOMAIN: string = homeDomain("001", "01");

/** IMSIs have at most 15 digits; the lab's have as many. @param n which of the network's subscribers, from 1 */
export function imsiOf({ mcc, mnc }: Plmn, n: number): string {
  const msin = String(n).padStart(15 - mcc.length - mnc.length, "0");
  return `${mcc}${mnc}${msin}`;
}
