// Asks a device that rejects AUTN, or falls silent, what it has mixed up: one usual mix-up per attempt. docs/operations.md.
import { Milenage, xor } from "@ims-lab/common/ims/milenage";
import { type Sqn, sqnFromOctets, sqnToOctets } from "@ims-lab/common/ims/sqn";
import { akaPassword, packNonce, parseAuts, unpackNonce } from "@ims-lab/common/sip/auth/aka";
import { type Answer, sameSecret } from "@ims-lab/common/sip/auth/challenge";
import { type DigestInput, digestResponse } from "@ims-lab/common/sip/auth/digest";
import type { AkaCredentials, Subscriber } from "../subscribers/subscriber.ts";
import type { AkaVector, AuthenticationCentre } from "./auc.ts";
import { type Mixup, mixupsOf } from "./mixups.ts";

/** Subscribers that are being asked; the one asked longest ago is forgotten. */
const MOST = 1_000;

interface Asked {
  /** Which mix-up is asked about next. */
  readonly next: number;
  /** All of them have been, since the device was last right. */
  readonly exhausted: boolean;
  /** A silent device's next attempt begins with a probe; its turn after that with a real challenge. */
  readonly due: boolean;
  readonly outstanding?: Outstanding;
  /** The highest number that a device may have taken from a probe. */
  readonly used: Sqn;
}

interface Outstanding {
  readonly nonce: string;
  /** The attempt's. */
  readonly key: string;
  readonly sqn: Sqn;
  /** No real challenge came before it in its attempt. */
  readonly isFirst: boolean;
}

const NEW: Asked = { next: 0, exhausted: false, due: false, used: 0 };

export interface Probe {
  readonly vector: AkaVector;
  readonly nonce: string;
  /** What the device is asked, as a clause. */
  readonly question: string;
}

/** An answer, and what its response should have been computed from, but for the secret. */
interface ProbeAnswer {
  readonly answer: Answer;
  readonly subscriber: Subscriber;
  readonly input: Omit<DigestInput, "password">;
}

/** What a probe's answer says. */
export interface Finding {
  readonly accepted: boolean;
  readonly why: string;
  /** The attempt is owed a real challenge yet. */
  readonly isFirst: boolean;
}

export class Prober {
  readonly #auc: AuthenticationCentre;
  readonly #asked = new Map<string, Asked>();

  constructor(auc: AuthenticationCentre) {
    this.#auc = auc;
  }

  /** The vector to ask with; `outstanding` until it was judged or another one was made. */
  probe(impi: string, auth: AkaCredentials, key: string, isFirst: boolean): Probe {
    const asked = this.#of(impi);
    const mixups = mixupsOf(auth);
    const mixup = mixups[asked.next] ?? mixups[0];
    if (mixup === undefined) throw new Error("there are no mix-ups to ask about");
    const { vector, sqn } = this.#auc.vectorFor(impi, mixup, asked.used);
    const nonce = packNonce(vector.rand, vector.autn);
    const used = Math.max(asked.used, sqn);
    this.#set(impi, { ...asked, due: false, used, outstanding: { nonce, key, sqn, isFirst } });
    const turn = `${asked.next + 1} of ${mixups.length}`;
    return { vector, nonce, question: `is it that ${mixup.why}? (${turn})` };
  }

  /** Whether this nonce is a probe's. */
  isProbe(impi: string, nonce: string, key: string): boolean {
    const outstanding = this.#asked.get(impi)?.outstanding;
    return outstanding?.nonce === nonce && outstanding.key === key;
  }

  /** An answer to the outstanding probe. Right or wrong, it registers nobody. */
  judge(verification: ProbeAnswer, auth: AkaCredentials): Finding {
    const { impi } = verification.subscriber;
    const asked = this.#of(impi);
    const { outstanding, ...rest } = asked;
    const isFirst = outstanding?.isFirst === true;
    const mixup = mixupsOf(auth)[asked.next];
    if (mixup === undefined || !accepts(verification, mixup, auth))
      return { accepted: false, isFirst, why: this.#notThis(impi, auth) };
    if (mixup.ahead > 0) this.#auc.raise(impi, outstanding?.sqn ?? 0);
    this.#set(impi, { ...rest, exhausted: false });
    const why = `${mixup.why} (it takes a challenge for genuine that was made so)`;
    return { accepted: true, isFirst, why };
  }

  /** It did not answer its challenge. Undefined: it was not asked anything. */
  silent({ impi, auth }: Subscriber): string | undefined {
    if (auth.scheme !== "aka") return undefined;
    const asked = this.#of(impi);
    if (asked.outstanding !== undefined) return this.#notThis(impi, auth);
    this.#set(impi, { ...asked, due: true });
    return asked.exhausted ? NONE : undefined;
  }

  /** The device's next challenge is to be a probe, though it has not rejected one in this attempt. */
  isDue(impi: string): boolean {
    return this.#asked.get(impi)?.due === true;
  }

  /** What is known already of a device that rejects a real challenge. */
  verdict(impi: string): string | undefined {
    return this.#asked.get(impi)?.exhausted === true ? NONE : undefined;
  }

  /** It was right. */
  forget(impi: string): void {
    this.#asked.delete(impi);
  }

  #notThis(impi: string, auth: AkaCredentials): string {
    const { next, exhausted, used } = this.#of(impi);
    const mixups = mixupsOf(auth);
    const isLast = next + 1 >= mixups.length;
    this.#set(impi, {
      next: isLast ? 0 : next + 1,
      exhausted: exhausted || isLast,
      due: false,
      used,
    });
    if (isLast || exhausted) return NONE;
    return `AUTN rejected: K, OP/OPc, AMF or SQN differ; not this: ${mixups[next]?.why} (${next + 1} of ${mixups.length} usual mix-ups asked, its next attempt goes on)`;
  }

  #of(impi: string): Asked {
    return this.#asked.get(impi) ?? NEW;
  }

  #set(impi: string, asked: Asked): void {
    this.#asked.delete(impi);
    this.#asked.set(impi, asked);
    const [oldest] = this.#asked.keys();
    if (oldest !== undefined && this.#asked.size > MOST) this.#asked.delete(oldest);
  }
}

const NONE =
  "AUTN rejected, with every usual mix-up of OP, OPc, AMF and SQN too: K differs, or OP/OPc is quite another one";

/** The device took AUTN for genuine: it has these keys. */
function accepts({ answer, input }: ProbeAnswer, mixup: Mixup, auth: AkaCredentials): boolean {
  const nonce = unpackNonce(answer.nonce);
  if (nonce === undefined) return false;
  const milenage = new Milenage(mixup.k, mixup.opc);
  const keys = milenage.keys(nonce.rand);
  if (answer.auts === undefined) {
    const password = akaPassword(auth.algorithm, keys);
    return sameSecret(digestResponse({ ...input, password }), answer.response);
  }
  // TS 33.102 §6.3.3: MAC before SQN, so that AUTS, too, says that the keys are these.
  const auts = parseAuts(answer.auts);
  if (auts === undefined) return false;
  const sqn = sqnFromOctets(xor(auts.subarray(0, 6), keys.akStar));
  const expected = milenage.auts(nonce.rand, sqnToOctets(sqn), keys.akStar);
  return sameSecret(expected.toString("latin1"), auts.toString("latin1"));
}
