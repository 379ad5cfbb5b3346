// `GET /network-faults`, `PUT` and `DELETE /network-faults/{rule}`: what becomes of messages that leave a node. docs/faults.md.
import type { FastifyInstance } from "fastify";
import { type NetworkFaultView, networkFaultSchema } from "../admin-api/network-faults.ts";
import { pageOf } from "../admin-api/schema-parts.ts";
import type { Page } from "../admin-api/views.ts";
import { type PageQuery, page, pageQuerySchema } from "../platform/http/page.ts";
import { problem } from "../platform/http/problem.ts";
import { printable } from "../platform/printable.ts";
import type { NetworkFaults } from "./network-faults.ts";

const ruleParams = {
  type: "object",
  properties: {
    rule: {
      type: "string",
      description: "Such as `drop NOTIFY S>P 1`, percent-encoded.",
      maxLength: 200,
    },
  },
  required: ["rule"],
} as const;

const ANSWERS = {
  "bad-rule": [400, "Bad rule"],
  "too-many": [409, "Too many rules"],
  unsuitable: [409, "Not with this setting"],
} as const;

export function addNetworkFaultRoutes(app: FastifyInstance, faults: NetworkFaults): void {
  const response = { 200: pageOf(networkFaultSchema) };
  const all = (): Page<NetworkFaultView> => ({ items: faults.views, total: faults.size });
  app.get<{ Querystring: PageQuery }>(
    "/network-faults",
    {
      schema: {
        summary: "Rules for messages that leave this node.",
        querystring: pageQuerySchema,
        response,
      },
    },
    ({ query }) => page(faults.views, query, (view) => view),
  );
  app.put<{ Params: { rule: string } }>(
    "/network-faults/:rule",
    {
      schema: {
        summary: "Have messages lost, late, doubled or overtaken: a rule, counted from now on.",
        params: ruleParams,
        body: { type: ["object", "null"], properties: {}, additionalProperties: false },
        response,
      },
    },
    ({ params: { rule } }) => {
      const refused = faults.put(rule);
      if (refused !== undefined) {
        const [status, title] = ANSWERS[refused.problem];
        throw problem(status, title, refused.detail);
      }
      return all();
    },
  );
  app.delete<{ Params: { rule: string } }>(
    "/network-faults/:rule",
    { schema: { summary: "End a rule.", params: ruleParams, response } },
    ({ params: { rule } }) => {
      if (!faults.end(rule))
        throw problem(404, "No such rule", `"${printable(rule)}" does not hold here.`);
      return all();
    },
  );
  app.delete("/network-faults", { schema: { summary: "End all rules.", response } }, () => {
    faults.end();
    return all();
  });
}
