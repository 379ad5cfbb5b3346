// Plan of a REGISTER: its changes, and the answer once they are durable. TS 24.229 §5.4.1.2; RFC 3261 §10.3.
import { isRefusal, type Refusal, refusal } from "../outcomes.ts";
import type { Binding, BindingInput } from "../registration/binding.ts";
import type { ChallengeReason } from "../registration/events.ts";
import type { BindingChange } from "../registration/registrations.ts";
import { type ContactPlan, type ContactRules, planContacts } from "./contact-plan.ts";
import type { Decision, FiredAtRegister } from "./decision.ts";
import {
  isLeaving,
  isOwnAttempt,
  overOwnFlow,
  overProvenFlow,
  type RegisterRequest,
} from "./register-request.ts";

export interface RegisterPlan {
  readonly changes: readonly BindingChange[];
  readonly reply: Reply;
}

export type Reply =
  | {
      readonly kind: "accept";
      readonly authenticated: boolean;
      readonly contacts: ContactPlan;
    }
  | {
      readonly kind: "challenge";
      readonly values: readonly string[];
      readonly after: ChallengeReason | undefined;
    }
  | {
      readonly kind: "refuse";
      readonly refused: Refusal;
      /** Why the authentication has failed, where it has. */
      readonly failure?: string;
    };

/** @param at milliseconds since the epoch */
export function planOf(
  rules: ContactRules,
  register: RegisterRequest,
  decision: Decision,
  at: number,
): RegisterPlan {
  switch (decision.kind) {
    case "accept":
      return accepted(rules, register, { at, authenticated: decision.authenticated });
    case "challenge":
      return {
        changes: challengeChanges(rules, register, decision.fired, at),
        reply: { kind: "challenge", values: decision.values, after: decision.after },
      };
    case "fail":
      return failed(register, decision, at);
    case "nobody":
      return refused(refusal("unknown-user", decision.why));
  }
}

function accepted(
  rules: ContactRules,
  register: RegisterRequest,
  now: { readonly at: number; readonly authenticated: boolean },
): RegisterPlan {
  if (register.hiddenRefusal !== undefined) return refused(register.hiddenRefusal);
  const contacts = planContacts(rules, register, now);
  if (isRefusal(contacts)) return refused(contacts);
  const { authenticated } = now;
  return { changes: contacts.changes, reply: { kind: "accept", authenticated, contacts } };
}

/** TS 24.229 §5.4.1.2.3: what its sender has not shown to be the device's changes no registration. */
function failed(
  register: RegisterRequest,
  decision: Extract<Decision, { kind: "fail" }>,
  at: number,
): RegisterPlan {
  const { hiddenRefusal } = register;
  const wrong = refusal(decision.refused, decision.why);
  if (hiddenRefusal !== undefined) return refused({ ...wrong, detail: hiddenRefusal.detail });
  const why = wrong.detail;
  const changes = tell(register, (binding) => [
    {
      kind: "failed",
      at,
      ownFlow: decision.isFresh && overOwnFlow(register, binding),
      ownAttempt: isOwnAttempt(register, binding),
      why,
    },
  ]);
  return { changes, reply: { kind: "refuse", refused: wrong, failure: why } };
}

function refused(why: Refusal): RegisterPlan {
  return { changes: [], reply: { kind: "refuse", refused: why } };
}

/** Inputs to every re-authentication that the REGISTER means. */
function tell(
  register: RegisterRequest,
  inputsFor: (binding: Binding) => readonly BindingInput[],
): readonly BindingChange[] {
  const changes: BindingChange[] = [];
  for (const binding of register.meant) {
    if (binding.reauthentication === undefined) continue;
    const { token } = binding;
    for (const input of inputsFor(binding)) changes.push({ kind: "input", token, input });
  }
  return changes;
}

function challengeChanges(
  rules: ContactRules,
  register: RegisterRequest,
  fired: readonly FiredAtRegister[] | undefined,
  at: number,
): readonly BindingChange[] {
  const told = tell(register, (binding) => challengeInputs(register, binding, at));
  if (fired === undefined || fired.length === 0) return told;
  return [...told, ...askedByPolicy(rules, register, fired, at)];
}

/** The device is here already: its challenge tells it, no NOTIFY need. Only of bindings that the REGISTER means. */
function askedByPolicy(
  { random }: ContactRules,
  register: RegisterRequest,
  fired: readonly FiredAtRegister[],
  at: number,
): readonly BindingChange[] {
  const requestId = random.hex(8);
  const meant = new Set(register.meant.map(({ token }) => token));
  return fired
    .filter(({ token }) => meant.has(token))
    .flatMap(({ token, cause }): readonly BindingChange[] => {
      const id = random.hex(8);
      const asked: BindingInput = { kind: "asked", at, id, requestId, cause, isHere: true };
      const challenged: BindingInput = { kind: "challenged", at, ownFlow: true };
      return [asked, challenged].map((input) => ({ kind: "input", token, input }));
    });
}

/** A wish to leave that may be anybody's datagram waits for its answer, or for the deadline. */
function challengeInputs(
  register: RegisterRequest,
  binding: Binding,
  at: number,
): readonly BindingInput[] {
  const challenged = { kind: "challenged", at, ownFlow: overOwnFlow(register, binding) } as const;
  if (!isLeaving(register)) return [challenged];
  const ownFlow = overProvenFlow(register, binding);
  return [challenged, { kind: "leave-challenged", at, ownFlow }];
}
