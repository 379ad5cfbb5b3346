// `GET /faults`, `PUT` and `DELETE /faults/{name}`: the switches of a node's faults over HTTP. docs/faults.md.
import type { FastifyInstance } from "fastify";
import type { FaultRequest } from "../admin-api/faults.ts";
import { pageOf } from "../admin-api/schema-parts.ts";
import { faultSchema } from "../admin-api/schemas.ts";
import { type PageQuery, page, pageQuerySchema } from "../platform/http/page.ts";
import { problem } from "../platform/http/problem.ts";
import { type FaultProblem, faultsNamed, isFaultProblem, MOST_TIMES } from "./fault-order.ts";
import type { FaultSwitches, FaultSwitchesOptions } from "./fault-switches.ts";

const nameParams = {
  type: "object",
  properties: { name: { type: "string", description: "Of a fault or a preset.", maxLength: 100 } },
  required: ["name"],
} as const;
const impu = {
  type: "string",
  description: "Whom alone it meets; absent: everybody.",
  minLength: 1,
  maxLength: 1024,
} as const;
const scopeQuery = {
  type: "object",
  properties: { impu },
  additionalProperties: false,
} as const;
const requestBody = {
  type: ["object", "null"],
  properties: {
    impu,
    times: {
      type: "integer",
      description: "Messages, or challenges, that it spoils before it switches itself off.",
      minimum: 1,
      maximum: MOST_TIMES,
    },
    parameters: {
      type: "object",
      description: "Values of its parameters; a preset takes none.",
      additionalProperties: {
        anyOf: [{ type: "integer" }, { type: "string", maxLength: 100 }],
      },
      maxProperties: 20,
    },
  },
  additionalProperties: false,
} as const;

interface Scope {
  readonly impu?: string;
}

export function addFaultRoutes<Name extends string>(
  app: FastifyInstance,
  switches: FaultSwitches<Name>,
  catalogue: FaultSwitchesOptions<Name>["catalogue"],
): void {
  const listSchema = pageOf(faultSchema);
  const viewsOf = (name: string): object => {
    const named = faultsNamed(catalogue, name);
    if (isFaultProblem(named)) throw httpProblem(named);
    const items = switches.views.filter((view) => named.some((fault) => fault.name === view.name));
    return { items, total: items.length };
  };
  app.get<{ Querystring: PageQuery }>(
    "/faults",
    {
      schema: {
        summary: "The faults that this node can have, those that are on, and presets.",
        querystring: pageQuerySchema,
        response: { 200: listSchema },
      },
    },
    ({ query }) => page(switches.views, query, (view) => view),
  );
  app.put<{ Params: { name: string }; Body: FaultRequest | null }>(
    "/faults/:name",
    {
      schema: {
        summary: "Switch a fault on, or all of a preset.",
        params: nameParams,
        body: requestBody,
        response: { 200: listSchema },
      },
    },
    ({ params: { name }, body }) => {
      refuse(switches.on(name, body ?? {}));
      return viewsOf(name);
    },
  );
  app.delete<{ Params: { name: string }; Querystring: Scope }>(
    "/faults/:name",
    {
      schema: {
        summary: "Switch a fault off, or all of a preset.",
        params: nameParams,
        querystring: scopeQuery,
        response: { 200: listSchema },
      },
    },
    ({ params: { name }, query }) => {
      refuse(switches.off(name, query.impu));
      return viewsOf(name);
    },
  );
  app.delete<{ Querystring: Scope }>(
    "/faults",
    {
      schema: {
        summary: "Switch all faults off.",
        querystring: scopeQuery,
        response: { 200: listSchema },
      },
    },
    ({ query }) => {
      refuse(switches.off(undefined, query.impu));
      const items = switches.views;
      return { items, total: items.length };
    },
  );
}

function refuse(refused: FaultProblem | undefined): void {
  if (refused !== undefined) throw httpProblem(refused);
}

const ANSWERS = {
  "no-such-fault": [404, "No such fault"],
  "no-such-user": [404, "No such user"],
  "bad-request": [400, "Bad request"],
  unsuitable: [409, "Not with this user or setting"],
} as const;

function httpProblem({ problem: kind, detail }: FaultProblem): Error {
  const [status, title] = ANSWERS[kind];
  return problem(status, title, detail);
}
