// `/cluster`: the S-CSCFs that share their users; and users who are taken to the node where an operator changes them.

import { type ClusterNodeView, clusterNodeSchema } from "@ims-lab/common/admin-api/cluster";
import { pageOf } from "@ims-lab/common/admin-api/schema-parts";
import { type PageQuery, page, pageQuerySchema } from "@ims-lab/common/platform/http/page";
import { problem } from "@ims-lab/common/platform/http/problem";
import { reasonOf } from "@ims-lab/common/platform/thrown";
import { aorOf, parseUri } from "@ims-lab/common/sip/message/uri";
import type { ClusterNode } from "@ims-lab/common/store/cluster-port";
import type { FastifyInstance } from "fastify";
import type { Scscf } from "../node.ts";

const schema = {
  summary: "The S-CSCFs that share their users; none for one that is alone.",
  querystring: pageQuerySchema,
  response: { 200: pageOf(clusterNodeSchema) },
} as const;

export function addCluster(app: FastifyInstance, scscf: Scscf): void {
  const { cluster } = scscf;
  app.get<{ Querystring: PageQuery }>("/cluster", { schema }, async ({ query }) => {
    if (cluster === undefined) return page(NOBODY, query, (node) => node);
    const { rows } = cluster;
    const nodes = await rows.nodes().catch(away);
    return page(nodes, query, (node) => viewOf(node, rows.node));
  });
  if (cluster === undefined) return;
  // What an operator has done to a user is done where the user is: here.
  app.addHook("preHandler", async ({ method, params }) => {
    const { impu, impi } = params as { readonly impu?: string; readonly impi?: string };
    const named = impu ?? impi;
    if (named === undefined || method === "GET" || method === "HEAD") return;
    const uri = parseUri(named);
    const sets = scscf.setsOf(uri === undefined ? named : aorOf(uri)).map(({ name }) => name);
    await cluster.users.claim(sets).catch(away);
  });
}

const NOBODY: readonly ClusterNodeView[] = [];

function viewOf({ name, address, leaseMs, groups }: ClusterNode, own: string): ClusterNodeView {
  return { name, address, isSelf: name === own, leaseSeconds: leaseMs / 1000, groups };
}

function away(why: unknown): never {
  const said = reasonOf(why);
  throw problem(503, "Cluster away", `The store of the cluster does not answer: ${said}.`);
}
