// Challenges that an S-CSCF has made and answers that have come, as the messages say. TS 24.229 §5.4.1.2; TS 33.102 annex C.
import { Milenage, xor } from "@ims-lab/common/ims/milenage";
import { sqnFromOctets } from "@ims-lab/common/ims/sqn";
import { unpackNonce } from "@ims-lab/common/sip/auth/aka";
import { Authorization, WwwAuthenticate } from "@ims-lab/common/sip/message/fields";
import type { SipRequest, SipResponse } from "@ims-lab/common/sip/message/message";
import { K, OPC } from "../scenarios/nodes.ts";
import { type AnswerFacts, NO_SQN_TWICE } from "./invariants.ts";
import type { Judge } from "./surroundings.ts";

/** A REGISTER with a response. */
interface Answer {
  readonly at: number;
  readonly nonce: string;
  /** Its nonce was answered before. */
  readonly isAgain: boolean;
}

/** One REGISTER. */
interface RegisterName {
  readonly callId: string;
  readonly cseq: number;
}

const CIPHER = new Milenage(Buffer.from(K, "hex"), Buffer.from(OPC, "hex"));

export class ChallengeLedger {
  readonly #judge: Judge;
  /** By nonce. */
  readonly #issued = new Map<string, { readonly at: number; readonly isAka: boolean }>();
  /** By REGISTER. */
  readonly #answers = new Map<string, Answer>();
  readonly #answered = new Set<string>();
  /** By nonce: the answer that has authenticated with it. */
  readonly #spent = new Map<string, Answer>();
  /** By IMPI. */
  readonly #sqns = new Map<string, Set<number>>();

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** A REGISTER has come. */
  received(register: SipRequest, now: number): void {
    const { callId, cseq } = register;
    const params = register.get(Authorization)?.params;
    const nonce = params?.get("nonce") ?? "";
    if (nonce === "" || (params?.get("response") ?? "") === "") return;
    const key = keyOf({ callId, cseq: cseq.number });
    if (this.#answers.has(key)) return;
    const isAgain = this.#answered.has(nonce);
    this.#answered.add(nonce);
    this.#answers.set(key, { at: now, nonce, isAgain });
  }

  /** A 401 leaves. @param impi whose REGISTER it answers */
  challenged(response: SipResponse, impi: string, now: number): void {
    for (const { params } of response.all(WwwAuthenticate)) {
      const nonce = params.get("nonce") ?? "";
      if (this.#issued.has(nonce)) continue;
      const isAka = /^AKA/i.test(params.get("algorithm") ?? "");
      this.#issued.set(nonce, { at: now, isAka });
      if (isAka) this.#drawn(impi, nonce);
    }
  }

  #drawn(impi: string, nonce: string): void {
    const unpacked = unpackNonce(nonce);
    if (unpacked === undefined) return;
    const { ak } = CIPHER.keys(unpacked.rand);
    const sqn = sqnFromOctets(xor(unpacked.autn.subarray(0, 6), ak));
    const used = this.#sqns.get(impi) ?? new Set();
    this.#judge(NO_SQN_TWICE, { impi, sqn, used });
    this.#sqns.set(impi, used.add(sqn));
  }

  /** The answer in this REGISTER; undefined: it had none. */
  answerIn(register: RegisterName): AnswerFacts | undefined {
    const answer = this.#answers.get(keyOf(register));
    if (answer === undefined) return undefined;
    const { at, nonce, isAgain } = answer;
    const issued = this.#issued.get(nonce);
    const isSpent = (this.#spent.get(nonce) ?? answer) !== answer;
    return { at, issuedAt: issued?.at, isAka: issued?.isAka === true, isAgain, isSpent };
  }

  /** The S-CSCF has taken it. */
  accepted(register: RegisterName): void {
    const answer = this.#answers.get(keyOf(register));
    if (answer !== undefined && !this.#spent.has(answer.nonce))
      this.#spent.set(answer.nonce, answer);
  }

  /** The S-CSCF is gone with all that it knew. */
  forgotten(): void {
    for (const one of [this.#issued, this.#answers, this.#answered, this.#spent, this.#sqns])
      one.clear();
  }
}

function keyOf({ callId, cseq }: RegisterName): string {
  return `${callId} ${cseq}`;
}
