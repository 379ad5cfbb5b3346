// Private and public user identities. TS 23.003 §13; TS 24.229 §5.1.1.1A for a UE without ISIM.
import { aorOf, parseUri } from "../sip/message/uri.ts";

declare const kind: unique symbol;
type Branded<Name extends string> = string & { readonly [kind]: Name };

/** Private identity: an NAI, `001010000000001@ims…` (RFC 7542; TS 23.003 §13.3). */
export type Impi = Branded<"Impi">;
/** Public identity: a SIP or tel URI as provisioned (TS 23.003 §13.4). */
export type Impu = Branded<"Impu">;
/** Canonical form under which a public identity is filed (RFC 3261 §10.3). */
export type Aor = Branded<"Aor">;

/** TS 23.003 §13.2: home domain of an operator; a two-digit MNC gets a leading zero. */
export function homeDomain(mcc: string, mnc: string): string {
  return `ims.mnc${mnc.padStart(3, "0")}.mcc${mcc}.3gppnetwork.org`;
}

/** The lab's own: test PLMN 001/01. */
export const LAB_DOMAIN: string = homeDomain("001", "01");

export function impiFrom(text: string): Impi | undefined {
  return isImpi(text) ? text : undefined;
}

function isImpi(text: string): text is Impi {
  return /^[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9.-]+$/.test(text) && text.length <= 255;
}

export function impuFrom(text: string): Impu | undefined {
  return isImpu(text) ? text : undefined;
}

function isImpu(text: string): text is Impu {
  const uri = parseUri(text);
  return uri !== undefined && uri.scheme !== "other";
}

export function aorFrom(impu: Impu): Aor {
  const uri = parseUri(impu);
  const aor = uri === undefined ? impu : aorOf(uri);
  return aor as Aor; // the one place where the brand is given
}

/** TS 23.003 §13.4B: what a UE registers that knows no other public identity. */
export function temporaryImpu(impi: Impi): Impu | undefined {
  return impuFrom(`sip:${impi}`);
}
