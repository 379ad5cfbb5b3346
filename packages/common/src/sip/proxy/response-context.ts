// Response context of a forking proxy, pure. RFC 3261 §16.7, §16.8, §16.10; RFC 4320; RFC 6026.

/** A branch as the context sees it. */
export type Branch =
  | { readonly name: "trying" }
  | { readonly name: "proceeding" }
  /** CANCEL sent or due; its 487, or its silence, counts as this. */
  | { readonly name: "cancelling"; readonly as: CancelledAs }
  | { readonly name: "completed"; readonly status: number };

/** The caller cancelled, or somebody else has answered; Timer C fired (§16.8); it is not to be had any more. */
type CancelledAs = 487 | 408 | 480;

export interface ContextState {
  readonly invite: boolean;
  /** Sizes of the groups not tried yet, best q first. */
  readonly groups: readonly number[];
  readonly branches: readonly Branch[];
  /** Given upstream: nothing, a 2xx (more may follow), another final response. */
  readonly answered: "no" | "accepted" | "refused";
  /** No new branches: the caller cancelled, or somebody said 6xx. */
  readonly closed: boolean;
}

export type ContextInput =
  | { readonly kind: "start" }
  | { readonly kind: "response"; readonly branch: number; readonly status: number }
  /** `unavailable`: could not be sent, which counts as a 503 (§16.9). */
  | { readonly kind: "failure"; readonly branch: number; readonly why: "timeout" | "unavailable" }
  | { readonly kind: "timer"; readonly timer: ContextTimer; readonly branch: number }
  | { readonly kind: "cancel" }
  /** One target shall ring no more; a group may still come. */
  | { readonly kind: "withdraw"; readonly branch: number }
  /** None shall. */
  | { readonly kind: "end" };

/** C: no final response to an INVITE; `cancelled`: none either 64*T1 after the CANCEL (§9.1). */
export type ContextTimer = "C" | "cancelled";

export type ContextEffect =
  /** Send to the next group; its branches have the numbers from `first`. */
  | { readonly kind: "launch"; readonly first: number; readonly count: number }
  /** Pass on the response of this input. */
  | { readonly kind: "forward" }
  /** Answer with the final response of this branch; without one of its own, with `status`. */
  | { readonly kind: "answer"; readonly branch: number; readonly status: number }
  | { readonly kind: "cancel"; readonly branch: number }
  | { readonly kind: "abandon"; readonly branch: number }
  | { readonly kind: "start"; readonly timer: ContextTimer; readonly branch: number }
  | { readonly kind: "stop"; readonly timer: ContextTimer; readonly branch: number };

export interface ContextStep {
  readonly state: ContextState;
  readonly effects: readonly ContextEffect[];
}

/** @param groups sizes of the groups of targets, in the order in which they are tried */
export function newContext(invite: boolean, groups: readonly number[]): ContextState {
  return { invite, groups, branches: [], answered: "no", closed: false };
}

export function stepContext(state: ContextState, input: ContextInput): ContextStep {
  switch (input.kind) {
    case "start":
      return launchNext(state, []);
    case "response":
      return onResponse(state, input.branch, input.status);
    case "failure":
      return onFinal(state, input.branch, input.why === "timeout" ? 408 : 503);
    case "timer":
      return onTimer(state, input.timer, input.branch);
    case "cancel":
      return onCancel(state, 487);
    case "end":
      return onCancel(state, 480);
    case "withdraw":
      return onWithdraw(state, input.branch);
  }
}

function onResponse(state: ContextState, branch: number, status: number): ContextStep {
  if (status < 200) return onProvisional(state, branch, status);
  if (status < 300) return onSuccess(state, branch, status);
  return onFinal(state, branch, status);
}

function onProvisional(state: ContextState, branch: number, status: number): ContextStep {
  const before = state.branches[branch];
  if (before === undefined || before.name === "completed") return { state, effects: [] };
  // §16.7 step 5: a 100 is hop by hop. §16.7 step 2: the others start Timer C anew.
  const effects: ContextEffect[] = [];
  if (status > 100 && state.answered === "no") effects.push({ kind: "forward" });
  if (before.name === "cancelling") return { state, effects };
  if (status > 100 && state.invite) effects.push({ kind: "start", timer: "C", branch });
  return { state: withBranch(state, branch, { name: "proceeding" }), effects };
}

/** §16.7 step 5: every 2xx of an INVITE goes up at once; of other requests the first final one. */
function onSuccess(state: ContextState, branch: number, status: number): ContextStep {
  const before = state.branches[branch];
  if (before === undefined) return { state, effects: [] };
  const effects: ContextEffect[] = [...stopTimers(state, branch)];
  const mayForward = state.invite ? state.answered !== "refused" : state.answered === "no";
  if (mayForward) effects.push({ kind: "forward" });
  const done = withBranch(state, branch, { name: "completed", status });
  const answered = mayForward ? "accepted" : state.answered;
  return closeDown({ ...done, answered, closed: true, groups: [] }, effects);
}

function onFinal(state: ContextState, branch: number, status: number): ContextStep {
  const before = state.branches[branch];
  if (before === undefined || before.name === "completed") return { state, effects: [] };
  const counted = before.name === "cancelling" && status === 487 ? before.as : status;
  const done = withBranch(state, branch, { name: "completed", status: counted });
  const effects = [...stopTimers(state, branch)];
  // §16.7 step 5: after a 6xx nobody else is asked; those who ring are cancelled.
  if (counted >= 600) return choose(closeDown({ ...done, closed: true, groups: [] }, effects));
  return choose({ state: done, effects });
}

