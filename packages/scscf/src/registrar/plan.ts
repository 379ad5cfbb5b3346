// What an accepted REGISTER changes: all of it or nothing. RFC 3261 §10.3 steps 6 and 7.
import type { Random } from "@ims-lab/common/platform/random";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import type { Attempt, Target } from "./attempt.ts";
import type {
  Accepted,
  Binding,
  BindingContext,
  BindingInput,
  SubscriptionDuty,
} from "./binding.ts";
import { bind } from "./binding-machine.ts";
import { addressOf, isRemoval, samePath } from "./contacts.ts";
import { type ExpiresRules, grantExpires } from "./expires.ts";
import type { BindingChange } from "./lifecycle.ts";
import { isRefusal, type Refusal, refusal } from "./refusals.ts";

export interface PlanRules {
  readonly random: Random;
  readonly expires: ExpiresRules;
  readonly maxPerImpi: number;
  readonly duty: SubscriptionDuty;
  readonly context: BindingContext;
}

export interface Plan {
  readonly changes: readonly BindingChange[];
  /** Bindings that make room, see `contacts.maxPerImpi`. */
  readonly displaced: number;
  /** Token of the binding that the 200's Service-Route is for. */
  readonly token: string | undefined;
}

export function planOf(
  rules: PlanRules,
  attempt: Attempt,
  now: { readonly at: number; readonly authenticated: boolean },
): Plan | Refusal {
  const { wanted, bindings } = attempt;
  if (wanted.kind === "query") return { changes: [], displaced: 0, token: asking(attempt)?.token };
  const late = isLate(attempt);
  if (late !== undefined) return late;
  if (wanted.kind === "remove-all") {
    const changes = bindings.map(({ token }) => removal(token, now.at));
    return { changes, displaced: 0, token: undefined };
  }
  return planContacts(rules, attempt, now);
}

/** The binding whose device asks: a query's 200 has its Service-Route, too (RFC 3608 §5). */
function asking({ bindings, standing, request }: Attempt): Binding | undefined {
  const here = bindings.filter(
    ({ address }) =>
      samePath(address.path, standing.path) &&
      (address.path.length > 0 || address.source === standing.source),
  );
  return here.find(({ callId }) => callId === request.callId) ?? here[0];
}

/** Step 7: same Call-ID and a CSeq that is not higher is a repetition out of order. */
function isLate({ request, wanted, targets, bindings }: Attempt): Refusal | undefined {
  const { callId, cseq } = request;
  const meant = wanted.kind === "bind" ? targets.map(({ binding }) => binding) : bindings;
  const ahead = meant.find((binding) => binding?.callId === callId && binding.cseq >= cseq.number);
  if (ahead === undefined) return undefined;
  return refusal("out-of-order", `CSeq ${cseq.number} after ${ahead.cseq}`);
}

function planContacts(
  rules: PlanRules,
  attempt: Attempt,
  now: { readonly at: number; readonly authenticated: boolean },
): Plan | Refusal {
  const changes: BindingChange[] = [];
  let token: string | undefined;
  let added = 0;
  for (const target of attempt.targets) {
    const planned = planOne(rules, attempt, target, now);
    if (planned === undefined) continue;
    if (isRefusal(planned)) return planned;
    changes.push(planned);
    if (planned.kind === "new") added += 1;
    if (!isRemoval(target.wanted)) {
      token ??= planned.kind === "new" ? planned.binding.token : planned.token;
    }
  }
  const evicted = evictions(rules, attempt, added, now.at);
  return { changes: [...evicted, ...changes], displaced: evicted.length, token };
}

function planOne(
  rules: PlanRules,
  attempt: Attempt,
  { wanted, binding }: Target,
  now: { readonly at: number; readonly authenticated: boolean },
): BindingChange | Refusal | undefined {
  if (isRemoval(wanted)) return binding && removal(binding.token, now.at);
  const { subscriber, standing, request, impu, set } = attempt;
  const mode = subscriber.subscription ?? rules.duty;
  const short = mode === "optional" && binding?.duty.state !== "fulfilled";
  const granted = grantExpires(rules.expires, wanted.expires, short);
  if (typeof granted !== "number") return granted;
  const accepted: Accepted = {
    ...now,
    mode,
    newId: rules.random.hex(6),
    address: addressOf(wanted, standing.path, standing.source),
    impu: binding?.impu === impu ? binding.impu : impu,
    callId: binding?.callId === request.callId ? binding.callId : ownCopy(request.callId),
    cseq: request.cseq.number,
    expiresAt: now.at + granted * 1000,
  };
  if (binding !== undefined) {
    return { kind: "input", token: binding.token, input: { kind: "registered", ...accepted } };
  }
  const device = { impi: subscriber.impi, set, token: rules.random.hex(12) };
  return { kind: "new", binding: bind(rules.context, device, accepted) };
}

function removal(token: string, at: number): BindingChange {
  const input: BindingInput = { kind: "removed", at, cause: { kind: "unregistered" } };
  return { kind: "input", token, input };
}

/** contacts.maxPerImpi: the oldest make room and are told to come back. */
function evictions(
  rules: PlanRules,
  { bindings, targets }: Attempt,
  added: number,
  at: number,
): readonly BindingChange[] {
  const meant = new Set(targets.map(({ binding }) => binding?.token));
  const removed = targets.filter(({ wanted, binding }) => binding && isRemoval(wanted)).length;
  const excess = bindings.length - removed + added - rules.maxPerImpi;
  if (excess <= 0) return [];
  const others = bindings.filter(({ token }) => !meant.has(token)).sort(byAge);
  return others.slice(0, excess).map(({ token }) => ({
    kind: "input",
    token,
    input: { kind: "removed", at, cause: { kind: "deactivated" } },
  }));
}

function byAge(a: Binding, b: Binding): number {
  return a.registeredAt - b.registeredAt;
}
