// Grants to a device and the times at which it came again, told from the S-CSCF's events. TS 24.229 §5.1.1.4.
import type {
  ReauthenticationNews,
  RegistrationNews,
  StreamEvent,
} from "@ims-lab/common/admin-api/events";
import { renewalDelaySeconds } from "@ims-lab/common/sip/event/renewal";
import { explainRenewal, type Punctuality, punctuality, spaced } from "./timers.ts";

/** One 200 to a REGISTER, and what followed. */
export interface Grant {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly contact: string;
  readonly grantedSeconds: number;
  readonly dueAt: number;
  /** `asked`: the network wanted it sooner; `ended`: the registration was over first. */
  readonly outcome: Punctuality | "asked" | "ended";
  readonly text: string;
}

interface Open {
  readonly at: number;
  readonly contact: string;
  readonly granted: number;
  askedAt: number | undefined;
}

/** @param now milliseconds since the epoch */
export function grantsOf(events: readonly StreamEvent[], now: number): readonly Grant[] {
  const grants: Grant[] = [];
  const open = new Map<string, Open>();
  for (const event of events) {
    if (event.type === "reauthentication") noteAsked(open.get(event.bindingId), event);
    if (event.type !== "registration") continue;
    const { bindingId, at } = event;
    const before = open.get(bindingId);
    const isOver = event.event === "removed";
    if (before !== undefined) grants.push(isOver ? ended(before, event) : renewed(before, at));
    if (isOver) open.delete(bindingId);
    else open.set(bindingId, opened(event));
  }
  const standing = [...open.values()].map((one) => ofTimes(one, undefined, now));
  return [...grants, ...standing].sort((a, b) => a.at - b.at);
}

function opened({ at, contact, expiresAt }: RegistrationNews): Open {
  return { at, contact, granted: Math.round((expiresAt - at) / 1000), askedAt: undefined };
}

function noteAsked(grant: Open | undefined, { event, at }: ReauthenticationNews): void {
  if (grant !== undefined && event === "triggered") grant.askedAt ??= at;
}

function renewed(grant: Open, at: number): Grant {
  const { askedAt, granted } = grant;
  if (askedAt === undefined) return ofTimes(grant, at, at);
  const asked = `asked to authenticate after ${spaced((askedAt - grant.at) / 1000)} s`;
  const came = `registered ${spaced((at - askedAt) / 1000)} s later`;
  return {
    ...about(grant),
    outcome: "asked",
    text: `granted ${spaced(granted)} s, ${asked}, ${came}`,
  };
}

function ended(grant: Open, { at, cause }: { at: number; cause: string | null }): Grant {
  const after = spaced((at - grant.at) / 1000);
  const text = `granted ${spaced(grant.granted)} s, ended after ${after} s: ${cause ?? "unknown"}`;
  return { ...about(grant), outcome: "ended", text };
}

function ofTimes(grant: Open, cameAt: number | undefined, now: number): Grant {
  const renewal = {
    granted: grant.granted,
    dueAfter: renewalDelaySeconds(grant.granted),
    cameAfter: cameAt === undefined ? undefined : (cameAt - grant.at) / 1000,
    watched: (now - grant.at) / 1000,
  };
  return { ...about(grant), outcome: punctuality(renewal), text: explainRenewal(renewal) };
}

function about({ at, contact, granted }: Open): Omit<Grant, "outcome" | "text"> {
  const dueAt = at + renewalDelaySeconds(granted) * 1000;
  return { at, contact, grantedSeconds: granted, dueAt };
}
