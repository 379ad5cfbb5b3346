// A binding at rest as one text: a third of the room of its object. The inverse of each other, but for fractions of milliseconds.
import type { SharedTexts } from "@ims-lab/common/platform/shared-texts";
import type { Binding, Duty, SubscriptionDuty } from "./binding.ts";

type Packed = readonly [
  id: string,
  impi: string,
  /** 0: the IMPI. */
  set: string | 0,
  impu: string,
  mode: number,
  contact: string,
  params: string,
  displayName: string | 0,
  instance: string | 0,
  path: readonly string[],
  source: string | 0,
  callId: string,
  cseq: number,
  registeredAt: number,
  /** From here on times count from `registeredAt`. */
  authenticatedAt: number,
  expiresAt: number,
  isRefreshed: 0 | 1,
  duty: number,
  dutyBy: number,
  leavingBy: number | null,
  /** Its number in the table of texts, where it has one; 0: none. */
  userAgent: number | string,
];

const MODES: readonly SubscriptionDuty[] = ["enforce", "warn", "optional"];
const DUTIES: readonly Duty["state"][] = ["fulfilled", "owed", "overdue", "none"];
const FULFILLED: Duty = { state: "fulfilled" };
const OVERDUE: Duty = { state: "overdue" };
const NO_DUTY: Duty = { state: "none" };

/**
 * Undefined while a re-authentication is due, or after a restart its grace: then it is in use.
 * @param agents what many devices say alike stands there once
 */
export function packBinding(binding: Binding, agents: SharedTexts): string | undefined {
  if (binding.reauthentication !== undefined || binding.hadGrace === true) return undefined;
  const { address, duty, leavingBy, userAgent } = binding;
  const since = Math.round(binding.registeredAt);
  const after = (time: number): number => Math.round(time) - since;
  const packed: Packed = [
    binding.id,
    binding.impi,
    binding.set === binding.impi ? 0 : binding.set,
    binding.impu,
    MODES.indexOf(binding.mode),
    address.contact,
    address.params,
    address.displayName ?? 0,
    address.instance ?? 0,
    address.path,
    address.source ?? 0,
    binding.callId,
    binding.cseq,
    since,
    after(binding.authenticatedAt),
    after(binding.expiresAt),
    binding.event === "refreshed" ? 1 : 0,
    DUTIES.indexOf(duty.state),
    duty.state === "owed" ? after(duty.by) : 0,
    leavingBy === undefined ? null : after(leavingBy),
    userAgent === undefined ? 0 : (agents.numberOf(userAgent) ?? userAgent),
  ];
  return JSON.stringify(packed);
}

/** @param token its key in the table */
export function unpackBinding(text: string, token: string, agents: SharedTexts): Binding {
  const [
    id,
    impi,
    set,
    impu,
    mode,
    contact,
    params,
    displayName,
    instance,
    path,
    source,
    callId,
    cseq,
    since,
    authenticatedAt,
    expiresAt,
    isRefreshed,
    duty,
    dutyBy,
    leavingBy,
    userAgent,
  ] = JSON.parse(text) as Packed;
  return {
    id,
    token,
    impi,
    set: set === 0 ? impi : set,
    impu,
    address: {
      contact,
      params,
      ...(displayName !== 0 && { displayName }),
      ...(instance !== 0 && { instance }),
      path,
      ...(source !== 0 && { source }),
    },
    ...(userAgent !== 0 && {
      userAgent: typeof userAgent === "string" ? userAgent : agents.text(userAgent),
    }),
    callId,
    cseq,
    registeredAt: since,
    authenticatedAt: since + authenticatedAt,
    expiresAt: since + expiresAt,
    event: isRefreshed === 1 ? "refreshed" : "registered",
    mode: MODES[mode] ?? "enforce",
    duty: dutyOf(DUTIES[duty] ?? "none", since + dutyBy),
    ...(leavingBy !== null && { leavingBy: since + leavingBy }),
  };
}

/** What stands from the Call-ID on, where the user agent is a number. */
type Numbers = readonly [
  callId: 0,
  cseq: number,
  since: number,
  authenticatedAt: number,
  expiresAt: number,
  isRefreshed: 0 | 1,
  duty: number,
  dutyBy: number,
  leavingBy: number | null,
  userAgent: number,
];
const NUMBERS = 10 satisfies Numbers["length"];

/** When the deadline of a binding at rest comes, see `dueAt`, without taking it apart; undefined where its text does not allow that. */
export function dueAtRest(text: string): number | undefined {
  const numbers = JSON.parse(`[0${text.slice(text.lastIndexOf('"') + 1)}`) as Numbers;
  if ((numbers.length as number) !== NUMBERS) return undefined;
  const [, , since, , expiresAt, , duty, dutyBy, leavingBy] = numbers;
  const end = Math.min(expiresAt, leavingBy ?? expiresAt);
  return since + (DUTIES[duty] === "owed" ? Math.min(end, dutyBy) : end);
}

function dutyOf(state: Duty["state"], by: number): Duty {
  switch (state) {
    case "fulfilled":
      return FULFILLED;
    case "owed":
      return { state, by };
    case "overdue":
      return OVERDUE;
    case "none":
      return NO_DUTY;
  }
}