function onTimer(state: ContextState, timer: ContextTimer, branch: number): ContextStep {
  const before = state.branches[branch];
  if (before === undefined || before.name === "completed") return { state, effects: [] };
  if (timer === "cancelled") {
    const status = before.name === "cancelling" ? before.as : 408;
    const { state: after, effects } = onFinal(state, branch, status);
    return { state: after, effects: [{ kind: "abandon", branch }, ...effects] };
  }
  if (before.name === "proceeding") {
    const cancelling = withBranch(state, branch, { name: "cancelling", as: 408 });
    return { state: cancelling, effects: cancelEffects(branch) }; // §16.8
  }
  if (before.name === "cancelling") return { state, effects: [] };
  const { state: after, effects } = onFinal(state, branch, 408); // §16.8: as if a 408 had come
  return { state: after, effects: [{ kind: "abandon", branch }, ...effects] };
}

/** §16.10: the caller gives up; branches that ring are asked to stop, none is added. */
function onCancel(state: ContextState, as: CancelledAs): ContextStep {
  if (!state.invite || state.answered !== "no") return { state, effects: [] };
  return choose(closeDown({ ...state, closed: true, groups: [] }, [], as));
}

function onWithdraw(state: ContextState, branch: number): ContextStep {
  const before = state.branches[branch];
  const isOver =
    before === undefined || before.name === "completed" || before.name === "cancelling";
  if (!state.invite || isOver) return { state, effects: [] };
  const cancelling = withBranch(state, branch, { name: "cancelling", as: 480 });
  return { state: cancelling, effects: [...stopTimers(state, branch), ...cancelEffects(branch)] };
}

/** CANCELs what is pending; only an INVITE can be cancelled (RFC 4320 §4). */
function closeDown(
  state: ContextState,
  before: readonly ContextEffect[],
  as: CancelledAs = 487,
): ContextStep {
  if (!state.invite) return { state, effects: before };
  const effects = [...before];
  const branches = state.branches.map((branch, at): Branch => {
    if (branch.name === "completed" || branch.name === "cancelling") return branch;
    effects.push({ kind: "stop", timer: "C", branch: at }, ...cancelEffects(at));
    return { name: "cancelling", as };
  });
  return { state: { ...state, branches }, effects };
}

function cancelEffects(branch: number): ContextEffect[] {
  return [
    { kind: "cancel", branch },
    { kind: "start", timer: "cancelled", branch },
  ];
}

function stopTimers(state: ContextState, branch: number): ContextEffect[] {
  const before = state.branches[branch];
  if (!state.invite || before?.name === "completed") return [];
  return [{ kind: "stop", timer: before?.name === "cancelling" ? "cancelled" : "C", branch }];
}

/** When every branch is through: the next group, or the best of what came (§16.7 step 6). */
function choose({ state, effects }: ContextStep): ContextStep {
  if (state.answered !== "no") return { state, effects };
  if (state.branches.some(({ name }) => name !== "completed")) return { state, effects };
  if (!state.closed && state.groups.length > 0) return launchNext(state, effects);
  const { branch, status } = bestOf(state.branches);
  // RFC 4320 §4.2: silence is not answered to other requests than INVITE.
  const silent = !state.invite && status === 408;
  return {
    state: { ...state, answered: "refused" },
    effects: silent ? effects : [...effects, { kind: "answer", branch, status }],
  };
}

function launchNext(state: ContextState, before: readonly ContextEffect[]): ContextStep {
  const [count = 0, ...groups] = state.groups;
  const first = state.branches.length;
  const added = Array.from({ length: count }, (): Branch => ({ name: "trying" }));
  const effects = [...before];
  if (state.invite) {
    for (const at of added.keys()) effects.push({ kind: "start", timer: "C", branch: first + at });
  }
  effects.push({ kind: "launch", first, count }); // last: a branch may fail on the spot
  return { state: { ...state, groups, branches: [...state.branches, ...added] }, effects };
}

function withBranch(state: ContextState, branch: number, value: Branch): ContextState {
  return { ...state, branches: state.branches.map((old, at) => (at === branch ? value : old)) };
}

/** Without any branch that was tried: 487 for a call that was cancelled before. */
function bestOf(branches: readonly Branch[]): { branch: number; status: number } {
  let best = { branch: -1, status: 487 };
  for (const [branch, { name, ...rest }] of branches.entries()) {
    const status = name === "completed" && "status" in rest ? rest.status : 408;
    if (best.branch < 0 || rank(status) < rank(best.status)) best = { branch, status };
  }
  return best;
}

/** §16.7 step 6: these help the caller to send a request that will be taken. */
const PREFERRED: ReadonlySet<number> = new Set([401, 407, 415, 420, 484]);
/** Say only that nobody was there. */
const LEAST_TOLD: ReadonlySet<number> = new Set([408, 430, 480, 487]);

/** Lower is better: 6xx, then the lowest class; within 4xx what says most. A 503 comes last. */
function rank(status: number): number {
  if (status >= 600) return 0;
  const inClass = PREFERRED.has(status) ? 0 : LEAST_TOLD.has(status) || status === 503 ? 2 : 1;
  return Math.floor(status / 100) * 10 + inClass;
}
