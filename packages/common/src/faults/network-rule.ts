// A rule for what becomes of messages between two nodes: `NOTIFY S>P 1`. docs/faults.md.
import { printable } from "../platform/printable.ts";

export const networkActions = ["drop", "delay", "duplicate", "reorder"] as const;
export type NetworkAction = (typeof networkActions)[number];

/** UE, P-CSCF, S-CSCF. */
export type Place = "U" | "P" | "S";

export interface NetworkRule {
  readonly action: NetworkAction;
  /** A method, or `NOTIFY` of `200 NOTIFY`; undefined: any. */
  readonly method: string | undefined;
  /** Undefined: requests, or with no method either, everything. */
  readonly status: number | undefined;
  readonly from: Place;
  /** Between S and U: the leg at the sender, of what goes all the way. */
  readonly to: Place;
  /** Which of them, counted from 1 over retransmissions and all; `last` may be infinite. */
  readonly first: number;
  readonly last: number;
  /** Of a delay; of a reorder, how long it waits for the one that overtakes it. */
  readonly milliseconds: number;
  /** As it was written, after its action; without the figure. */
  readonly text: string;
  /** Counts while this figure of the document is played, and only then; undefined: always. */
  readonly figure: FigureNumber | undefined;
}

export const figureNumbers = ["1", "2", "3", "4", "5"] as const;
/** Of S3z010092. */
export type FigureNumber = (typeof figureNumbers)[number];

export interface NetworkRuleProblem {
  readonly problem: string;
}

const LONGEST_MS = 600_000;
const DEFAULT_MS: Readonly<Record<NetworkAction, number>> = {
  drop: 0,
  delay: 0, // a delay has to say
  duplicate: 0,
  reorder: 1_000,
};
const FORM = "WHAT FROM>TO [N|N-M|*] [TIMEms|TIMEs] [@figure1 to @figure5]";

/** @param written `NOTIFY S>P 1`, `200 S>U 2 500ms`, `200 REGISTER P>U`, `* U>P *` */
export function parseNetworkRule(
  action: NetworkAction,
  written: string,
): NetworkRule | NetworkRuleProblem {
  const whole = written.trim().replace(/\s+/g, " ");
  const figure = figureIn(whole);
  if (figure.problem !== undefined) return wrong(action, whole, figure.problem);
  const { text } = figure;
  const words = text.split(" ");
  const at = words.findIndex((word) => word.includes(">"));
  if (at < 1 || at > 2) return wrong(action, text, `expected ${FORM}`);
  const what = kindOf(words.slice(0, at));
  if (typeof what === "string") return wrong(action, text, what);
  const hop = hopOf(words[at] ?? "");
  if (typeof hop === "string") return wrong(action, text, hop);
  const rest = words.slice(at + 1);
  const time = rest.findIndex((word) => /[a-z]$/i.test(word));
  const [duration] = time < 0 ? [] : rest.splice(time, 1);
  const [which = "1", extra] = rest;
  if (extra !== undefined) return wrong(action, text, `"${extra}" is one word too many: ${FORM}`);
  const range = rangeOf(which);
  if (typeof range === "string") return wrong(action, text, range);
  const milliseconds = millisecondsOf(action, duration);
  if (typeof milliseconds === "string") return wrong(action, text, milliseconds);
  return { action, ...what, ...hop, ...range, milliseconds, text, figure: figure.number };
}

export function isRuleProblem(read: NetworkRule | NetworkRuleProblem): read is NetworkRuleProblem {
  return "problem" in read;
}

/** A rule as a setting has it: `drop NOTIFY S>P 1`. */
export function parseNetworkSetting(written: string): NetworkRule | NetworkRuleProblem {
  const [first = "", ...rest] = written.trim().split(/\s+/);
  const action = networkActions.find((one) => one === first);
  return action === undefined
    ? { problem: `"${shown(first)}": expected ${networkActions.join(", ")}` }
    : parseNetworkRule(action, rest.join(" "));
}

/** For the node that sends: figures are its caller's to know. */
export function networkSetting({ action, text }: NetworkRule): string {
  return `${action} ${text}`;
}

