// What an accepted REGISTER changes: all of it or nothing. RFC 3261 §10.3 steps 6 and 7.
import { isRemoval } from "@ims-lab/common/ims/registered-contacts";
import type { Random } from "@ims-lab/common/platform/random";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { type Attempt, bindingsMeant, isLeaving, type Target } from "./attempt.ts";
import type {
  Accepted,
  Binding,
  BindingContext,
  BindingInput,
  SubscriptionDuty,
} from "./binding.ts";
import { bind } from "./binding-machine.ts";
import { addressOf, samePath } from "./contacts.ts";
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
  /** What the device itself took away. */
  readonly left: readonly Binding[];
}

const NOTHING: Plan = { changes: [], displaced: 0, token: undefined, left: [] };

export function planOf(
  rules: PlanRules,
  attempt: Attempt,
  now: { readonly at: number; readonly authenticated: boolean },
): Plan | Refusal {
  const { wanted, bindings } = attempt;
  if (wanted.kind === "query") return { ...NOTHING, token: asking(attempt)?.token };
  const late = isLate(attempt);
  if (late !== undefined) return late;
  if (wanted.kind === "remove-all") {
    const changes = bindings.map(({ token }) => removal(token, now.at));
    return { ...NOTHING, changes, left: bindings };
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

/**
 * Step 7: same Call-ID and a CSeq that is not higher is a repetition out of order. A Contact that is
 * new has no CSeq to be behind: a device that counts anew after a reboot comes with another.
 */
function isLate({ request, wanted, targets, bindings }: Attempt): Refusal | undefined {
  const { callId, cseq } = request;
  const ofUri = targets.flatMap(({ binding, isSameUri }) => (isSameUri ? (binding ?? []) : []));
  const meant = wanted.kind === "bind" ? ofUri : bindings;
  const ahead = meant.find((binding) => binding.callId === callId && binding.cseq >= cseq.number);
  if (ahead === undefined) return undefined;
  return refusal("out-of-order", `CSeq ${cseq.number} after ${ahead.cseq}`);
}

function planContacts(
  rules: PlanRules,
  attempt: Attempt,
  now: { readonly at: number; readonly authenticated: boolean },
): Plan | Refusal {
  const changes: BindingChange[] = [];
  const bound: string[] = [];
  for (const target of attempt.targets) {
    const planned = planOne(rules, attempt, target, now);
    if (planned === undefined) continue;
    if (isRefusal(planned)) return planned;
    changes.push(planned);
    if (isRemoval(target.wanted)) continue;
    bound.push(planned.kind === "new" ? planned.binding.token : planned.token);
  }
  for (const { token: over } of attempt.superseded) changes.push(removal(over, now.at));
  const evicted = evictions(rules, attempt, now.at);
  const left = isLeaving(attempt) ? bindingsMeant(attempt) : [];
  const token = servedBy(attempt, bound, evicted);
  return { changes: [...evicted, ...changes], displaced: evicted.length, token, left };
}

/** RFC 3608: a device keeps one Service-Route for all that it registers over one Path: its oldest binding's. */
function servedBy(
  { bindings, request, standing, targets, superseded }: Attempt,
  bound: readonly string[],
  evicted: readonly BindingChange[],
): string | undefined {
  if (bound.length === 0) return undefined;
  const gone = new Set([
    ...targets.flatMap(({ wanted, binding }) => (isRemoval(wanted) ? (binding?.token ?? []) : [])),
    ...superseded.map(({ token }) => token),
    ...evicted.map((change) => (change.kind === "input" ? change.token : "")),
  ]);
  const isOfDevice = ({ token, callId, address }: Binding): boolean =>
    bound.includes(token) ||
    (callId === request.callId && samePath(address.path, standing.path) && !gone.has(token));
  return bindings.find(isOfDevice)?.token ?? bound[0];
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
function evictions(rules: PlanRules, attempt: Attempt, at: number): readonly BindingChange[] {
  const meant = new Set(bindingsMeant(attempt));
  const others = attempt.bindings.filter((binding) => !meant.has(binding));
  const bound = attempt.targets.filter(({ wanted }) => !isRemoval(wanted)).length;
  const excess = others.length + bound - rules.maxPerImpi;
  // Who only takes away pushes nobody out, even where the setting has been lowered.
  if (excess <= 0 || bound === 0) return [];
  const oldest = [...others].sort(byAge).slice(0, excess);
  return oldest.map(({ token }) => ({
    kind: "input",
    token,
    input: { kind: "removed", at, cause: { kind: "displaced" } },
  }));
}

function byAge(a: Binding, b: Binding): number {
  return a.registeredAt - b.registeredAt;
}
