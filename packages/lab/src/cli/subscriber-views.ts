// Subscribers as text for a terminal.
import type { ImportAnswer, Page, SubscriberView } from "@ims-lab/common/admin-api/views";
import { printable } from "@ims-lab/common/platform/printable";
import { table, timeAgo } from "./table.ts";
import { facts } from "./views.ts";

export function subscribersTable(
  { items, total }: Page<SubscriberView>,
  offset: number,
  width: number,
): string {
  if (items.length === 0) return `nobody there; ${total} in all\n`;
  const rows = items.map(({ impi, impus, scheme, subscription, source, registered }) => [
    impi,
    impus.map(identityText).join(", "),
    scheme,
    subscription ?? "-",
    source,
    registered ? "yes" : "no",
  ]);
  const head = ["impi", "identities", "auth", "subscription", "from", "registered"];
  const last = offset + items.length;
  const more = last < total || offset > 0 ? `${offset + 1} to ${last} of ${total}\n` : "";
  return table([head, ...rows], width) + more;
}

export function subscriberText(one: SubscriberView, now: number): string {
  const { auth, lastFailure } = one;
  const secrets =
    auth.scheme === "aka"
      ? `aka ${auth.algorithm}, k and opc set, amf ${auth.amf}`
      : `digest ${auth.algorithms.join(", ")}, password set`;
  const failure =
    lastFailure === null ? "-" : `${timeAgo(lastFailure.at, now)}: ${lastFailure.why}`;
  return facts([
    ["impi", one.impi],
    ["identities", one.impus.map(identityText).join(", ")],
    ["auth", secrets],
    ["subscription", one.subscription ?? "as the profile says"],
    ["own rules", one.policy === null ? "-" : JSON.stringify(one.policy)],
    ["from", SOURCES[one.source]],
    ["registered", one.registered ? "yes" : "no"],
    ["last failure", failure],
  ]);
}

const SOURCES: Readonly<Record<SubscriberView["source"], string>> = {
  file: "the subscribers file",
  changed: "the subscribers file, changed since",
  added: "added since the start of the store",
};

function identityText({ uri, barred }: SubscriberView["impus"][number]): string {
  return barred ? `${uri} (barred)` : uri;
}

export function changedLine(impi: string, what: string): string {
  return `${printable(`${impi}: ${what}`)}\n`;
}

export function importText(answer: ImportAnswer): string {
  const { format, created, replaced, unchanged, unusedColumns, dryRun } = answer;
  const what = dryRun ? "would import" : "imported";
  const unused =
    unusedColumns.length === 0 ? "" : `columns not used: ${unusedColumns.join(", ")}\n`;
  const counts = `${created} added, ${replaced} replaced, ${unchanged} unchanged`;
  return `${what} (${format}): ${counts}\n${printable(unused.trimEnd())}${unused === "" ? "" : "\n"}`;
}
