// Milenage: the functions f1 to f5* behind AKA. TS 35.206, test data TS 35.208.
import { type Cipheriv, createCipheriv } from "node:crypto";

/** What follows from RAND alone, without a sequence number. */
export interface MilenageKeys {
  /** f2, 8 octets. */
  readonly res: Buffer;
  /** f3, 16 octets. */
  readonly ck: Buffer;
  /** f4, 16 octets. */
  readonly ik: Buffer;
  /** f5, 6 octets, hides SQN in AUTN. */
  readonly ak: Buffer;
  /** f5*, 6 octets, hides SQN in AUTS. */
  readonly akStar: Buffer;
}

export interface MilenageMacs {
  /** f1, 8 octets, in AUTN. */
  readonly macA: Buffer;
  /** f1*, 8 octets, in AUTS. */
  readonly macS: Buffer;
}

/** AMF* of a resynchronisation. TS 33.102 §6.3.3. */
const RESYNC_AMF = Buffer.alloc(2);

/**
 * One subscriber's functions. The cipher is made once: that costs far more than using it, and ECB
 * without padding keeps no state between blocks.
 */
export class Milenage {
  readonly #cipher: Cipheriv;
  readonly #opc: Buffer;

  /** `k` and `opc`: 16 octets each. */
  constructor(k: Buffer, opc: Buffer) {
    this.#cipher = blockCipher(k);
    this.#opc = opc;
  }

  /** f2, f3, f4, f5, f5* in two calls of the cipher. TS 35.206 §4.1. */
  keys(rand: Buffer): MilenageKeys {
    const temp = xor(this.#temp(rand), this.#opc);
    const blocks = Buffer.allocUnsafe(64);
    temp.copy(blocks, 0);
    rotated(temp, 4).copy(blocks, 16);
    rotated(temp, 8).copy(blocks, 32);
    rotated(temp, 12).copy(blocks, 48);
    for (const [index, constant] of [1, 2, 4, 8].entries()) {
      const last = index * 16 + 15;
      blocks[last] = (blocks[last] ?? 0) ^ constant;
    }
    const out = this.#cipher.update(blocks);
    const out2 = xor(out.subarray(0, 16), this.#opc);
    return {
      res: out2.subarray(8, 16),
      ck: xor(out.subarray(16, 32), this.#opc),
      ik: xor(out.subarray(32, 48), this.#opc),
      ak: out2.subarray(0, 6),
      akStar: xor(out.subarray(48, 64), this.#opc).subarray(0, 6),
    };
  }

  /** f1 and f1*; `sqn` 6 octets, `amf` 2. */
  macs(rand: Buffer, sqn: Buffer, amf: Buffer): MilenageMacs {
    const half = Buffer.concat([sqn, amf]);
    const in1 = Buffer.concat([half, half]);
    const block = xor(this.#temp(rand), rotated(xor(in1, this.#opc), 8));
    const out1 = xor(this.#cipher.update(block), this.#opc);
    return { macA: out1.subarray(0, 8), macS: out1.subarray(8, 16) };
  }

  /** (SQN xor AK) || AMF || MAC-A. TS 33.102 §6.3.2. */
  autn(rand: Buffer, sqn: Buffer, amf: Buffer, ak: Buffer): Buffer {
    return Buffer.concat([xor(sqn, ak), amf, this.macs(rand, sqn, amf).macA]);
  }

  /** (SQN_MS xor AK*) || MAC-S. TS 33.102 §6.3.3. */
  auts(rand: Buffer, sqnMs: Buffer, akStar: Buffer): Buffer {
    return Buffer.concat([xor(sqnMs, akStar), this.macs(rand, sqnMs, RESYNC_AMF).macS]);
  }

  #temp(rand: Buffer): Buffer {
    return this.#cipher.update(xor(rand, this.#opc));
  }
}

/** OPc from the operator's OP. TS 35.206 §4.1. */
export function deriveOpc(k: Buffer, op: Buffer): Buffer {
  return xor(blockCipher(k).update(op), op);
}

/** Octet by octet over the shorter length of the two. */
export function xor(a: Buffer, b: Buffer): Buffer {
  const out = Buffer.allocUnsafe(Math.min(a.length, b.length));
  for (let at = 0; at < out.length; at++) out[at] = (a[at] ?? 0) ^ (b[at] ?? 0);
  return out;
}

function blockCipher(k: Buffer): Cipheriv {
  return createCipheriv("aes-128-ecb", k, null).setAutoPadding(false);
}

/** Rotation to the left by whole octets: every r of TS 35.206 §4.1 is a multiple of eight bits. */
function rotated(block: Buffer, octets: number): Buffer {
  return Buffer.concat([block.subarray(octets), block.subarray(0, octets)]);
}

/** TS 35.208 §4.3, test set 3. */
const TEST_SET = {
  k: "fec86ba6eb707ed08905757b1bb44b8f",
  op: "dbc59adcb6f9a0ef735477b7fadf8374",
  rand: "9f7c8d021accf4db213ccff0c7f71a6a",
  sqn: "9d0277595ffc",
  amf: "725c",
  /** OPc, f1, f1*, f2, f3, f4, f5, f5*. */
  expected: [
    "1006020f0a478bf6b699f15c062e42b3",
    "9cabc3e99baf7281",
    "95814ba2b3044324",
    "8011c48c0c214ed2",
    "5dbdbb2954e8f3cde665b046179a5098",
    "59a92d3b476a0443487055cf88b2307b",
    "33484dc2136b",
    "deacdd848cc6",
  ],
} as const;

/** Whether this machine's AES gives TS 35.208's values; asked once at start. */
export function milenageSelfTest(): boolean {
  const hex = (text: string): Buffer => Buffer.from(text, "hex");
  const opc = deriveOpc(hex(TEST_SET.k), hex(TEST_SET.op));
  const milenage = new Milenage(hex(TEST_SET.k), opc);
  const rand = hex(TEST_SET.rand);
  const { macA, macS } = milenage.macs(rand, hex(TEST_SET.sqn), hex(TEST_SET.amf));
  const { res, ck, ik, ak, akStar } = milenage.keys(rand);
  const got = [opc, macA, macS, res, ck, ik, ak, akStar].map((octets) => octets.toString("hex"));
  return got.join() === TEST_SET.expected.join();
}
