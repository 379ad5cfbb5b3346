// `imslab fault`: the faults of the lab's UEs and of its S-CSCF, switched on and off. docs/faults.md.
import {
  type FaultCatalogue,
  type FaultView,
  scscfFaults,
  ueFaults,
} from "@ims-lab/common/admin-api/faults";
import type { Page } from "@ims-lab/common/admin-api/views";
import { faultOrders, isFaultProblem, requestOf } from "@ims-lab/common/faults/fault-order";
import { widthOf } from "../../terminal.ts";
import type { AdminClient } from "../admin-client.ts";
import { type Command, defineCommand, print, type Run, type Session } from "../command.ts";
import { faultsTable } from "../faults.ts";
import { UsageError, word } from "../option-values.ts";

type FaultNode = "ue" | "scscf";
const CATALOGUES: Readonly<Record<FaultNode, FaultCatalogue>> = {
  ue: ueFaults,
  scscf: scscfFaults,
};
const NODES: readonly FaultNode[] = ["ue", "scscf"];
/** More than any fault has parameters. */
const MOST_WORDS = 12;

interface FaultOptions {
  readonly node?: string;
  readonly impu?: string;
  readonly times?: string;
}

export const fault: Command = defineCommand({
  name: "fault",
  help: `  imslab fault list [--node ue|scscf]
      The faults and presets that there are, and those that are on.
  imslab fault on NAME [PARAMETER=VALUE ...] [--impu IMPU] [--times N] [--node ue|scscf]
      For one user, or for all; off by itself when it has acted N times.
  imslab fault off [NAME] [--impu IMPU] [--node ue|scscf]
      One of them, or all.
`,
  options: {
    node: { type: "string" },
    impu: { type: "string" },
    times: { type: "string" },
  },
  words: MOST_WORDS,
  read([what = "list", name, ...pairs], values) {
    const wanted = word("fault", what, ["list", "on", "off"]);
    const node = values.node === undefined ? undefined : word("--node", values.node, NODES);
    if (wanted === "on") return switchOn(name, pairs, { ...values, ...(node && { node }) });
    const [extra] = wanted === "list" && name !== undefined ? [name] : pairs;
    if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`);
    if (values.times !== undefined) throw new UsageError("--times goes with imslab fault on");
    if (wanted === "off") return switchOff(name, node, values.impu);
    if (values.impu !== undefined) throw new UsageError("--impu goes with on and off");
    return (session) => listAll(node === undefined ? NODES : [node], session);
  },
});

function clientOf(node: FaultNode, { ue, scscf }: Session): AdminClient {
  return node === "ue" ? ue : scscf;
}

/** The node that has a fault of this name. */
function nodeOf(name: string, said: string | undefined): FaultNode {
  const has = (node: FaultNode): boolean => {
    const { faults, presets } = CATALOGUES[node];
    return [...faults, ...presets].some((one) => one.name === name);
  };
  const found = said === undefined ? NODES.find(has) : word("--node", said, NODES);
  if (found !== undefined && has(found)) return found;
  const where = found === undefined ? "" : ` at the ${CATALOGUES[found].node}`;
  throw new UsageError(`no fault "${name}"${where}: imslab fault list names them`);
}

function switchOn(
  name: string | undefined,
  pairs: readonly string[],
  { node: said, impu, times }: FaultOptions,
): Run {
  if (name === undefined)
    throw new UsageError("say which: imslab fault on NAME (imslab fault list)");
  const node = nodeOf(name, said);
  if (times !== undefined && !/^\d{1,7}$/.test(times))
    throw new UsageError(`--times: "${times}" is no whole number`);
  const written = pairs.map((pair): [string, string] => {
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError(`"${pair}": expected PARAMETER=VALUE`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const request = {
    ...requestOf(written),
    ...(impu !== undefined && { impu }),
    ...(times !== undefined && { times: Number(times) }),
  };
  const orders = faultOrders(CATALOGUES[node], name, request);
  if (isFaultProblem(orders)) throw new UsageError(orders.detail);
  return async (session) => {
    const path = `/faults/${encodeURIComponent(name)}`;
    const answer = await clientOf(node, session).put<Page<FaultView>>(path, {}, request);
    return print(answer, textOf(answer.items, node, session), session);
  };
}

function switchOff(
  name: string | undefined,
  said: FaultNode | undefined,
  impu: string | undefined,
): Run {
  const nodes = name === undefined ? (said === undefined ? NODES : [said]) : [nodeOf(name, said)];
  const path = name === undefined ? "/faults" : `/faults/${encodeURIComponent(name)}`;
  return async (session) => {
    for (const node of nodes) await clientOf(node, session).delete(path, { impu });
    const what = name ?? "all faults";
    const whom = impu === undefined ? "" : ` for ${impu}`;
    return print({ off: name ?? "all", impu: impu ?? null }, `${what}: off${whom}\n`, session);
  };
}

async function listAll(nodes: readonly FaultNode[], session: Session): Promise<number> {
  const items: (FaultView & { readonly node: string })[] = [];
  let text = "";
  for (const node of nodes) {
    const page = await clientOf(node, session).all<FaultView>("/faults");
    items.push(...page.items.map((view) => ({ ...view, node })));
    text += textOf(page.items, node, session);
  }
  return print({ items, total: items.length }, text, session);
}

function textOf(views: readonly FaultView[], node: FaultNode, { context }: Session): string {
  return faultsTable(CATALOGUES[node].node, views, widthOf(context.stdout, context.env));
}
