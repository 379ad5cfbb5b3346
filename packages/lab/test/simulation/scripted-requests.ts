// Requests of a scripted device, and the secret it answers challenges with. RFC 3261 §8.1; TS 24.229 §5.1.1.2.
import { REGINFO_TYPE } from "@ims-lab/common/ims/events";
import { newSqnWindow } from "@ims-lab/common/ims/sqn";
import { newRequest, type SipRequest } from "@ims-lab/common/sip/message/message";
import { initialAuthorization, type Secret } from "../../../ue/src/isim/answer.ts";
import { Isim } from "../../../ue/src/isim/isim.ts";
import { memorySqnStore } from "../../../ue/src/isim/sqn-store.ts";
import { DOMAIN, impuOf, K, OPC } from "../scenarios/nodes.ts";
import type { DeviceParts } from "./own-device.ts";

/** What answers to challenges are computed over. */
export const REGISTER = { method: "REGISTER", uri: `sip:${DOMAIN}`, cnonce: "c0ffee" };

export type Headers = readonly (readonly [name: string, value: string])[];

/** What of a REGISTER its device chooses. */
export interface RegisterChoice {
  readonly callId: string;
  readonly cseq: number;
  readonly expires: number;
  readonly contacts: readonly string[];
  readonly hasInstance: boolean;
  /** Absent: the first one, which names the user alone. */
  readonly authorization: string | undefined;
}

export function registerOf({ user, index }: DeviceParts, choice: RegisterChoice): SipRequest {
  const { name } = user;
  const { callId, cseq, expires, contacts, hasInstance } = choice;
  const urn = `urn:uuid:00000000-0000-4000-9000-${String(index).padStart(12, "0")}`;
  const instance = hasInstance ? `;+sip.instance="<${urn}>"` : "";
  const impi = `${name}@${DOMAIN}`;
  return newRequest("REGISTER", REGISTER.uri, [
    ["Max-Forwards", "70"],
    ["From", `<${impuOf(name)}>;tag=d${index}`],
    ["To", `<${impuOf(name)}>`],
    ["Call-ID", callId],
    ["CSeq", `${cseq} REGISTER`],
    ...contacts.map((uri) => ["Contact", `<${uri}>${instance}`] as const),
    ["Expires", String(expires)],
    ["Supported", "path"],
    ["Authorization", choice.authorization ?? initialAuthorization(impi, DOMAIN, REGISTER.uri)],
  ]);
}

/** Of a SUBSCRIBE to the device's own registration. */
export function subscribeHeaders(contact: string, event: string): Headers {
  return [
    ["Contact", `<${contact}>`],
    ["Event", event],
    ["Expires", "3600"],
    ["Accept", REGINFO_TYPE],
  ];
}

/** Out of any dialog, over the stored Service-Route. @param number what no other one of the device has */
export function standaloneRequest(
  method: string,
  { user }: DeviceParts,
  from: {
    readonly callId: string;
    readonly number: number;
    readonly serviceRoute: readonly string[];
  },
  headers: Headers,
): SipRequest {
  const impu = impuOf(user.name);
  const { callId, number, serviceRoute } = from;
  return newRequest(method, impu, [
    ...serviceRoute.map((value) => ["Route", value] as const),
    ["Max-Forwards", "70"],
    ["From", `<${impu}>;tag=d${number}`],
    ["To", `<${impu}>`],
    ["Call-ID", `${method}-${callId}-${number}`],
    ["CSeq", `1 ${method}`],
    ...headers,
  ]);
}

export function secretOf({ user }: DeviceParts): Secret {
  const impi = `${user.name}@${DOMAIN}`;
  if (!user.isAka) return { scheme: "digest", impi, password: Buffer.from("pw") };
  const card = memorySqnStore(newSqnWindow(0));
  return {
    scheme: "aka",
    impi,
    isim: new Isim(Buffer.from(K, "hex"), Buffer.from(OPC, "hex"), card),
  };
}
