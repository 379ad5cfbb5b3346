// A user's challenges and nonces at rest, as one text: lists without names, which are read and written fastest.
import type { Outstanding, Used, UserChallenges } from "./user-challenges.ts";

/** Times, the number of used nonces, these, then the challenges that wait. */
type Slot = string | number | null;

const HEAD = 3;
const PER_USED = 3;
const PER_OUTSTANDING = 5;

export function packChallenges(state: UserChallenges): string {
  const { outstanding, used, forgottenUpTo, credentialsSince = null } = state;
  const slots: Slot[] = [forgottenUpTo, credentialsSince, used.length];
  for (const { nonce, issuedAt, lastNc } of used) slots.push(nonce, issuedAt, lastNc);
  for (const { key, nonce, expiresAt, failures, isOver } of outstanding)
    slots.push(key, nonce, expiresAt, failures, Number(isOver));
  return JSON.stringify(slots);
}

export function unpackChallenges(text: string): UserChallenges {
  const slots = JSON.parse(text) as readonly Slot[];
  const [forgottenUpTo, credentialsSince, count] = slots;
  const used: Used[] = [];
  const outstanding: Outstanding[] = [];
  let at = HEAD;
  for (const end = HEAD + Number(count) * PER_USED; at < end; at += PER_USED) {
    const [nonce, issuedAt, lastNc] = slots.slice(at, at + PER_USED);
    used.push({ nonce: String(nonce), issuedAt: Number(issuedAt), lastNc: Number(lastNc) });
  }
  for (; at < slots.length; at += PER_OUTSTANDING) {
    const [key, nonce, expiresAt, failures, isOver] = slots.slice(at, at + PER_OUTSTANDING);
    outstanding.push({
      key: String(key),
      nonce: String(nonce),
      expiresAt: Number(expiresAt),
      failures: Number(failures),
      isOver: isOver === 1,
    });
  }
  const state = { outstanding, used, forgottenUpTo: Number(forgottenUpTo) };
  return typeof credentialsSince === "number" ? { ...state, credentialsSince } : state;
}

/** Whether such a text has `credentialsSince`. */
export function hasCredentialsSince(text: string): boolean {
  return !text.startsWith("null,", text.indexOf(",") + 1);
}
