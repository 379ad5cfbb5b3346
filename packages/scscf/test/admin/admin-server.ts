// The admin interface of an S-CSCF on the simulated network.
import { adminServer, type HttpSettings } from "@ims-lab/common/platform/http";
import { adminOptions } from "@ims-lab/common/testing/admin-options";
import type { FastifyInstance } from "fastify";
import { addRoutes } from "../../src/admin/routes.ts";
import type { Lab } from "../lab.ts";

/** Without a socket until it is told to listen. */
export async function adminOf(
  lab: Lab,
  settings: Partial<HttpSettings> = {},
): Promise<FastifyInstance> {
  const app = await adminServer(adminOptions("S-CSCF", settings));
  addRoutes(app, lab.scscf, { clock: lab.clock });
  return app;
}
