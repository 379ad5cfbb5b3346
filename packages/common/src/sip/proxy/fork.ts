// The targets of one request in the order they are tried, and how wide it may fan out. RFC 3261 §16.6; RFC 5393 §5.
import type { SipRequest } from "../message/message.ts";
import type { Destination } from "../transaction/user.ts";

/** One way to go on: a clone of the request that came, edited, and where it goes. */
export interface Target {
  readonly request: SipRequest;
  readonly to: Destination;
  /** 0 to 1; the higher, the sooner (RFC 3261 §16.6, §20.10). */
  readonly q: number;
}

/** RFC 5393 §5.3.3: for a request that comes without. */
const DEFAULT_BREADTH = 60;

/** The breadth left to this request; what cannot be read counts as absent. */
function breadthOf(request: SipRequest): number {
  const text = request.text("Max-Breadth") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : DEFAULT_BREADTH;
}

/**
 * Equal q in parallel, but never more at once than Max-Breadth allows: then one after the other.
 * Undefined: no breadth is left, which is a 440. Writes each target's share into it.
 */
export function groupsOf(
  came: SipRequest,
  targets: readonly Target[],
): readonly (readonly Target[])[] | undefined {
  const breadth = breadthOf(came);
  if (breadth === 0) return undefined;
  const byQ = new Map<number, Target[]>();
  for (const target of targets) byQ.set(target.q, [...(byQ.get(target.q) ?? []), target]);
  const sorted = [...byQ].sort(([a], [b]) => b - a).map(([, group]) => group);
  const groups = sorted.flatMap((group) => chunks(group, breadth));
  for (const group of groups) {
    const share = String(Math.floor(breadth / group.length));
    if (targets.length > 1 || came.has("Max-Breadth"))
      for (const { request } of group) request.set("Max-Breadth", share);
  }
  return groups;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const found: T[][] = [];
  for (let at = 0; at < items.length; at += size) found.push(items.slice(at, at + size));
  return found;
}
