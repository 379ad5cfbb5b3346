// The timer explainer: when a device was to renew what it was granted, and whether it did, in one sentence. TS 24.229 §5.1.1.4, docs/events.md.
import { OWN_PACKAGE } from "@ims-lab/common/ims/events";
import { renewalDelaySeconds } from "@ims-lab/common/sip/event/renewal";

/** All in seconds from the grant, or from the NOTIFY that shortened it. */
export interface Renewal {
  readonly granted: number;
  readonly dueAfter: number;
  /** Undefined: it has not come. */
  readonly cameAfter: number | undefined;
  /** How long the device was watched. */
  readonly watched: number;
}

export type Punctuality = "early" | "in time" | "late" | "too late" | "missing" | "not due yet";

/** Transactions and clocks take their time; a tenth of a longer wait is no offence either. */
const TOLERANCE_SECONDS = 5;
const TOLERANCE_SHARE = 0.1;

/** Seconds after a trigger: at once in the document's own package, else as after any grant. */
export function triggerDueSeconds(eventPackage: string | undefined, granted: number): number {
  return eventPackage === OWN_PACKAGE ? 0 : renewalDelaySeconds(granted);
}

/** Latest moment, seconds, that still counts as in time. */
export function latestSeconds({
  granted,
  dueAfter,
}: Pick<Renewal, "granted" | "dueAfter">): number {
  const tolerance = Math.max(TOLERANCE_SECONDS, dueAfter * TOLERANCE_SHARE);
  return Math.min(granted, dueAfter + tolerance);
}

export function punctuality(renewal: Renewal): Punctuality {
  const { granted, dueAfter, cameAfter, watched } = renewal;
  const latest = latestSeconds(renewal);
  if (cameAfter === undefined) return watched < latest ? "not due yet" : "missing";
  if (cameAfter >= granted) return "too late";
  if (cameAfter > latest) return "late";
  return cameAfter < dueAfter - TOLERANCE_SECONDS ? "early" : "in time";
}

/** `granted 7 200 s, refresh due after 6 600 s, came after 6 480 s: early, allowed`. */
export function explainRenewal(renewal: Renewal): string {
  const { granted, dueAfter, cameAfter, watched } = renewal;
  const due = dueAfter === 0 ? "due at once" : `due after ${spaced(dueAfter)} s`;
  const how = punctuality(renewal);
  const came =
    cameAfter === undefined
      ? `not come in ${spaced(watched)} s`
      : `came after ${spaced(cameAfter)} s`;
  return `granted ${spaced(granted)} s, refresh ${due}, ${came}: ${WORDS[how]}`;
}

const WORDS: Readonly<Record<Punctuality, string>> = {
  early: "early, allowed",
  "in time": "in time",
  late: "late, though not expired yet",
  "too late": "too late: it had expired",
  missing: "missing",
  "not due yet": "not due yet",
};

/** `6 600`, `0.02`. */
export function spaced(value: number): string {
  const rounded = value < 10 ? Number(value.toFixed(2)) : Math.round(value);
  const [whole = "", part] = String(rounded).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, " ");
  return part === undefined ? grouped : `${grouped}.${part}`;
}
