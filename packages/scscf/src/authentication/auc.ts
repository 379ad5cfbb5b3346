// The authentication centre: AKA vectors and their sequence numbers. TS 33.102 §6.3, Annex C.
import { Milenage, xor } from "@ims-lab/common/ims/milenage";
import {
  nextSqn,
  resynchronised,
  type Sqn,
  seqOf,
  sqnFromOctets,
  sqnOf,
  sqnToOctets,
} from "@ims-lab/common/ims/sqn";
import type { AkaKeys } from "@ims-lab/common/sip/auth/aka";
import { sameSecret } from "@ims-lab/common/sip/auth/challenge";
import type { SqnMarks } from "../subscribers/sqn-marks.ts";
import type { AkaCredentials } from "../subscribers/subscriber.ts";
import { confusedOpcs, type Mixup } from "./mixups.ts";

/** SEQs that one durable mark covers; a restart skips at most so many. */
const BLOCK = 32;
/** A cipher is dear to make and dear to keep: those of the latest users are kept. */
const KEPT_CIPHERS = 1024;
/** RES has a zero octet in 3 % of the draws. */
const MOST_DRAWS = 32;

export interface AkaVector extends AkaKeys {
  readonly rand: Buffer;
  readonly autn: Buffer;
}

export interface AkaUser {
  readonly impi: string;
  readonly auth: AkaCredentials;
}

/** What a network under test may do wrong with its vectors. */
export interface AucFaults {
  /** The number that AUTN carries, in the place of the one drawn. */
  sqn(impi: string, drawn: Sqn): Sqn;
  /** AUTN as it leaves. */
  autn(impi: string, autn: Buffer): Buffer;
  /** Whether this AUTN left with a wrong MAC. */
  isSpoilt(autn: Buffer): boolean;
  /** Whether an AUTS sets nothing. */
  ignoresAuts(impi: string): boolean;
}

export interface AucOptions {
  readonly marks: SqnMarks;
  /** The next RAND. */
  rand(): Buffer;
  readonly redrawZeroOctets: boolean;
  /** Absent: yes. No: each vector's number is the first, for users whom no card knows. */
  readonly keepsNumbers?: boolean;
  readonly faults?: AucFaults | undefined;
}

export type ResyncResult =
  | { readonly kind: "set"; readonly sqnMs: Sqn; readonly before: Sqn }
  | { readonly kind: "invalid"; readonly why: string };

interface Numbers {
  last: Sqn;
  reserved: Sqn;
}

export class AuthenticationCentre {
  readonly #options: AucOptions;
  readonly #numbers = new Map<string, Numbers>();
  readonly #ciphers = new Map<string, { readonly auth: AkaCredentials; milenage: Milenage }>();

  constructor(options: AucOptions) {
    this.#options = options;
  }

  vector(user: AkaUser): AkaVector {
    const { faults } = this.#options;
    const { impi } = user;
    const milenage = this.#milenage(user);
    const drawn = this.#draw(impi);
    const sqn = sqnToOctets(faults?.sqn(impi, drawn) ?? drawn);
    let rand = this.#options.rand();
    let keys = milenage.keys(rand);
    for (let draw = 1; this.#isRedrawn(keys.res) && draw < MOST_DRAWS; draw++) {
      rand = this.#options.rand();
      keys = milenage.keys(rand);
    }
    const autn = milenage.autn(rand, sqn, user.auth.amf, keys.ak);
    const { res, ck, ik } = keys;
    return { rand, autn: faults?.autn(impi, autn) ?? autn, res, ck, ik };
  }

  /** Whether this AUTN left with a wrong MAC, to see what the device makes of it. */
  isSpoilt(autn: Buffer): boolean {
    return this.#options.faults?.isSpoilt(autn) === true;
  }

  /**
   * A vector as a device with this mix-up takes for genuine. Numbers far ahead are not ours: what
   * we use goes on where it was. @param floor the last such number, which is used up
   */
  vectorFor(
    impi: string,
    { k, opc, amf, ahead }: Mixup,
    floor: Sqn,
  ): { readonly vector: AkaVector; readonly sqn: Sqn } {
    const own = this.#draw(impi);
    const sqn = ahead === 0 ? own : Math.max(sqnOf(seqOf(own) + ahead, 0), nextSqn(floor));
    const milenage = new Milenage(k, opc);
    const rand = this.#options.rand();
    const { ak, res, ck, ik } = milenage.keys(rand);
    return {
      sqn,
      vector: { rand, autn: milenage.autn(rand, sqnToOctets(sqn), amf, ak), res, ck, ik },
    };
  }

