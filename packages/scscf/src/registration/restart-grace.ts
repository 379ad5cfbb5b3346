// Deadlines that passed while the node was down: moved once, so that devices can do what they could not.
import type { Binding } from "./binding.ts";
import { dueAt } from "./binding-machine.ts";

/**
 * A binding as a new process takes it over. What was due while nobody could be served is due `graceMs` from now; where
 * that has been granted before and nothing was accepted since, it is due at once, however often the node restarts.
 * @param now milliseconds since the epoch
 */
export function afterRestart(binding: Binding, now: number, graceMs: number): Binding {
  if (dueAt(binding) > now || binding.hadGrace === true) return binding;
  const until = now + graceMs;
  const moved = (due: number): number => (due > now ? due : until);
  const { duty, reauthentication, leavingBy } = binding;
  return {
    ...binding,
    hadGrace: true,
    expiresAt: moved(binding.expiresAt),
    duty: duty.state === "owed" ? { state: "owed", by: moved(duty.by) } : duty,
    ...(leavingBy !== undefined && { leavingBy: moved(leavingBy) }),
    ...(reauthentication !== undefined && {
      reauthentication: { ...reauthentication, deadline: moved(reauthentication.deadline) },
    }),
  };
}
