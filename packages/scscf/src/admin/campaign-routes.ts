// `/campaigns`: orders to have many users authenticate again, dry runs, pause, resume, stop.
import {
  campaignPlanSchema,
  campaignRequestSchema,
  campaignSchema,
} from "@ims-lab/common/admin-api/campaign-schemas";
import type { CampaignPlan, CampaignRequest } from "@ims-lab/common/admin-api/campaigns";
import { pageOf } from "@ims-lab/common/admin-api/schema-parts";
import { type PageQuery, page, pageQuerySchema } from "@ims-lab/common/platform/http/page";
import { problem } from "@ims-lab/common/platform/http/problem";
import type { FastifyInstance } from "fastify";
import type { CampaignOrder } from "../campaigns/campaign.ts";
import { concernsOf, whyNobody } from "../campaigns/concerns.ts";
import { isPlace } from "../campaigns/filter.ts";
import type { Selection } from "../campaigns/selection.ts";
import type { Scscf } from "../node.ts";
import { campaignView, targetView } from "./campaign-views.ts";

type CampaignParts = Pick<Scscf, "campaigns" | "bindings">;

/** A request whose defaults are filled in. */
type WholeRequest = CampaignRequest &
  Required<Pick<CampaignRequest, "filter" | "percent" | "pacePerSecond" | "jitter">>;

const idParams = {
  type: "object",
  properties: { id: { type: "string", maxLength: 100 } },
  required: ["id"],
} as const;

export function addCampaigns(app: FastifyInstance, scscf: Scscf): void {
  addCampaignStart(app, scscf);
  addCampaignLists(app, scscf);
  const pause = { kind: "paused", verb: "pause", summary: "Ask nobody until it is resumed." };
  const resume = { kind: "resumed", verb: "resume", summary: "Go on with asking." };
  for (const { kind, verb, summary } of [pause, resume] as const) {
    const schema = { summary, params: idParams, response: { 200: campaignSchema } };
    app.post<{ Params: { id: string } }>(`/campaigns/:id/${verb}`, { schema }, ({ params }) =>
      changed(scscf, params.id, kind as "paused" | "resumed"),
    );
  }
  const summary = "Stop it: nobody more is asked, whom it has asked is counted on.";
  const schema = { summary, params: idParams, response: { 200: campaignSchema } };
  app.delete<{ Params: { id: string } }>("/campaigns/:id", { schema }, ({ params }) =>
    changed(scscf, params.id, "stopped"),
  );
}

function addCampaignStart(app: FastifyInstance, scscf: CampaignParts): void {
  const schema = {
    summary: "Have many users authenticate again, at a pace; or say whom that would be (dryRun).",
    description:
      "422: nobody matches, and why. 409: everybody, or faster than campaigns.maxPacePerSecond, and not confirmed; `count` devices would be asked. limit and offset are for dryRun.",
    querystring: pageQuerySchema,
    body: campaignRequestSchema,
    response: { 200: campaignPlanSchema, 201: campaignSchema },
  } as const;
  app.post<{ Body: WholeRequest; Querystring: PageQuery }>(
    "/campaigns",
    { schema },
    async ({ body, query }, reply) => {
      const { campaigns } = scscf;
      const order = orderOf(body, () => campaigns.newSeed());
      const selection = await campaigns.select(order);
      const nobody = whyNobody(selection);
      if (nobody !== undefined) throw problem(422, "Matches nobody", nobody, { count: 0 });
      const concerns = concernsOf(order, selection, campaigns);
      if (body.dryRun === true) return planOf(scscf, { order, selection, concerns, query });
      const count = selection.tokens.length;
      if (concerns.length > 0 && body.confirm !== true)
        throw problem(409, "Confirmation needed", `${concerns.join("; ")}: confirm it.`, { count });
      if (!campaigns.mayStart)
        throw problem(409, "Too many campaigns", "As many as may be go on: stop one, or wait.");
      const started = await durably(() => campaigns.start(order, selection));
      return reply.code(201).send(campaignView(started));
    },
  );
}

function addCampaignLists(app: FastifyInstance, { campaigns }: CampaignParts): void {
  app.get<{ Querystring: PageQuery }>(
    "/campaigns",
    {
      schema: {
        summary: "Campaigns, the latest first.",
        querystring: pageQuerySchema,
        response: { 200: pageOf(campaignSchema) },
      },
    },
    ({ query }) => page(campaigns.list(), query, campaignView),
  );
  app.get<{ Params: { id: string } }>(
    "/campaigns/:id",
    {
      schema: { summary: "One campaign.", params: idParams, response: { 200: campaignSchema } },
    },
    ({ params: { id } }) => {
      const found = campaigns.get(id);
      if (found === undefined) throw unknownCampaign(id);
      return campaignView(found);
    },
  );
}

function orderOf(body: WholeRequest, newSeed: () => string): CampaignOrder {
  const { name, filter, percent, pacePerSecond, jitter, seed } = body;
  if (filter.pcscf !== undefined && !isPlace(filter.pcscf))
    throw problem(400, "Bad request", "body/filter/pcscf must be HOST or HOST:PORT", {
      parameter: "filter.pcscf",
    });
  const named = name === undefined ? {} : { name };
  return { ...named, filter, percent, pacePerSecond, jitter, seed: seed ?? newSeed() };
}

function planOf(
  { bindings }: CampaignParts,
  plan: {
    readonly order: CampaignOrder;
    readonly selection: Selection;
    readonly concerns: readonly string[];
    readonly query: PageQuery;
  },
): CampaignPlan {
  const { order, selection, concerns, query } = plan;
  const { registered, matched, tokens } = selection;
  const shown = page(tokens, query, (token) => bindings.get(token));
  return {
    items: shown.items.flatMap((binding) => (binding === undefined ? [] : [targetView(binding)])),
    total: shown.total,
    registered,
    matched,
    seed: order.seed,
    durationSeconds: tokens.length / order.pacePerSecond,
    concerns,
  };
}

async function changed(
  { campaigns }: CampaignParts,
  id: string,
  kind: "paused" | "resumed" | "stopped",
): Promise<ReturnType<typeof campaignView>> {
  const found = await durably(() => campaigns.change(id, kind));
  if (found === undefined) throw unknownCampaign(id);
  if ("refused" in found) {
    const { status } = found.refused;
    throw problem(409, "Not possible now", `Campaign ${id} is ${status}: it cannot be ${kind}.`);
  }
  return campaignView(found);
}

/** Nothing has happened where it cannot be kept. */
async function durably<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch {
    throw problem(503, "Not durable", "The store does not take it: nothing has happened.");
  }
}

export function unknownCampaign(id: string): Error {
  return problem(404, "No such campaign", `${id} is unknown.`);
}
