// The ledger of bindings' holders and what they have proved, as an S-CSCF's table changes. TS 24.229 §5.4.1.2.
import type { Binding } from "../../../scscf/src/registration/binding.ts";
import type { ChallengeLedger } from "./challenge-ledger.ts";
import { AUTHENTICATED_BY_ANSWER, type HolderFacts, SAME_HOLDER } from "./invariants.ts";
import type { Judge } from "./surroundings.ts";

export interface HolderLedgerOptions {
  readonly judge: Judge;
  /** reg-await-auth. */
  readonly awaitMs: number;
  readonly challenges: ChallengeLedger;
}

export class HolderLedger {
  readonly #options: HolderLedgerOptions;
  /** By token. */
  readonly #holders = new Map<string, HolderFacts>();

  constructor(options: HolderLedgerOptions) {
    this.#options = options;
  }

  /** The S-CSCF puts a binding into its table. */
  put(binding: Binding): void {
    const { token, impi, address, authenticatedAt, callId, cseq } = binding;
    const { judge, awaitMs, challenges } = this.#options;
    const { contact } = address;
    const after = holderOf(binding);
    const before = this.#holders.get(token);
    judge(SAME_HOLDER, { node: "S-CSCF", contact, before, after });
    this.#holders.set(token, after);
    if (before?.authenticatedAt === authenticatedAt) return;
    const answer = challenges.answerIn({ callId, cseq });
    judge(AUTHENTICATED_BY_ANSWER, { impi, contact, authenticatedAt, answer, awaitMs });
    challenges.accepted({ callId, cseq });
  }

  /** A new process has it from the last one. */
  adopt(binding: Binding): void {
    this.#holders.set(binding.token, holderOf(binding));
  }

  gone(token: string): void {
    this.#holders.delete(token);
  }

  forgotten(): void {
    this.#holders.clear();
  }
}

function holderOf({ impi, address, authenticatedAt }: Binding): HolderFacts {
  return { impi, place: `${address.path[0]} ${address.source}`, authenticatedAt };
}
