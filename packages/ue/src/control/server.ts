// HTTP control of the UEs: register, de-register, look. docs/operations.md.
import { ueFaults } from "@ims-lab/common/admin-api/faults";
import { pageOf } from "@ims-lab/common/admin-api/schema-parts";
import { addTransactionRoute } from "@ims-lab/common/admin-api/transaction-route";
import { ueSchema } from "@ims-lab/common/admin-api/ue-schemas";
import { addFaultRoutes } from "@ims-lab/common/faults/fault-routes";
import { addNetworkFaultRoutes } from "@ims-lab/common/faults/network-fault-routes";
import type { Clock } from "@ims-lab/common/platform/clock";
import { adminServer, type HttpSettings } from "@ims-lab/common/platform/http";
import { type PageQuery, page, pageQuerySchema } from "@ims-lab/common/platform/http/page";
import type { Logger } from "@ims-lab/common/platform/logger";
import type { Metrics } from "@ims-lab/common/platform/metrics";
import type { FastifyInstance } from "fastify";
import type { UeNode } from "../node.ts";
import type { UserEquipment } from "../user-equipment.ts";
import { callRoutes } from "./call-routes.ts";
import { selectedUes, type UeSelection } from "./selection.ts";

export interface ControlOptions {
  readonly settings: HttpSettings;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  readonly clock: Clock;
  readonly node: UeNode;
}

/** Without a body: all UEs of the process. */
const selectionSchema = {
  type: ["object", "null"],
  properties: { identity: { type: "string", description: "IMPU or IMPI; absent: every UE" } },
  additionalProperties: false,
} as const;

/** Routes are there, nothing listens yet. */
export async function controlServer(options: ControlOptions): Promise<FastifyInstance> {
  const { node, clock, ...rest } = options;
  const app = await adminServer({ ...rest, node: "UE", ready: () => node.isReady });

  app.get<{ Querystring: PageQuery }>(
    "/state",
    {
      schema: {
        summary: "Every UE's state",
        querystring: pageQuerySchema,
        response: { 200: pageOf(ueSchema) },
      },
    },
    (request) => page(node.ues, request.query, (ue) => ue.view),
  );
  const command = (path: string, summary: string, apply: (ue: UserEquipment) => void): void => {
    app.post<{ Body: UeSelection | null }>(
      path,
      { schema: { summary, body: selectionSchema, response: { 202: pageOf(ueSchema) } } },
      (request, reply) => {
        const ues = selectedUes(node, request.body ?? {});
        for (const ue of ues) apply(ue);
        return reply.code(202).send(page(ues, { limit: 100, offset: 0 }, (ue) => ue.view));
      },
    );
  };
  command("/register", "Register, or renew a registration", (ue) => ue.register());
  command("/deregister", "De-register", (ue) => ue.deregister());
  callRoutes(app, node);
  addFaultRoutes(app, node.faults.switches, ueFaults);
  addNetworkFaultRoutes(app, node.faults.network);
  addTransactionRoute(app, clock, () => node.transactionLists);
  return app;
}