/** `NOTIFY S>P 1 @figure3`: as people write it. */
export function ruleText({ text, figure }: NetworkRule): string {
  return figure === undefined ? text : `${text} @figure${figure}`;
}

/** Whether it is about a request of this method, or a response of this status to it. */
export function isAbout(
  rule: Pick<NetworkRule, "method" | "status">,
  method: string,
  status: number | undefined,
): boolean {
  if (rule.method !== undefined && rule.method !== method) return false;
  return rule.status === undefined
    ? status === undefined || rule.method === undefined
    : rule.status === status;
}

type FigureIn =
  | {
      readonly text: string;
      readonly number: FigureNumber | undefined;
      readonly problem?: undefined;
    }
  | { readonly problem: string };

/** The figure stands behind all else. */
function figureIn(whole: string): FigureIn {
  const at = whole.indexOf("@");
  if (at < 0) return { text: whole, number: undefined };
  const written = whole.slice(at);
  const number = figureNumbers.find((one) => `@figure${one}` === written.toLowerCase());
  if (number === undefined)
    return { problem: `"${shown(written)}": expected @figure1 to @figure5, behind all else` };
  return { text: whole.slice(0, at).trim(), number };
}

function kindOf(words: readonly string[]): Pick<NetworkRule, "method" | "status"> | string {
  const [first = "", second] = words;
  if (/^\d+$/.test(first)) {
    if (!/^[1-6]\d\d$/.test(first)) return `"${shown(first)}" is no status, 100 to 699`;
    return isMethod(second ?? "*")
      ? { status: Number(first), method: named(second) }
      : `"${shown(second ?? "")}" is no method such as REGISTER`;
  }
  if (second !== undefined) return `expected ${FORM}`;
  return isMethod(first)
    ? { status: undefined, method: named(first) }
    : `"${shown(first)}" is no method such as NOTIFY, no status such as 200, and not *`;
}

function isMethod(word: string): boolean {
  return word === "*" || /^[A-Z]{2,20}$/.test(word);
}

function named(word: string | undefined): string | undefined {
  return word === "*" ? undefined : word;
}

const HOPS: ReadonlySet<string> = new Set(["U>P", "P>U", "P>S", "S>P", "U>S", "S>U"]);

function hopOf(word: string): Pick<NetworkRule, "from" | "to"> | string {
  const hop = word.toUpperCase();
  const [from = "", to = ""] = hop.split(">");
  return HOPS.has(hop)
    ? { from: from as Place, to: to as Place }
    : `"${shown(word)}" is no way: ${[...HOPS].join(", ")} (U: UE, P: P-CSCF, S: S-CSCF)`;
}

function rangeOf(word: string): Pick<NetworkRule, "first" | "last"> | string {
  if (word === "*") return { first: 1, last: Number.POSITIVE_INFINITY };
  const [, first, last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(word) ?? [];
  const range = { first: Number(first), last: Number(last) };
  return first !== undefined && range.first >= 1 && range.last >= range.first
    ? range
    : `"${shown(word)}": expected which of them: 1, 2-4 or *`;
}

function millisecondsOf(action: NetworkAction, word: string | undefined): number | string {
  if (word === undefined)
    return action === "delay" ? "a delay says how long: 500ms or 2s" : DEFAULT_MS[action];
  if (action !== "delay" && action !== "reorder")
    return `"${shown(word)}": ${action} takes no time`;
  const [, number, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)$/.exec(word) ?? [];
  const milliseconds = Number(number) * (unit === "s" ? 1000 : 1);
  return milliseconds > 0 && milliseconds <= LONGEST_MS
    ? milliseconds
    : `"${shown(word)}": expected a time such as 500ms or 2s, at most ${LONGEST_MS / 1000}s`;
}

function wrong(action: NetworkAction, text: string, why: string): NetworkRuleProblem {
  return { problem: `${action} "${shown(text)}": ${why}` };
}

function shown(text: string): string {
  return printable(text.slice(0, 80));
}
