// `imslab policy`: the authentication policy of a CSCF, shown, checked, and another one put in its place.

import { readFileSync } from "node:fs";
import type { PolicyAnswer, PolicyView } from "@ims-lab/common/admin-api/policy-views";
import { isoTime } from "@ims-lab/common/platform/clock";
import { printable } from "@ims-lab/common/platform/printable";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { parse, stringify } from "yaml";
import type { AdminClient } from "../admin-client.ts";
import { type Command, defineCommand, print, type Session } from "../command.ts";
import { type Side, sideOf, UsageError, word } from "../option-values.ts";

export const policy: Command = defineCommand({
  name: "policy",
  help: `  imslab policy [show|check FILE|set FILE] [--from scscf|pcscf] [--confirm]
      When users must authenticate again. set: all of the file (YAML or JSON) counts at once, or none; check
      only says what it would change. --confirm: also where many have to authenticate now, at the pace.
`,
  options: { from: { type: "string" }, confirm: { type: "boolean" } },
  words: 2,
  read([what, file], { from, confirm }) {
    const wanted = word("policy", what ?? "show", ["show", "check", "set"]);
    const side = sideOf(from);
    if (confirm === true && wanted !== "set") throw new UsageError("--confirm goes with set only");
    if (wanted === "show") {
      if (file !== undefined) throw new UsageError(`"${file}" is one word too many`);
      return (session) => showPolicy(session, side);
    }
    if (file === undefined) throw new UsageError(`say which file: imslab policy ${wanted} FILE`);
    const document = documentIn(file);
    const query = wanted === "check" ? { check: "true" } : { confirm: String(confirm === true) };
    return (session) => putPolicy(session, side, document, query);
  },
});

function clientOf({ scscf, pcscf }: Session, side: Side): AdminClient {
  return side === "scscf" ? scscf : pcscf;
}

async function showPolicy(session: Session, side: Side): Promise<number> {
  const view = await clientOf(session, side).get<PolicyView>("/policy");
  return print(view, policyText(view), session);
}

async function putPolicy(
  session: Session,
  side: Side,
  document: object,
  query: Readonly<Record<string, string>>,
): Promise<number> {
  const answer = await clientOf(session, side).put<PolicyAnswer>("/policy", query, document);
  return print(answer, changesText(answer), session);
}

/** YAML, which JSON is part of. */
function documentIn(file: string): object {
  let written: unknown;
  try {
    written = parse(readFileSync(file, "utf8"), { maxAliasCount: 100 });
    JSON.stringify(written); // an alias may contain itself
  } catch (problem) {
    const why = reasonOf(problem).split("\n")[0] ?? "";
    throw new UsageError(printable(`${file}: ${why}`));
  }
  if (typeof written === "object" && written !== null) return written;
  throw new UsageError(`${file}: no policy, which is a mapping with rules`);
}

/** A file as `set` takes it; what else is to be said stands in comments. */
function policyText(view: PolicyView): string {
  const { policy: document, source, changedAt, rules, registered, waiting } = view;
  const since = changedAt === null ? "" : ` since ${isoTime(changedAt)}`;
  const head = [`# of the ${source === "operator" ? "operator" : "settings"}${since}`];
  head.push(`# ${registered} registered device${registered === 1 ? "" : "s"}`);
  if (waiting > 0) head.push(`# ${waiting} of them wait to be asked, for pacePerSecond`);
  const lines = rules.map(
    ({ name, text, registered: count }) => `# ${name}: ${text} (concerns ${count})`,
  );
  const text = [...head, ...lines].map((line) => `${printable(line)}\n`).join("");
  return text + stringify(document, { lineWidth: 0 });
}

function changesText({
  inForce,
  changes,
  rules,
  needsConfirmation,
  registered,
}: PolicyAnswer): string {
  const lines = changes.length === 0 ? ["nothing changes"] : [...changes];
  for (const { name, registered: count } of rules)
    lines.push(`${name} concerns ${count} of ${registered} registered devices`);
  if (needsConfirmation !== null)
    lines.push(inForce ? needsConfirmation : `needs --confirm: ${needsConfirmation}`);
  lines.push(inForce ? "in force" : "only checked: not in force");
  return lines.map((line) => `${printable(line)}\n`).join("");
}
