// Session descriptions of one call: offers, answers, and hold. RFC 3264 §5, §8; RFC 4566 §5.2.
import type { Random } from "@ims-lab/common/platform/random";
import type { HostPort } from "@ims-lab/common/sip/transport/transport";
import {
  answerSdp,
  isHold,
  type Origin,
  offerSdp,
  readSdp,
  type SessionDescription,
} from "./sdp.ts";

export class Descriptions {
  readonly #media: () => HostPort;
  readonly #session: number;
  #version = 0;
  /** The other side's offer that was answered last. */
  #answered: SessionDescription | undefined;

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
  answer(described: Buffer | undefined, isHeld: boolean): Buffer {
    const offer = described && readSdp(described);
    if (offer === undefined) return this.offer(isHeld);
    this.#answered = offer;
    return answerSdp(this.#origin(), offer, isHeld);
  }

  #origin(): Origin {
    return { at: this.#media(), session: this.#session, version: ++this.#version };
  }
}

/** Undefined: it describes nothing. */
export function holdIn(description: Buffer | undefined): boolean | undefined {
  const described = description && readSdp(description);
  return described && isHold(described);
}
