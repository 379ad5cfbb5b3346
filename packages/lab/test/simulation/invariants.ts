// The invariants of a simulation: pure functions over what has been seen, one door to all of them.
import { AUTHENTICATED_BY_ANSWER, NO_SQN_TWICE, SAME_HOLDER } from "./authentication-invariants.ts";
import { NOT_PAST_DEADLINE, NOT_PAST_DUTY } from "./deadline-invariants.ts";
import { ENDED_STAYS_ENDED, NOTHING_LOST, NUMBERS_RISE } from "./durability-invariants.ts";
import { CAMPAIGNS_COUNT, COUNTS_AGREE, ONE_END } from "./ending-invariants.ts";
import type { Invariant } from "./invariant.ts";
import {
  BOTH_AGREE,
  COMES_TO_REST,
  NO_ERROR_LINE,
  NO_FOREIGN_END,
  NOTHING_LEFT,
} from "./rest-invariants.ts";

export * from "./authentication-invariants.ts";
export * from "./deadline-invariants.ts";
export * from "./durability-invariants.ts";
export * from "./ending-invariants.ts";
export type { Invariant } from "./invariant.ts";
export * from "./rest-invariants.ts";

/** All of them, in the order of docs/simulation.md. */
export const INVARIANTS: readonly Pick<Invariant<never>, "name" | "clause" | "holds">[] = [
  NOT_PAST_DEADLINE,
  NOT_PAST_DUTY,
  AUTHENTICATED_BY_ANSWER,
  SAME_HOLDER,
  NOTHING_LOST,
  ENDED_STAYS_ENDED,
  NUMBERS_RISE,
  NO_SQN_TWICE,
  ONE_END,
  COUNTS_AGREE,
  CAMPAIGNS_COUNT,
  BOTH_AGREE,
  NO_FOREIGN_END,
  COMES_TO_REST,
  NOTHING_LEFT,
  NO_ERROR_LINE,
];
