// `npm run simulate`: the whole lab in one process on a simulated network under a virtual clock, run after run.
import { drawPlan } from "./plan.ts";
import { run } from "./run.ts";

const from = Number(process.argv[2] ?? 1),
  n = Number(process.argv[3] ?? 1);
const t0 = performance.now();
let steps = 0,
  msgs = 0;
const acts = new Map<string, number>(),
  ends = new Map<string, number>();
let bad = 0;
let restarts = 0;
for (let seed = from; seed < from + n; seed++) {
  const r = await run(drawPlan(seed));
  steps += r.steps;
  msgs += r.messages;
  restarts += r.restarts;
  for (const [k, v] of r.acts) acts.set(k, (acts.get(k) ?? 0) + v);
  for (const [k, v] of r.ends) ends.set(k, (ends.get(k) ?? 0) + v);
  if (r.violation) {
    bad++;
    console.log(
      seed,
      r.violation.invariant,
      r.violation.what.slice(0, 3).join("; ").slice(0, 400),
      r.violation.at - 1.7e12,
    );
    if (process.argv[4]) {
      const t = await run(drawPlan(seed), { isTold: true });
      console.log(t.ladder(Number(process.argv[4])));
      console.log(JSON.stringify({ ...drawPlan(seed), acts: undefined }, null, 1));
    }
  }
}
console.log({ n, bad, steps, msgs, restarts, acts, ends, ms: (performance.now() - t0) / n });
