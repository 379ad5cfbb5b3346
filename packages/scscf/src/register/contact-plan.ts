// Changes of an accepted REGISTER, Contact by Contact: all of them or none. RFC 3261 §10.3 steps 6 and 7.
import { isRemoval } from "@ims-lab/common/ims/registered-contacts";
import type { Random } from "@ims-lab/common/platform/random";
import type { SipRequest } from "@ims-lab/common/sip/message/message";
import { ownCopy } from "@ims-lab/common/sip/message/scan";
import { isRefusal, type Refusal, refusal } from "../outcomes.ts";
import { samePath } from "../registration/address.ts";
import type { Accepted, Binding, BindingContext, BindingInput } from "../registration/binding.ts";
import { bind } from "../registration/binding-machine.ts";
import type { BindingChange } from "../registration/registrations.ts";
import { addressOf } from "./contacts.ts";
import { type ExpiresRules, grantExpires } from "./expires.ts";
import { isLeaving, type MatchedContact, type RegisterRequest } from "./register-request.ts";
import type { SubscriptionDuties } from "./subscription-duty.ts";

export interface ContactRules {
  readonly random: Random;
  readonly expires: ExpiresRules;
  readonly maxPerImpi: number;
  readonly duties: SubscriptionDuties;
  readonly context: BindingContext;
}

export interface ContactPlan {
  readonly changes: readonly BindingChange[];
  /** Bindings that make room, see `contacts.maxPerImpi`. */
  readonly displaced: number;
  /** Token of the binding that the 200's Service-Route is for. */
  readonly token: string | undefined;
  /** What the device itself took away. */
  readonly left: readonly Binding[];
}

const NOTHING: ContactPlan = { changes: [], displaced: 0, token: undefined, left: [] };

/** Draws the names of new bindings; changes nothing. */
export function planContacts(
  rules: ContactRules,
  register: RegisterRequest,
  now: { readonly at: number; readonly authenticated: boolean },
): ContactPlan | Refusal {
  const { requested, bindings } = register;
  if (requested.kind === "query") return { ...NOTHING, token: asking(register)?.token };
  const late = isLate(register);
  if (late !== undefined) return late;
  if (requested.kind === "remove-all") {
    const changes = bindings.map(({ token }) => removal(token, now.at));
    return { ...NOTHING, changes, left: bindings };
  }
  return planEach(rules, register, now);
}

/** The binding whose device asks: a query's 200 has its Service-Route, too (RFC 3608 §5). */
function asking({ bindings, origin, request }: RegisterRequest): Binding | undefined {
  const here = bindings.filter(
    ({ address }) =>
      samePath(address.path, origin.path) &&
      (address.path.length > 0 || address.source === origin.source),
  );
  return here.find(({ callId }) => callId === request.callId) ?? here[0];
}

/**
 * Step 7: same Call-ID and a CSeq that is not higher is a repetition out of order. A Contact that is
 * new has no CSeq to be behind: a device that counts anew after a reboot comes with another.
 */
function isLate({ request, requested, targets, bindings }: RegisterRequest): Refusal | undefined {
  const { callId, cseq } = request;
  if (bindings.length === 0) return undefined; // as at every first one
  const ofUri = targets.flatMap(({ binding, isSameUri }) => (isSameUri ? (binding ?? []) : []));
  const meant = requested.kind === "bind" ? ofUri : bindings;
  const ahead = meant.find((binding) => binding.callId === callId && binding.cseq >= cseq.number);
  if (ahead === undefined) return undefined;
  return refusal("out-of-order", `CSeq ${cseq.number} after ${ahead.cseq}`);
}

function planEach(
  rules: ContactRules,
  register: RegisterRequest,
  now: { readonly at: number; readonly authenticated: boolean },
): ContactPlan | Refusal {
  const changes: BindingChange[] = [];
  const bound: string[] = [];
  for (const target of register.targets) {
    const planned = planOne(rules, register, target, now);
    if (planned === undefined) continue;
    if (isRefusal(planned)) return planned;
    changes.push(planned);
    if (isRemoval(target.requested)) continue;
    bound.push(planned.kind === "new" ? planned.binding.token : planned.token);
  }
  for (const { token: over } of register.superseded) changes.push(removal(over, now.at));
  const evicted = evictions(rules, register, now.at);
  const left = isLeaving(register) ? register.meant : [];
  const token = servedBy(register, bound, evicted);
  const all = evicted.length === 0 ? changes : [...evicted, ...changes];
  return { changes: all, displaced: evicted.length, token, left };
}

/** RFC 3608: a device keeps one Service-Route for all that it registers over one Path: its oldest binding's. */
function servedBy(
  { bindings, request, origin, targets, superseded }: RegisterRequest,
  bound: readonly string[],
  evicted: readonly BindingChange[],
): string | undefined {
  if (bound.length === 0 || bindings.length === 0) return bound[0];
  const gone = new Set([
    ...targets.flatMap(({ requested, binding }) =>
      isRemoval(requested) ? (binding?.token ?? []) : [],
    ),
    ...superseded.map(({ token }) => token),
    ...evicted.map((change) => (change.kind === "input" ? change.token : "")),
  ]);
  const isOfDevice = ({ token, callId, address }: Binding): boolean =>
    bound.includes(token) ||
    (callId === request.callId && samePath(address.path, origin.path) && !gone.has(token));
  return bindings.find(isOfDevice)?.token ?? bound[0];
}

function planOne(
  rules: ContactRules,
  register: RegisterRequest,
  { requested, binding }: MatchedContact,
  now: { readonly at: number; readonly authenticated: boolean },
): BindingChange | Refusal | undefined {
  if (isRemoval(requested)) return binding && removal(binding.token, now.at);
  const { subscriber, origin, request, impu, set } = register;
  const userAgent = userAgentOf(request, binding);
  const mode = rules.duties.of(subscriber, userAgent).duty;
  const short = mode === "optional" && binding?.duty.state !== "fulfilled";
  const granted = grantExpires(rules.expires, requested.expires, short);
  if (typeof granted !== "number") return granted;
  const accepted: Accepted = {
    at: now.at,
    authenticated: now.authenticated,
    mode,
    newId: rules.random.hex(6),
    address: addressOf(requested, origin.path, origin.source),
    impu: binding?.impu === impu ? binding.impu : impu,
    userAgent,
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

/** Longer ones say nothing more to a person. */
const LONGEST_USER_AGENT = 200;

function userAgentOf(request: SipRequest, before: Binding | undefined): string | undefined {
  const text = request.text("User-Agent")?.slice(0, LONGEST_USER_AGENT);
  if (text === undefined) return undefined;
  return text === before?.userAgent ? before.userAgent : ownCopy(text);
}

function removal(token: string, at: number): BindingChange {
  const input: BindingInput = { kind: "removed", at, cause: { kind: "unregistered" } };
  return { kind: "input", token, input };
}

/** contacts.maxPerImpi: the oldest make room and are told to come back. */
function evictions(
  rules: ContactRules,
  register: RegisterRequest,
  at: number,
): readonly BindingChange[] {
  const { bindings, targets, meant } = register;
  if (bindings.length + targets.length <= rules.maxPerImpi) return []; // as mostly
  const others = bindings.filter((binding) => !meant.includes(binding));
  const bound = targets.filter(({ requested }) => !isRemoval(requested)).length;
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
