// Two registered UEs and their calls, for scenarios.
import type { CallView } from "@ims-lab/common/admin-api/views";
import type { Call } from "../../../ue/src/call/call.ts";
import { Lab, type LabOptions, type Ue } from "./lab.ts";
import type { Overrides } from "./nodes.ts";

export interface TwoUes {
  readonly lab: Lab;
  readonly alice: Ue;
  readonly bob: Ue;
}

/** Alice and bob, both registered and subscribed; what was seen so far is forgotten. */
export async function twoUes(options: LabOptions = {}, ofBob: Overrides = {}): Promise<TwoUes> {
  const { lab, alice } = await Lab.withAlice(options);
  const bob = await registered(lab, "bob", ofBob);
  lab.forget();
  return { lab, alice, bob };
}

export async function registered(lab: Lab, user: string, overrides: Overrides = {}): Promise<Ue> {
  const ue = await lab.ue(user, overrides);
  ue.register();
  lab.pass(5);
  if (ue.state !== "registered") throw new Error(`${user} is ${ue.state}`);
  return ue;
}

/** The one that is not over. */
export function callUp(ue: Ue): Call {
  const [call, ...others] = ue.equipment.calls.active;
  if (call === undefined || others.length > 0)
    throw new Error(`${ue.user} has ${ue.equipment.calls.active.length} calls`);
  return call;
}

export function lastCall(ue: Ue): CallView {
  const call = ue.equipment.calls.view.at(-1);
  if (call === undefined) throw new Error(`${ue.user} has had no call`);
  return call;
}
