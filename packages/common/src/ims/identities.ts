// Home domains. TS 23.003 §13.2.

/** Of an operator; a two-digit MNC gets a leading zero. */
export function homeDomain(mcc: string, mnc: string): string {
  return `ims.mnc${mnc.padStart(3, "0")}.mcc${mcc}.3gppnetwork.org`;
}

/** The lab's own: test PLMN 001/01. */
export const LAB_DOMAIN: string = homeDomain("001", "01");
