// `imslab network`: messages between the lab's nodes lost, late, doubled or overtaken, by rules that are put while it runs. docs/faults.md.
import type { NetworkFaultView } from "@ims-lab/common/admin-api/network-faults";
import type { Page } from "@ims-lab/common/admin-api/views";
import {
  isRuleProblem,
  networkActions,
  networkSetting,
  type Place,
  parseNetworkRule,
  parseNetworkSetting,
} from "@ims-lab/common/faults/network-rule";
import { widthOf } from "../../terminal.ts";
import { type Command, defineCommand, print, type Run, type Session } from "../command.ts";
import { type NetworkNode, networkFaultsTable, networkNodes } from "../network-faults.ts";
import { UsageError, word } from "../option-values.ts";

const SENDERS: Readonly<Record<Place, NetworkNode["name"]>> = {
  U: "UE",
  P: "P-CSCF",
  S: "S-CSCF",
};
const WORDS = ["list", ...networkActions, "off"] as const;
/** Of a rule that stands without quotes. */
const MOST_WORDS = 8;

export const network: Command = defineCommand({
  name: "network",
  help: `  imslab network list
      The rules that hold, and how often each has acted.
  imslab network drop|delay|duplicate|reorder 'WHAT FROM>TO [N|N-M|*] [TIME]'
      What becomes of messages between the nodes, counted from now on: drop 'NOTIFY S>P 1',
      delay '200 S>U 2 500ms'. In quotes: the shell would take > for a file.
  imslab network off ['drop NOTIFY S>P 1']
      One rule, or all.
`,
  options: {},
  words: MOST_WORDS,
  read([what = "list", ...rest]) {
    const wanted = word("network", what, WORDS);
    if (wanted === "off") return switchOff(rest.join(" "));
    if (wanted !== "list") return switchOn(wanted, rest.join(" "));
    if (rest[0] !== undefined) throw new UsageError(`"${rest[0]}" is one word too many`);
    return listAll;
  },
});

function switchOn(action: (typeof networkActions)[number], written: string): Run {
  const rule = parseNetworkRule(action, written);
  if (isRuleProblem(rule)) throw new UsageError(rule.problem);
  if (rule.figure !== undefined)
    throw new UsageError(
      `@figure${rule.figure} goes with npm start, which plays the figures: here a rule counts from now on`,
    );
  const text = networkSetting(rule);
  return async (session) => {
    const { name, client } = senderOf(rule.from, session);
    const path = `/network-faults/${encodeURIComponent(text)}`;
    const answer = await client.put<Page<NetworkFaultView>>(path);
    return print(answer, tableOf(at(name, answer.items), session), session);
  };
}

function switchOff(written: string): Run {
  const all: Run = async (session) => {
    for (const { client } of networkNodes(session)) await client.delete("/network-faults");
    return print({ off: "all" }, "all rules of the network: off\n", session);
  };
  if (written === "") return all;
  const rule = parseNetworkSetting(written);
  if (isRuleProblem(rule)) throw new UsageError(rule.problem);
  const text = networkSetting(rule);
  return async (session) => {
    const path = `/network-faults/${encodeURIComponent(text)}`;
    await senderOf(rule.from, session).client.delete(path);
    return print({ off: text }, `${text}: off\n`, session);
  };
}

const listAll: Run = async (session) => {
  const items: (NetworkFaultView & { readonly node: string })[] = [];
  for (const { name, client } of networkNodes(session))
    items.push(...at(name, (await client.all<NetworkFaultView>("/network-faults")).items));
  const text = tableOf(items, session) || "no rule of the network holds\n";
  return print({ items, total: items.length }, text, session);
};

function senderOf(place: Place, session: Session): NetworkNode {
  const found = networkNodes(session).find(({ name }) => name === SENDERS[place]);
  if (found === undefined) throw new Error(`no node at ${place}`);
  return found;
}

function at(
  node: string,
  views: readonly NetworkFaultView[],
): readonly (NetworkFaultView & { readonly node: string })[] {
  return views.map((view) => ({ ...view, node }));
}

function tableOf(
  items: readonly (NetworkFaultView & { readonly node: string })[],
  { context }: Session,
): string {
  return networkFaultsTable(items, widthOf(context.stdout, context.env));
}