  /** A device has taken this number: the next ones are higher. */
  raise(impi: string, sqn: Sqn): void {
    const numbers = this.#numbersOf(impi);
    if (seqOf(sqn) <= seqOf(numbers.last)) return;
    numbers.last = sqn;
    this.#reserve(impi, numbers);
  }

  /** Another AuC goes on with the user's numbers; should they come back, they begin behind their mark. */
  drop(impi: string): void {
    this.#numbers.delete(impi);
  }

  /** The keys of a vector that was made here for this user; undefined when it was not. */
  recognise(user: AkaUser, rand: Buffer, autn: Buffer): AkaKeys | undefined {
    const milenage = this.#milenage(user);
    const keys = milenage.keys(rand);
    const sqn = xor(autn.subarray(0, 6), keys.ak);
    const { macA } = milenage.macs(rand, sqn, autn.subarray(6, 8));
    return sameOctets(macA, autn.subarray(8)) ? keys : undefined;
  }

  /** TS 33.102 §6.3.5: takes the ISIM's SQN when MAC-S is right. `auts`: 14 octets. */
  resync(user: AkaUser, rand: Buffer, auts: Buffer): ResyncResult {
    const sqnMs = sqnInAuts(this.#milenage(user), rand, auts, RESYNC_AMF);
    if (sqnMs === undefined) return { kind: "invalid", why: whyInvalid(user.auth, rand, auts) };
    const numbers = this.#numbersOf(user.impi);
    const before = numbers.last;
    if (this.#options.faults?.ignoresAuts(user.impi) === true)
      return { kind: "set", sqnMs, before };
    const last = resynchronised(before, sqnMs);
    if (last !== before) {
      numbers.last = last;
      this.#reserve(user.impi, numbers);
    }
    return { kind: "set", sqnMs, before };
  }

  #isRedrawn(res: Buffer): boolean {
    return this.#options.redrawZeroOctets && res.includes(0);
  }

  #draw(impi: string): Sqn {
    const numbers = this.#numbersOf(impi);
    numbers.last = nextSqn(numbers.last);
    if (seqOf(numbers.last) > seqOf(numbers.reserved)) this.#reserve(impi, numbers);
    return numbers.last;
  }

  #reserve(impi: string, numbers: Numbers): void {
    numbers.reserved = sqnOf(seqOf(numbers.last) + BLOCK, 0);
    this.#options.marks.put(impi, numbers.reserved);
  }

  /** After a restart the numbers go on behind everything that may have been used. */
  #numbersOf(impi: string): Numbers {
    const known = this.#numbers.get(impi);
    if (known !== undefined) return known;
    const mark = this.#options.marks.get(impi) ?? 0;
    const numbers = { last: mark, reserved: mark };
    if (this.#options.keepsNumbers !== false) this.#numbers.set(impi, numbers);
    return numbers;
  }

  #milenage({ impi, auth }: AkaUser): Milenage {
    const kept = this.#ciphers.get(impi);
    if (kept?.auth === auth) return kept.milenage;
    const milenage = new Milenage(auth.k.reveal(), auth.opc.reveal());
    const [oldest] = this.#ciphers.keys();
    if (oldest !== undefined && this.#ciphers.size >= KEPT_CIPHERS) this.#ciphers.delete(oldest);
    this.#ciphers.set(impi, { auth, milenage });
    return milenage;
  }
}

const RESYNC_AMF = Buffer.alloc(2);

/** SQN_MS, when the MAC-S behind it is right. */
function sqnInAuts(milenage: Milenage, rand: Buffer, auts: Buffer, amf: Buffer): Sqn | undefined {
  const sqn = xor(auts.subarray(0, 6), milenage.keys(rand).akStar);
  const { macS } = milenage.macs(rand, sqn, amf);
  return sameOctets(macS, auts.subarray(6)) ? sqnFromOctets(sqn) : undefined;
}

function whyInvalid(auth: AkaCredentials, rand: Buffer, auts: Buffer): string {
  const k = auth.k.reveal();
  const opc = auth.opc.reveal();
  if (sqnInAuts(new Milenage(k, opc), rand, auts, auth.amf) !== undefined)
    return "AUTS: MAC-S was computed with the AMF of AUTN, 0000 is needed (TS 33.102 §6.3.3)";
  const confused = confusedOpcs(auth).find(
    ({ opc: other }) => sqnInAuts(new Milenage(k, other), rand, auts, RESYNC_AMF) !== undefined,
  );
  return confused === undefined
    ? "AUTS: MAC-S is wrong: K or OP/OPc differ, or AUTS is garbage"
    : `AUTS: MAC-S is wrong: ${confused.why}`;
}

function sameOctets(a: Buffer, b: Buffer): boolean {
  return sameSecret(a.toString("latin1"), b.toString("latin1"));
}
