// The session descriptions that one call sends, and what those it gets say of hold. RFC 3264 §5, §8; RFC 4566 §5.2.
import type { Random } from "@ims-lab/common/platform/random";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import { answerSdp, type Described, isHold, type Origin, offerSdp, readSdp } from "./sdp.ts";

export class Descriptions {
  readonly #media: () => HostPort;
  readonly #session: number;
  #version = 0;
  /** The other side's offer that was answered last. */
  #answered: Described | undefined;

  /** @param media where our audio is taken */
  constructor(media: () => HostPort, random: Random) {
    this.#media = media;
    this.#session = Math.floor(random.fraction() * 2 ** 31);
  }

  /** @param isHeld on hold here */
  offer(isHeld: boolean): Buffer {
    return offerSdp(this.#origin(), isHeld ? "sendonly" : "sendrecv", this.#answered);
  }

  /** For the 2xx: without an offer in the INVITE it carries ours (RFC 3261 §13.2.1). */
  answer({ body }: SipRequest, isHeld: boolean): Buffer {
    const offer = body.length === 0 ? undefined : readSdp(body);
    if (offer === undefined) return this.offer(isHeld);
    this.#answered = offer;
    return answerSdp(this.#origin(), offer, isHeld);
  }

  #origin(): Origin {
    return { at: this.#media(), session: this.#session, version: ++this.#version };
  }
}

/** Undefined: it describes nothing. */
export function holdIn({ body }: SipRequest): boolean | undefined {
  const described = body.length === 0 ? undefined : readSdp(body);
  return described && isHold(described);
}
