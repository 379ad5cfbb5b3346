// What a UE checks of an INVITE before it acts on it, of the first and of each later one. RFC 3261 §8.2, §14.2; RFC 3264 §6.
import type { Random } from "@ims-lab/common/platform/random";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { Refusal } from "@ims-lab/common/sip/transaction/user";
import { checkAsUas } from "@ims-lab/common/sip/uas-checks";
import type { CallState } from "./call-state.ts";
import { readSdp, SDP_TYPE } from "./sdp.ts";

const ABILITIES = { methods: ["INVITE"], extensions: [], bodies: [SDP_TYPE] } as const;

export function checkInvite(request: SipRequest): Refusal | undefined {
  return checkAsUas(request, ABILITIES) ?? checkOffer(request);
}

/** A session description we share nothing with. */
function checkOffer({ body }: SipRequest): Refusal | undefined {
  return body.length > 0 && readSdp(body) === undefined ? { status: 488 } : undefined;
}

/** Whether a later INVITE comes at a time when it can be answered. */
export function checkMoment({ name }: CallState, random: Random): Refusal | undefined {
  switch (name) {
    case "up":
      return undefined;
    case "answered":
      return { status: 491 }; // RFC 5407 §3.1.5: the ACK is still on its way
    case "inviting":
    case "ringing": {
      const seconds = Math.floor(random.fraction() * 11);
      return { status: 500, headers: [["Retry-After", String(seconds)]] }; // §14.2
    }
    case "ending":
    case "over":
      return { status: 481 };
  }
}
