// `GET /registrations/{impu}/history` and `/sources/{address}/history`: what a CSCF remembers of a user, and of an address.
import type { FastifyInstance } from "fastify";
import { type PageQuery, page, pageQuerySchema } from "../platform/http/page.ts";
import { addressParams, impuParams } from "./path-parameters.ts";
import { historySchema } from "./schemas.ts";
import type { HistoryEventView } from "./views.ts";

export interface HistoryRouteParts {
  /** What is remembered of either, for the OpenAPI document. */
  readonly summary: { readonly ofUser: string; readonly ofSource: string };
  /** By IMPU or IMPI; may throw the problem of an unknown one. */
  ofUser(name: string): readonly HistoryEventView[];
  ofSource(address: string): readonly HistoryEventView[];
}

export function addHistoryRoutes(
  app: FastifyInstance,
  { summary, ofUser, ofSource }: HistoryRouteParts,
): void {
  const schema = { querystring: pageQuerySchema, response: { 200: historySchema } };
  app.get<{ Params: { impu: string }; Querystring: PageQuery }>(
    "/registrations/:impu/history",
    { schema: { ...schema, summary: summary.ofUser, params: impuParams } },
    ({ params: { impu }, query }) => page(ofUser(impu), query, (event) => event),
  );
  app.get<{ Params: { address: string }; Querystring: PageQuery }>(
    "/sources/:address/history",
    { schema: { ...schema, summary: summary.ofSource, params: addressParams } },
    ({ params: { address }, query }) => page(ofSource(address), query, (event) => event),
  );
}
