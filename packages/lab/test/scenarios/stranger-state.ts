// Everything both nodes know of a victim, as text: what no stranger may change by a byte.
import type { LoggedEvent } from "@ims-lab/common/testing/memory-logger";
import type { Lab } from "./lab.ts";
import type { ScriptedUe } from "./scripted-ue.ts";

/** Binding, subscriptions, re-authentications, and what the P-CSCF keeps. */
export function stateOf(lab: Lab, { impu, impi }: ScriptedUe): string {
  const { scscf, pcscf } = lab;
  const bindings = scscf.bindings.ofSet(impi);
  const known = {
    bindings,
    subscriptions: bindings.map((binding) => scscf.notifier.subscriptionsOf(binding)),
    reauthentications: scscf.reauthentications.list().filter((one) => one.impi === impi),
    entries: pcscf.table.ofImpu(impu),
    subscribedUntil: pcscf.table
      .ofImpu(impu)
      .map(({ token }) => pcscf.notifier.subscribedUntil(token)),
  };
  return JSON.stringify(known, (name, value: unknown) =>
    name === "flow" ? (value as { readonly id: string }).id : value,
  );
}

/** Event names that either node logged while `act` ran, at info or above. */
export function loggedDuring(lab: Lab, act: () => void): readonly string[] {
  const logs = [lab.logs.scscf, lab.logs.pcscf];
  const before = logs.map(({ events }) => events.length);
  act();
  return logs.flatMap(({ events }, at) =>
    events
      .slice(before[at])
      .filter(isAudible)
      .map(({ event }) => event),
  );
}

function isAudible({ level }: LoggedEvent): boolean {
  return level === "info" || level === "warn" || level === "error";
}
