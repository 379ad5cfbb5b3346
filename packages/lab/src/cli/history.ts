// `imslab why`: the events that both CSCFs remember of a user or an address, in order of time.
import type { HistoryEventView, RegistrationView } from "@ims-lab/common/admin-api/views";
import { printable } from "@ims-lab/common/platform/printable";
import type { AdminClient } from "./admin-client.ts";
import { CommandFailure, EXIT } from "./exit-codes.ts";

/** An event and the node that remembers it. */
export interface NodeEvent extends HistoryEventView {
  readonly node: "S-CSCF" | "P-CSCF";
}

/** The events found, and the nodes that could not be asked. */
export interface History {
  readonly events: readonly NodeEvent[];
  /** Undefined: there is no such user, or it is an address. */
  readonly registration: RegistrationView | undefined;
  readonly missing: readonly string[];
}

export interface Nodes {
  readonly scscf: AdminClient;
  readonly pcscf: AdminClient;
}

/** @param name IMPU or IMPI */
export async function historyOfUser(name: string, nodes: Nodes): Promise<History> {
  const path = `/registrations/${encodeURIComponent(name)}`;
  const [registration, served] = await Promise.all([
    answerOf(nodes.scscf.get<RegistrationView>(path)),
    answerOf(nodes.scscf.all<HistoryEventView>(`${path}/history`)),
  ]);
  const known = registration.found;
  // The P-CSCF knows names as they were sent, the S-CSCF which belong together.
  const names = new Set(known === undefined ? [name] : [name, known.impi, ...known.implicitSet]);
  const seen = await Promise.all(
    [...names].map((one) =>
      answerOf(
        nodes.pcscf.all<HistoryEventView>(`/registrations/${encodeURIComponent(one)}/history`),
      ),
    ),
  );
  const history = merged(served, seen);
  const { events } = history;
  if (events.length === 0 && known === undefined && served.unknown)
    throw new CommandFailure(
      EXIT.notRegistered,
      `nobody is ${name}, and nobody has tried that name`,
    );
  return { ...history, registration: known };
}

/** @param host an IP address; @param port only what came from there */
export async function historyOfAddress(
  host: string,
  port: string | undefined,
  nodes: Nodes,
): Promise<History> {
  const path = `/sources/${encodeURIComponent(host)}/history`;
  const [served, seen] = await Promise.all([
    answerOf(nodes.scscf.all<HistoryEventView>(path)),
    answerOf(nodes.pcscf.all<HistoryEventView>(path)),
  ]);
  const { events, missing } = merged(served, [seen]);
  const isMeant = ({ source }: NodeEvent): boolean =>
    port === undefined || source?.includes(`:${port}/`) === true;
  return { events: events.filter(isMeant), registration: undefined, missing };
}

interface NodeAnswer<T> {
  readonly found?: T;
  /** The node knows no such name. */
  readonly unknown: boolean;
  readonly problem?: string;
}

async function answerOf<T>(asked: Promise<T>): Promise<NodeAnswer<T>> {
  try {
    return { found: await asked, unknown: false };
  } catch (problem) {
    if (!(problem instanceof CommandFailure)) throw problem;
    const unknown = problem.exitCode === EXIT.notRegistered;
    return unknown ? { unknown } : { unknown, problem: problem.message };
  }
}

type Listed = NodeAnswer<{ readonly items: readonly HistoryEventView[] }>;

function merged(served: Listed, seen: readonly Listed[]): Pick<History, "events" | "missing"> {
  const events: NodeEvent[] = [];
  const known = new Set<string>();
  const add = (node: NodeEvent["node"], { found }: Listed): void => {
    for (const event of found?.items ?? []) {
      const key = `${node} ${event.at} ${event.text}`;
      if (!known.has(key)) events.push({ ...event, node });
      known.add(key);
    }
  };
  add("S-CSCF", served);
  for (const one of seen) add("P-CSCF", one);
  const missing = [served, ...seen].flatMap(({ problem }) => problem ?? []);
  const isNobodyThere = seen.every(({ problem }) => problem !== undefined);
  if (served.problem !== undefined && isNobodyThere)
    throw new CommandFailure(EXIT.unknown, [...new Set(missing)].join("; "));
  return { events: events.sort((a, b) => a.at - b.at), missing: [...new Set(missing)] };
}

/** One line per event: time, node, what happened. */
export function historyText(events: readonly NodeEvent[]): string {
  return events.map(eventLine).join("");
}

function eventLine({ at, node, text, source, times }: NodeEvent): string {
  const often = times > 1 ? ` (${times} times)` : "";
  const from = source === null ? "" : ` [${source}]`;
  return `${timeOf(at)}  ${node}  ${printable(text)}${often}${printable(from)}\n`;
}

/** Local time: what a person's other logs are likely to have. */
function timeOf(at: number): string {
  return `${LOCAL.format(at)}.${String(Math.floor(at) % 1000).padStart(3, "0")}`;
}

/** Sweden writes 2026-11-28 14:03:10. */
const LOCAL = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
