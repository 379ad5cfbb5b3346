// The ISIM: checks the network's AUTN and answers with RES, CK, IK or AUTS. TS 31.103 §7.1, TS 33.102 §6.3.3.
import { Milenage, xor } from "@ims-lab/common/ims/milenage";
import {
  acceptSqn,
  newSqnWindow,
  type SqnWindow,
  sqnFromOctets,
  sqnToOctets,
} from "@ims-lab/common/ims/sqn";
import type { AkaKeys } from "@ims-lab/common/sip/auth/aka";
import { sameSecret } from "@ims-lab/common/sip/auth/challenge";
import type { SqnWindowStore } from "./sqn-store.ts";

/** Faults of a card, to test a network with. */
export interface IsimFaults {
  readonly skipMacCheck?: boolean;
  readonly wrongRes?: boolean;
  /** Answers AUTS to any AUTN. */
  readonly forceAuts?: boolean;
  /** Rejects the MAC of any AUTN. */
  readonly rejectAutn?: boolean;
}

export type IsimAnswer =
  | ({ readonly kind: "answer" } & AkaKeys)
  | { readonly kind: "mac-failure" }
  | { readonly kind: "sync-failure"; readonly auts: Buffer };

export class Isim {
  readonly #milenage: Milenage;
  readonly #store: SqnWindowStore;
  #window: SqnWindow;

  /** `k` and `opc`: 16 octets each. */
  constructor(k: Buffer, opc: Buffer, store: SqnWindowStore) {
    this.#milenage = new Milenage(k, opc);
    this.#store = store;
    this.#window = store.load() ?? newSqnWindow();
  }

  /** `rand` and `autn`: 16 octets each. AMF may be anything. */
  authenticate(rand: Buffer, autn: Buffer, faults: IsimFaults = {}): IsimAnswer {
    const keys = this.#milenage.keys(rand);
    const sqn = xor(autn.subarray(0, 6), keys.ak);
    // MAC before SQN: a forged AUTN must learn nothing about the numbers (TS 33.102 §6.3.3).
    if (faults.rejectAutn === true || !this.#isGenuine(rand, autn, sqn, faults))
      return { kind: "mac-failure" };
    const window = acceptSqn(this.#window, sqnFromOctets(sqn));
    if (window === undefined || faults.forceAuts === true) {
      const sqnMs = sqnToOctets(this.#window.highest);
      return { kind: "sync-failure", auts: this.#milenage.auts(rand, sqnMs, keys.akStar) };
    }
    this.#store.save(window);
    this.#window = window;
    const { res, ck, ik } = keys;
    return { kind: "answer", res: faults.wrongRes === true ? inverted(res) : res, ck, ik };
  }

  #isGenuine(rand: Buffer, autn: Buffer, sqn: Buffer, faults: IsimFaults): boolean {
    if (faults.skipMacCheck === true) return true;
    const { macA } = this.#milenage.macs(rand, sqn, autn.subarray(6, 8));
    return sameSecret(macA.toString("latin1"), autn.toString("latin1", 8));
  }
}

function inverted(octets: Buffer): Buffer {
  return Buffer.from(octets.map((octet) => octet ^ 0xff));
}
