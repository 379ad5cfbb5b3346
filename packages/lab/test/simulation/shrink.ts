// A failing plan made smaller: acts that the failure does not need are left out. Delta debugging by halves.
import type { Plan } from "./plan.ts";
import { type RunOptions, run } from "./run.ts";

/**
 * The smallest plan found that still breaks the same invariant.
 * @param mayGoOn asked before each further run
 */
export async function shrink(
  plan: Plan,
  invariant: string,
  options: RunOptions,
  mayGoOn: () => boolean,
): Promise<Plan> {
  const breaks = async (smaller: Plan): Promise<boolean> =>
    (await run(smaller, options)).violation?.invariant === invariant;
  let best = plan;
  for (let size = Math.ceil(best.acts.length / 2); size >= 1; size = Math.floor(size / 2)) {
    let at = 0;
    while (at < best.acts.length) {
      if (!mayGoOn()) return best;
      const acts = [...best.acts.slice(0, at), ...best.acts.slice(at + size)];
      const smaller = { ...best, acts };
      if (await breaks(smaller)) best = smaller;
      else at += size;
    }
  }
  return best;
}
