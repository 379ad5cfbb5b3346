// Faults of the authentication centre: AUTN with a wrong MAC or an old SQN, AUTS without effect. TS 33.102 §6.3.
import { indOf, type Sqn, seqOf, sqnOf } from "@ims-lab/common/ims/sqn";
import type { AucFaults } from "../authentication/auc.ts";
import type { ScscfFaultSwitches } from "./fault-tools.ts";

/** Vectors with a wrong MAC that are known again. */
const MOST_SPOILT = 1_000;

export class VectorFaults implements AucFaults {
  readonly #switches: ScscfFaultSwitches;
  readonly #setOf: (impi: string) => string;
  readonly #spoilt = new Set<string>();

  /** @param setOf the registration set of a private identity */
  constructor(switches: ScscfFaultSwitches, setOf: (impi: string) => string) {
    this.#switches = switches;
    this.#setOf = setOf;
  }

  /** As far back as the first there was. IND stays, so that it is the number of its entry that is old. */
  sqn(impi: string, drawn: Sqn): Sqn {
    if (this.#switches.count === 0) return drawn;
    const values = this.#switches.take("old-sqn", this.#setOf(impi));
    if (values === undefined) return drawn;
    return sqnOf(Math.max(0, seqOf(drawn) - Number(values["behind"])), indOf(drawn));
  }

  autn(impi: string, autn: Buffer): Buffer {
    if (this.#switches.count === 0) return autn;
    if (this.#switches.take("bad-autn", this.#setOf(impi)) === undefined) return autn;
    const spoilt = Buffer.from(autn);
    spoilt.writeUInt8(spoilt.readUInt8(15) ^ 0xff, 15); // of MAC-A, octets 8 to 15
    const [oldest] = this.#spoilt;
    if (oldest !== undefined && this.#spoilt.size >= MOST_SPOILT) this.#spoilt.delete(oldest);
    this.#spoilt.add(spoilt.toString("latin1"));
    return spoilt;
  }

  isSpoilt(autn: Buffer): boolean {
    return this.#spoilt.size > 0 && this.#spoilt.has(autn.toString("latin1"));
  }

  ignoresAuts(impi: string): boolean {
    if (this.#switches.count === 0) return false;
    return this.#switches.take("auts-ignored", this.#setOf(impi)) !== undefined;
  }
}
